process LABELS_POLYA {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(fasta), path(gtf), path(sites)
    val code

    output:
    tuple val(meta), path("${meta.id}/sites.bed.gz"), emit: sites
    tuple val(meta), path("${meta.id}"), emit: sets
    path "${meta.id}/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python matplotlib numba numpy polars pyarrow pysam scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-labels polya ${args} --fasta ${fasta} --gtf ${gtf} --polya-sites ${sites} --genome-name ${meta.id} --out ${meta.id}
    """

    stub:
    """
    mkdir -p ${meta.id}/gene/store ${meta.id}/intergene/store
    touch ${meta.id}/sites.bed.gz ${meta.id}/gene/windows.fa.gz ${meta.id}/intergene/windows.fa.gz
    echo '{}' > ${meta.id}/${meta.id}.polya_sites_mqc.json
    """
}
