process LABELS_FOLDS {
    tag "${n_folds} by ${by}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path store
    val by
    val n_folds
    val seed
    val code

    output:
    path 'folds.tsv', emit: tsv
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-labels folds ${args} --store ${store} --by ${by} --folds ${n_folds} --seed ${seed} --out folds.tsv
    """

    stub:
    """
    touch folds.tsv
    """
}
