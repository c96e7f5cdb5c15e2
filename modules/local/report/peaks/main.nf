process REPORT_PEAKS {
    tag 'all groups'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    path beds, stageAs: 'peaks/?/*'
    path tables, stageAs: 'peaks/?/*'
    path bins, stageAs: 'peaks/?/*'
    path summaries, stageAs: 'peaks/?/*'
    path gtf
    val code

    output:
    path 'quality/*', emit: files
    path 'quality/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python numpy polars scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-report peaks ${args} \$(printf -- '--peaks-dir %s ' peaks/*) --gtf ${gtf} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '{}' > quality/peaks_mqc.json
    """
}
