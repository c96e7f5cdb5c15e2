process REPORT_EMBEDDING {
    tag 'all sets'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    val names
    path embeddings, stageAs: 'embeddings/?/*'
    path sequences, stageAs: 'sequences/?/*'
    val code

    output:
    path 'report/*', emit: files
    path 'report/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python matplotlib numpy pyarrow scikit-learn'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [embeddings].flatten(), [sequences].flatten()].transpose().collect { name, table, fasta -> "--embeddings ${name}=${table} --sequences ${name}=${fasta}" }.join(' ')
    """
    # code: ${code}
    ribolm-report embedding ${args} ${given} --outdir report
    """

    stub:
    """
    mkdir report
    echo '{}' > report/embedding_mqc.json
    """
}
