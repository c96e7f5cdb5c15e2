process EVALUATE_SCAN {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(scored, stageAs: 'scored/*'), path(fasta), path(known, stageAs: 'known/*'), path(model, stageAs: 'model/*'), path(store, stageAs: 'store/*')
    path regions
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numba numpy polars pyarrow scikit-learn scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def parts = [scored].flatten().collect { part -> "--scored ${part}" }.join(' ')
    // without windows to fit the regression on, the one inside the model's folder is taken
    def windows = store ? "--store ${store}" : ''
    def part = regions ? "--regions ${regions}" : ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate scan ${args} ${parts} --model ${model} --fasta ${fasta} --known ${known} ${windows} ${part} --device ${device} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
