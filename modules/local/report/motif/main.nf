process REPORT_MOTIF {
    tag 'all groups'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    val names
    path beds, stageAs: 'peaks/?/*'
    path fasta
    path fai
    path gtf
    val code

    output:
    path 'quality/*', emit: files
    path 'quality/*_mqc.*', emit: multiqc
    path 'quality/*.motif.json', emit: json
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python logomaker matplotlib numpy pandas'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [beds].flatten()].transpose().collect { name, bed -> "--peaks ${name}=${bed}" }.join(' ')
    """
    # code: ${code}
    ribolm-report motif ${args} ${given} --fasta ${fasta} --gtf ${gtf} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '{}' > quality/motif_mqc.json
    for name in ${names.join(' ')}; do echo '{}' > quality/\$name.motif.json; done
    """
}
