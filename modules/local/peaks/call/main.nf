process PEAKS_CALL {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'


    input:
    tuple val(meta), path(bams, stageAs: 'bam/*'), path(bais, stageAs: 'bam/*')
    path gtf
    path fasta
    path fai
    path size_factors, stageAs: 'size_factors/*'
    val gc_correction
    val code

    output:
    tuple val(meta), path("${meta.id}/peaks.bed"), emit: bed
    tuple val(meta), path("${meta.id}/peaks.tsv"), emit: tsv
    tuple val(meta), path("${meta.id}/bins.parquet"), emit: bins
    tuple val(meta), path("${meta.id}/bins.tsv.gz"), emit: bins_tsv, optional: true
    tuple val(meta), path("${meta.id}/summary.json"), emit: summary
    tuple val(meta), path("${meta.id}/*_mqc.json"), emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-peaks --version python numba numpy polars pyarrow pysam scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def libraries = (meta.ip.collect { name -> "--ip ${name}=bam/${name}.bam" } + meta.input.collect { name -> "--input ${name}=bam/${name}.bam" }).join(' ')
    def given = meta.strandedness.collect { name, value -> "--library-strandedness ${name}=${value}" }.join(' ')
    def genome = gc_correction ? '' : '--no-gc'
    def factors = size_factors ? "--size-factors ${size_factors}" : ''
    """
    # code: ${code}
    ribolm-peaks call ${args} ${libraries} ${given} --gtf ${gtf} --fasta ${fasta} ${genome} ${factors} --name ${meta.id} --threads ${task.cpus} --outdir ${meta.id}
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/peaks.bed ${meta.id}/peaks.tsv ${meta.id}/bins.parquet
    echo '{"name": "${meta.id}"}' > ${meta.id}/summary.json
    echo '{}' > ${meta.id}/${meta.id}.peaks_mqc.json
    """
}
