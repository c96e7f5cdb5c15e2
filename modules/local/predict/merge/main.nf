process PREDICT_MERGE {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(tables, stageAs: 'chunks/?/*')
    val code

    output:
    tuple val(meta), path("${meta.id}/sites.bed"), emit: bed
    tuple val(meta), path("${meta.id}/sites.parquet"), emit: table
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numba numpy polars pyarrow pybigtools scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [tables].flatten().collect { table -> "--part ${table}" }.join(' ')
    """
    # code: ${code}
    ribolm-predict merge ${args} ${given} --out ${meta.id}/sites.bed --table ${meta.id}/sites.parquet
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/sites.bed ${meta.id}/sites.parquet
    """
}
