process REPORT_TRAINING {
    tag 'all runs'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    val names
    path logs, stageAs: 'logs/?/*'
    val code

    output:
    path 'training/*', emit: files
    path 'training/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [logs].flatten()].transpose().collect { name, log -> "--log ${name}=${log}" }.join(' ')
    """
    # code: ${code}
    ribolm-report training ${args} ${given} --outdir training
    """

    stub:
    """
    mkdir training
    echo '{}' > training/training_mqc.json
    """
}
