process REPORT_TRACKS {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    tuple val(meta), path(bams, stageAs: 'bam/*'), path(bais, stageAs: 'bam/*'), path(summary)
    path chrom_sizes
    val code

    output:
    tuple val(meta), path('tracks/*.bw'), emit: bigwig
    tuple val(meta), path('tracks/*.json'), emit: json
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python numba numpy pybigtools pysam'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def libraries = (meta.ip.collect { name -> "--ip ${name}=bam/${name}.bam" } + meta.input.collect { name -> "--input ${name}=bam/${name}.bam" }).join(' ')
    """
    # code: ${code}
    ribolm-report tracks ${args} ${libraries} --summary ${summary} --chrom-sizes ${chrom_sizes} --name ${meta.id} --threads ${task.cpus} --outdir tracks
    """

    stub:
    """
    mkdir tracks
    echo '{}' > tracks/${meta.id}.tracks.json
    touch tracks/${meta.id}.ip.bw tracks/${meta.id}.input.bw tracks/${meta.id}.log2ratio.bw
    """
}
