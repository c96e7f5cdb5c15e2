process EVALUATE_SEQUENCES {
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
    path "${meta.id}/*_mqc.*", emit: multiqc, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow scikit-learn scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [scores].flatten()].transpose().collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate sequences ${args} --store ${store} --folds ${folds} ${given} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    echo '{}' > ${meta.id}/metrics.json
    """
}
