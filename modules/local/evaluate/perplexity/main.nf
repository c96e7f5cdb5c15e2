process EVALUATE_PERPLEXITY {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(model, stageAs: 'model/*'), path(sequences)
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate perplexity ${args} --model ${model} --sequences ${sequences} --device ${device} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
