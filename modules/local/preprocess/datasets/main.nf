process PREPROCESS_DATASETS {
    tag "${sheet.name}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path sheet
    val code

    output:
    path 'datasets.csv', emit: table
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-preprocess samplesheet ${args} --sheet ${sheet} --track resm --outdir .
    """

    stub:
    """
    ribolm-preprocess samplesheet --sheet ${sheet} --track resm --outdir .
    """
}
