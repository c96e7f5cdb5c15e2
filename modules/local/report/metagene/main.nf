process REPORT_METAGENE {
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
    path gtf
    val code

    output:
    path 'quality/*', emit: files
    path 'quality/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python matplotlib numpy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [names, [beds].flatten()].transpose().collect { name, bed -> "--peaks ${name}=${bed}" }.join(' ')
    """
    # code: ${code}
    ribolm-report metagene ${args} ${given} --gtf ${gtf} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '{}' > quality/metagene_mqc.json
    """
}
