process PREPROCESS_SAMPLESHEET {
    tag "${sheet.name}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path sheet
    val track
    val code

    output:
    path 'lanes.csv', emit: lanes
    path 'pairs.csv', emit: pairs
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-preprocess samplesheet ${args} --sheet ${sheet} --track ${track} --outdir .
    """

    // the real command: every later step of a stub run needs the libraries of the sheet
    stub:
    """
    ribolm-preprocess samplesheet --sheet ${sheet} --track ${track} --outdir .
    """
}
