process EVALUATE_STRUCTURE {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(truth), path(predicted, stageAs: 'predicted/?/*')
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [predicted].flatten().withIndex().collect { file, index -> "${index ? '--pred-b' : '--pred'} ${file}" }.join(' ')
    def families = meta.group ? "--families ${meta.group}" : ''
    """
    # code: ${code}
    mkdir ${meta.id}
    ribolm-evaluate structure ${args} --truth ${truth} ${given} ${families} --table ${meta.id}/rnas.tsv --out ${meta.id}/metrics.json
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
