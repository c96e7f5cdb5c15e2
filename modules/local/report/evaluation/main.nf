process REPORT_EVALUATION {
    tag 'all methods'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path folders
    val code

    output:
    path 'report/*', emit: files
    path 'report/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python matplotlib'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [folders].flatten().collect { folder -> "--dir ${folder}" }.join(' ')
    """
    # code: ${code}
    ribolm-report evaluation ${args} ${given} --outdir report
    """

    stub:
    """
    mkdir report
    echo '{}' > report/evaluation_mqc.json
    """
}
