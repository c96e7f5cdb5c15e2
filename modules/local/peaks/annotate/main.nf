process PEAKS_ANNOTATE {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(narrowpeak)
    path gtf
    path fasta
    path fai
    val code

    output:
    tuple val(meta), path("${meta.id}/peaks.bed"), emit: bed
    tuple val(meta), path("${meta.id}/peaks.tsv"), emit: tsv
    tuple val(meta), path("${meta.id}/summary.json"), emit: summary
    tuple val(meta), path("${meta.id}/*_mqc.json"), emit: multiqc, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-peaks --version python numba numpy polars pyarrow pybedtools pysam scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-peaks annotate ${args} --narrowpeak ${narrowpeak} --gtf ${gtf} --fasta ${fasta} --name ${meta.id} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/peaks.bed ${meta.id}/peaks.tsv
    echo '{"name": "${meta.id}"}' > ${meta.id}/summary.json
    """
}
