process PREPROCESS_STRUCTURES {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(structures, stageAs: 'given/*')
    val code

    output:
    tuple val(meta), path("${meta.id}.dbn"), emit: dbn
    tuple val(meta), path("${meta.id}.fa"), emit: fasta
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python numpy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def most = meta.most ? "--most ${meta.most}" : ''
    """
    # code: ${code}
    ribolm-preprocess structures ${args} ${most} --input ${structures} --out ${meta.id}.dbn --fasta ${meta.id}.fa
    """

    stub:
    """
    touch ${meta.id}.dbn ${meta.id}.fa
    """
}
