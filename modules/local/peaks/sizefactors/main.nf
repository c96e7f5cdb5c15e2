process PEAKS_SIZEFACTORS {
    tag 'spike-in'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path bams, stageAs: 'bam/*'
    path bais, stageAs: 'bam/*'
    path contigs
    val code

    output:
    path 'size_factors.tsv', emit: tsv
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-peaks --version python numba numpy pysam'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def libraries = [bams].flatten().collect { bam -> "--bam ${bam.toString().tokenize('/')[-1] - ~/\.bam$/}=${bam}" }.join(' ')
    """
    # code: ${code}
    ribolm-peaks size-factors ${args} ${libraries} --contigs ${contigs} --out size_factors.tsv
    """

    stub:
    """
    printf 'name\\tsize_factor\\n' > size_factors.tsv
    """
}
