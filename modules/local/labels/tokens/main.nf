process LABELS_TOKENS {
    tag "${task_name}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path store
    path sites
    val task_name
    val code

    output:
    path 'labelled', emit: store
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python numpy polars pyarrow'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-labels tokens ${args} --store ${store} --sites ${sites} --task ${task_name} --out labelled
    """

    stub:
    """
    mkdir labelled
    echo '{}' > labelled/manifest.json
    """
}
