process PREPROCESS_ALIGNMENTS {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(bam, stageAs: 'given/*')
    path fai
    val code

    output:
    tuple val(meta), path("${meta.id}.bam"), path("${meta.id}.bam.bai"), emit: bam
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-preprocess alignments ${args} --bam ${bam} --fai ${fai} --out ${meta.id}.bam --threads ${task.cpus}
    """

    stub:
    """
    touch ${meta.id}.bam ${meta.id}.bam.bai
    """
}
