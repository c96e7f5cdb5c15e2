process MULTIQC {
    tag 'report'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-report:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path files, stageAs: 'input/*'
    path configs, stageAs: 'config/?/*'
    val title

    output:
    path 'multiqc_report.html', emit: report
    path 'multiqc_report_data', emit: data
    path 'multiqc_report_plots', emit: plots, optional: true
    // not on the topic: this process reads the collected versions, and would wait for itself
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | sed 's/.* //'"), emit: versions_multiqc

    script:
    def args = task.ext.args ?: ''
    def given = [configs].flatten().collect { config -> "--config ${config}" }.join(' ')
    def named = title ? "--title '${title.toString().replace("'", '')}'" : ''
    """
    multiqc --force ${args} ${named} ${given} --filename multiqc_report.html input
    """

    stub:
    """
    mkdir multiqc_report_data
    touch multiqc_report.html
    """
}
