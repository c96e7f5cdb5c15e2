process SAMTOOLS_MARKDUP {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(bam, stageAs: 'sorted/*'), path(bai, stageAs: 'sorted/*')

    output:
    tuple val(meta), path("${meta.id}.bam"), path("${meta.id}.bam.bai"), emit: bam
    tuple val(meta), path("${meta.id}.markdup.txt"), emit: stats
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_samtools

    script:
    def args = task.ext.args ?: ''
    def threads = Math.max(1, (task.cpus as int).intdiv(3))
    def sort_memory_mb = Math.max(64, (task.memory ? task.memory.toMega() : 4096).intdiv(4 * threads))
    """
    samtools collate --no-PG -@ ${threads} -O -u ${bam} collating \\
        | samtools fixmate --no-PG -@ ${threads} -m -u - - \\
        | samtools sort --no-PG -@ ${threads} -m ${sort_memory_mb}M -u -T sorting - \\
        | samtools markdup --no-PG -@ ${threads} ${args} -f ${meta.id}.markdup.txt - ${meta.id}.bam
    samtools index -@ ${threads} ${meta.id}.bam
    """

    stub:
    """
    touch ${meta.id}.bam ${meta.id}.bam.bai ${meta.id}.markdup.txt
    """
}
