process EVALUATE_INTERACTIONS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(table), path(queries, stageAs: 'queries/*'), path(targets, stageAs: 'targets/*'), path(models, stageAs: 'models/*'), path(fitted)
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow scikit-learn torch viennarna'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def given = [models].flatten().collect { model -> "--model ${model}" }.join(' ')
    def set = queries ? "--verified ${table} --queries ${queries} --targets ${targets}" : "--pairs ${table}"
    def control = models && fitted ? "--fit-on ${fitted}" : ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate interactions ${args} ${set} ${given} ${control} --device ${device} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
