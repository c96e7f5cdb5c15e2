process REPORT_HEADLINE {
    tag 'headline'
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    path beds, stageAs: 'peaks/?/*'
    path tables, stageAs: 'peaks/?/*'
    path summaries, stageAs: 'peaks/?/*'
    path motifs, stageAs: 'motif/*'
    val code

    output:
    path 'headline.json', emit: json
    path 'headline_mqc.json', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python numpy polars'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def motif_files = [motifs].flatten().collect { file -> "--motif ${file}" }.join(' ')
    """
    # code: ${code}
    ribolm-report headline ${args} \$(printf -- '--peaks-dir %s ' peaks/*) ${motif_files} --out headline.json
    """

    stub:
    """
    echo '{"numbers": []}' | tee headline.json > headline_mqc.json
    """
}
