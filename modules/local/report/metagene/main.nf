process REPORT_METAGENE {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    tuple val(meta), path(bed)
    path gtf
    val code

    output:
    tuple val(meta), path('quality/*'), emit: files
    tuple val(meta), path('quality/*_mqc.*'), emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-report metagene ${args} --peaks ${bed} --gtf ${gtf} --name ${meta.id} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '{}' > quality/${meta.id}.metagene_mqc.json
    """
}
