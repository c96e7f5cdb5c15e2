process PREDICT_STORE {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    input:
    tuple val(meta), path(models, stageAs: 'models/?/*')
    path store
    path folds
    val code

    output:
    tuple val(meta), path("${meta.id}.parquet"), emit: scores
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numpy polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def given = [models].flatten().collect { model -> "--model ${model}" }.join(' ')
    def rows = meta.fold == '' ? "--folds ${folds}" : "--folds ${folds} --fold ${meta.fold}"
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict store ${args} ${given} --store ${store} ${rows} --universe nucleotide --device ${device} --out ${meta.id}.parquet
    """

    stub:
    """
    touch ${meta.id}.parquet
    """
}
