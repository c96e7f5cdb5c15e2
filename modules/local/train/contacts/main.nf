process TRAIN_CONTACTS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(model, stageAs: 'model/*'), path(structures)
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: model
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-train --version python numpy peft polars pyarrow scikit-learn scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-train contacts ${args} --model ${model} --structures ${structures} --device ${device} --out ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/config.json ${meta.id}/model.safetensors
    """
}
