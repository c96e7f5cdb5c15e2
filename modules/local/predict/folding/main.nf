process PREDICT_FOLDING {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(sequences)
    val code

    output:
    tuple val(meta), path("${meta.id}.dbn"), emit: dbn
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numpy polars pyarrow torch viennarna'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict folding ${args} --method ${meta.folding} --sequences ${sequences} --processes ${task.cpus} --out ${meta.id}.dbn
    """

    stub:
    """
    touch ${meta.id}.dbn
    """
}
