process EXPLAIN_WINDOWS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(model, stageAs: 'model/*'), path(store, stageAs: 'set/*'), path(sequences), path(folds)
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-explain --version python numba numpy polars pyarrow pybigtools scikit-learn scipy torch viennarna zarr'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def rows = meta.fold == '' ? '' : "--folds ${folds} --fold ${meta.fold}"
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-explain windows ${args} --model ${model} --store ${store} --sequences ${sequences} ${rows} --device ${device} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/summary.json
    """
}
