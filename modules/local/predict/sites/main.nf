process PREDICT_SITES {
    tag "${meta.id} ${bed.baseName}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(bed, stageAs: 'peaks/*')
    path models, stageAs: 'models/?/*'
    path fasta
    path fai
    path gtf
    val code

    output:
    tuple val(meta), path("${prefix}.bed"), emit: bed
    tuple val(meta), path("${prefix}.parquet"), emit: table
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numpy polars pyarrow torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def given = [models].flatten().collect { model -> "--model ${model}" }.join(' ')
    prefix = bed.baseName
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict sites ${args} ${given} --bed ${bed} --fasta ${fasta} --gtf ${gtf} --device ${device} --out ${prefix}.bed --table ${prefix}.parquet
    """

    stub:
    prefix = bed.baseName
    """
    touch ${prefix}.bed ${prefix}.parquet
    """
}
