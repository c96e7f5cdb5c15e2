process REPORT_STRANDEDNESS {
    tag 'all libraries'
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written: peak calling that ran again
    // with the same result re-runs nothing here.
    cache 'deep'

    input:
    path json
    val code

    output:
    path 'quality/*', emit: files
    path 'quality/*_mqc.*', emit: multiqc
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-report --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [json].flatten().collect { file -> "--json ${file}" }.join(' ')
    """
    # code: ${code}
    ribolm-report strandedness ${args} ${given} --outdir quality
    """

    stub:
    """
    mkdir quality
    echo '{}' > quality/strandedness_mqc.json
    """
}
