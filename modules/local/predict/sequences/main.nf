process PREDICT_SEQUENCES {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(model, stageAs: 'model/*'), path(sequences), path(folds)
    val code

    output:
    tuple val(meta), path("${meta.id}.tsv"), emit: scores
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numpy polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def rows = meta.fold == '' ? '' : "--folds ${folds} --fold ${meta.fold}"
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict sequences ${args} --model ${model} --sequences ${sequences} ${rows} --device ${device} --out ${meta.id}.tsv
    """

    stub:
    """
    touch ${meta.id}.tsv
    """
}
