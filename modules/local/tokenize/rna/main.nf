process TOKENIZE_RNA {
    tag 'all RNAs'
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path sequences, stageAs: 'rnas/?/*'
    path evaluated, stageAs: 'evaluated/?/*'
    val tokenizer
    val code

    output:
    path 'corpus', emit: store
    path 'corpus_audit.tsv', emit: audit, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-tokenize --version python numpy polars pyarrow'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [sequences].flatten().collect { file -> "--sequences ${file}" }.join(' ')
    def sets = [evaluated].flatten().collect { file -> "--exclude ${file}" }.join(' ')
    def apart = sets ? "${sets} --audit corpus_audit.tsv" : ''
    """
    # code: ${code}
    ribolm-tokenize rna ${args} ${given} ${apart} --tokenizer ${tokenizer} --out corpus
    """

    stub:
    """
    mkdir corpus
    touch corpus_audit.tsv
    """
}
