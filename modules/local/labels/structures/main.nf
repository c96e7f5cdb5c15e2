process LABELS_STRUCTURES {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(structures)
    path tested, stageAs: 'tested/?/*'
    val tokenizer
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: store
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python numpy polars pyarrow scipy viennarna'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def apart = [tested].flatten().collect { file -> "--exclude ${file}" }.join(' ')
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-labels structures ${args} --structures ${structures} ${apart} --tokenizer ${tokenizer} --processes ${task.cpus} --out ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    """
}
