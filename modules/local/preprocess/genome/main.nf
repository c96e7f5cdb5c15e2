process PREPROCESS_GENOME {
    tag "${fasta.name}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path fasta
    path gtf
    path spikein_fasta, stageAs: 'spikein/*'
    path peaks, stageAs: 'peaks/?/*'
    val code

    output:
    path 'reference/genome.fa', emit: fasta
    path 'reference/genome.fa.fai', emit: fai
    path 'reference/chrom_sizes.tsv', emit: chrom_sizes
    path 'reference/genes.gtf', emit: gtf
    path 'reference/spikein_contigs.txt', emit: spikein_contigs
    path 'reference/genome.json', emit: json
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python numpy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def spikein = spikein_fasta ? "--spikein-fasta ${spikein_fasta}" : ''
    def beds = [peaks].flatten().collect { bed -> "--peaks ${bed}" }.join(' ')
    """
    # code: ${code}
    ribolm-preprocess genome ${args} --fasta ${fasta} --gtf ${gtf} ${spikein} ${beds} --outdir reference
    """

    stub:
    """
    mkdir reference
    touch reference/genome.fa reference/genome.fa.fai reference/chrom_sizes.tsv reference/genes.gtf reference/spikein_contigs.txt
    echo '{"transcribed_size_nt": 1000000}' > reference/genome.json
    """
}
