process SAMTOOLS_STATS {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(bam), path(bai)

    output:
    tuple val(meta), path("${meta.id}.stats"), emit: stats
    tuple val(meta), path("${meta.id}.flagstat"), emit: flagstat
    tuple val(meta), path("${meta.id}.idxstats"), emit: idxstats
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_samtools

    script:
    def args = task.ext.args ?: ''
    """
    samtools stats ${args} -@ ${task.cpus} ${bam} > ${meta.id}.stats
    samtools flagstat -@ ${task.cpus} ${bam} > ${meta.id}.flagstat
    samtools idxstats ${bam} > ${meta.id}.idxstats
    """

    stub:
    """
    touch ${meta.id}.stats ${meta.id}.flagstat ${meta.id}.idxstats
    """
}
