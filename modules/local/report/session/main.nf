process REPORT_SESSION {
    tag 'igv'
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    val tracks
    val genome_fasta
    val gtf
    val code

    output:
    path 'igv_session.xml', emit: xml
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = tracks.collect { track -> "--track ${track}" }.join(' ')
    """
    # code: ${code}
    ribolm-report session ${args} ${given} --genome-fasta ${genome_fasta} --gtf ${gtf} --out igv_session.xml
    """

    stub:
    """
    touch igv_session.xml
    """
}
