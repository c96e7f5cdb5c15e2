process LABELS_FOLDS {
    tag "${meta.id}: ${n_folds} by ${by}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(store)
    val by
    val n_folds
    val seed
    val code

    output:
    tuple val(meta), path("${meta.id}/folds.tsv"), emit: tsv
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python numpy polars pyarrow scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-labels folds ${args} --store ${store} --by ${by} --folds ${n_folds} --seed ${seed} --out ${meta.id}/folds.tsv
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/folds.tsv
    """
}
