process MACS3_CALLPEAK {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(bams, stageAs: 'bam/*'), path(bais, stageAs: 'bam/*')
    val gsize
    val extsize

    output:
    tuple val(meta), path("${meta.id}_peaks.narrowPeak"), emit: narrowpeak
    tuple val(meta), path("${meta.id}_peaks.xls"), emit: xls
    tuple val("${task.process}"), val('macs3'), eval("macs3 --version | sed 's/.* //'"), topic: versions, emit: versions_macs3

    // Without a model MACS3 needs no paired peaks; without a read in the IP it ends with an error, we with an empty file.
    script:
    def args = task.ext.args ?: ''
    def ip = meta.ip.collect { name -> "bam/${name}.bam" }.join(' ')
    def input_bams = meta.input.collect { name -> "bam/${name}.bam" }.join(' ')
    """
    mapped() { for bam in "\$@"; do samtools view -c -F 4 "\$bam"; done | awk '{ n += \$1 } END { print n + 0 }'; }
    if [ "\$(mapped ${ip})" -gt 0 ] && [ "\$(mapped ${input_bams})" -gt 0 ]; then
        macs3 callpeak ${args} --treatment ${ip} --control ${input_bams} --format BAM --name ${meta.id} --gsize ${gsize} \\
            --nomodel --extsize ${extsize} --keep-dup all
    else
        echo "notice: ${meta.id} has no aligned reads in IP or input: no peaks" >&2
        : > ${meta.id}_peaks.narrowPeak
        : > ${meta.id}_peaks.xls
    fi
    """

    stub:
    """
    touch ${meta.id}_peaks.narrowPeak ${meta.id}_peaks.xls
    """
}
