process REPORT_STRUCTURES {
    tag 'all sets'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    val sets
    path evaluated, stageAs: 'evaluated/*'
    path known, stageAs: 'known/?/*'
    path shown, stageAs: 'shown/?/*'
    val names
    path predicted, stageAs: 'predicted/?/*'
    path confidence, stageAs: 'confidence/?/*'
    val code

    output:
    path 'report/*', emit: files
    path 'report/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python matplotlib numpy pyarrow scikit-learn'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def tested = [evaluated].flatten().collect { folder -> "--dir ${folder}" }.join(' ')
    def compared = [sets, [known].flatten(), [shown].flatten()].transpose().collect { name, truth, other -> "--known ${name}=${truth} --shown ${name}=${other}" }.join(' ')
    def drawn = [names, [predicted].flatten(), [confidence].flatten()].transpose().collect { name, dbn, table -> "--predicted ${name}=${dbn} --confidence ${name}=${table}" }.join(' ')
    """
    # code: ${code}
    ribolm-report structures ${args} ${tested} ${compared} ${drawn} --outdir report
    """

    stub:
    """
    mkdir report
    echo '{}' > report/structures_mqc.json
    """
}
