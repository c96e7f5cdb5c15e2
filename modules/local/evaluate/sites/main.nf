process EVALUATE_SITES {
    tag "${task_name}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path store
    path folds
    val task_name
    val names
    path scores, stageAs: 'scores/?/*'
    val peer_names
    path peers, stageAs: 'peers/?/*'
    path corpora, stageAs: 'corpora/?/*'
    path gtf
    val code

    output:
    path 'evaluation', emit: folder
    path 'evaluation/metrics.json', emit: metrics
    path 'evaluation/*_mqc.json', emit: multiqc, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-evaluate --version python numpy polars pyarrow scikit-learn scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [scores].flatten()].transpose().collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    def others = peers ? [peer_names, [peers].flatten()].transpose().collect { name, file -> "--peer ${name}=${file}" }.join(' ') : ''
    def seen = [corpora].flatten().collect { corpus -> "--corpus ${corpus}" }.join(' ')
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-evaluate sites ${args} --store ${store} --task ${task_name} --folds ${folds} ${given} ${others} ${seen} --gtf ${gtf} --outdir evaluation
    """

    stub:
    """
    mkdir evaluation
    echo '{}' > evaluation/metrics.json
    touch evaluation/methods.tsv evaluation/leakage.tsv evaluation/calibration.tsv
    """
}
