process WEIGHTS_RANDOMISE {
    tag "${model.name}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path model, stageAs: 'model/*'
    val seed
    val code

    output:
    path 'random_weights', emit: model
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-weights --version'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-weights randomise ${args} --model ${model} --seed ${seed} --out random_weights
    """

    stub:
    """
    mkdir random_weights
    touch random_weights/config.json random_weights/model.safetensors
    """
}
