process PREDICT_STRUCTURE {
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
    tuple val(meta), path("${meta.id}.dbn"), emit: dbn
    tuple val(meta), path("${meta.id}.tsv"), emit: confidence
    tuple val(meta), path("${meta.id}.pairs.tsv"), emit: pairs
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numpy polars pyarrow scipy torch viennarna'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def without = meta.thermodynamics ? '' : '--no-thermodynamics'
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict structure ${args} ${without} --model ${model} --sequences ${sequences} --pairs ${meta.id}.pairs.tsv --processes ${task.cpus} --device ${device} --out ${meta.id}.dbn
    """

    stub:
    """
    touch ${meta.id}.dbn ${meta.id}.tsv ${meta.id}.pairs.tsv
    """
}
