process EVALUATE_CONTACTS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(models, stageAs: 'models/*'), path(truth), path(validation), path(fitted)
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow scikit-learn scipy torch viennarna'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def given = [models].flatten().collect { model -> "--model ${model}" }.join(' ')
    def families = meta.group ? "--families ${meta.group}" : ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    mkdir ${meta.id}
    ribolm-evaluate contacts ${args} ${given} --truth ${truth} --validation ${validation} --fit-on ${fitted} ${families} --device ${device} --table ${meta.id}/rnas.tsv --out ${meta.id}/metrics.json
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
