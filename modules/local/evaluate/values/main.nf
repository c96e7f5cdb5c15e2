process EVALUATE_VALUES {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(store), path(folds), val(names), path(scores, stageAs: 'scores/?/*')
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow scikit-learn scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [scores].flatten()].transpose().collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    def rows = "--folds ${folds}" + (meta.fold == '' ? '' : " --fold ${meta.fold}")
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate values ${args} --store ${store} --task '${meta.value}' ${rows} ${given} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
