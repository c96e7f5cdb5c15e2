process REPORT_METHODS {
    tag 'methods'
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    path parameters
    path versions
    path summaries, stageAs: 'peaks/?/*'
    val code

    output:
    path 'quality/*', emit: files
    path 'quality/*_mqc.*', emit: multiqc
    // not on the topic: this process reads the collected versions, and would wait for itself
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version'), emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [summaries].flatten().collect { file -> "--summary ${file}" }.join(' ')
    """
    # code: ${code}
    ribolm-report methods ${args} --parameters ${parameters} --versions ${versions} ${given} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '<p></p>' > quality/methods_mqc.html
    """
}
