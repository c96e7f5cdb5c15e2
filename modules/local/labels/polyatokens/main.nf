process LABELS_POLYATOKENS {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(fasta), path(gtf), path(sites)
    val n_folds
    val tested
    val code

    output:
    tuple val(meta), path("${meta.id}/crops"), path("${meta.id}/crops.folds.tsv"), emit: crops
    tuple val(meta), path("${meta.id}/genes"), path("${meta.id}/genes.folds.tsv"), emit: genes
    tuple val(meta), path("${meta.id}/outcomes.tsv"), path("${meta.id}/summary.json"), emit: tables
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python matplotlib numba numpy polars pyarrow pysam scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-labels polya-tokens ${args} --tokenizer ${meta.tokenizer} --folds ${n_folds} --fold ${tested} --fasta ${fasta} --gtf ${gtf} --polya-sites ${sites} --out ${meta.id}
    """

    stub:
    """
    mkdir -p ${meta.id}/crops ${meta.id}/genes
    touch ${meta.id}/crops.folds.tsv ${meta.id}/genes.folds.tsv ${meta.id}/outcomes.tsv
    echo '{}' > ${meta.id}/summary.json
    """
}
