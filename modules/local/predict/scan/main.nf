process PREDICT_SCAN {
    tag "${candidates.baseName}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(candidates), path(fasta), path(model, stageAs: 'model/*')
    val code

    output:
    tuple val(meta), path("${candidates.baseName}.parquet"), emit: scored
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numba numpy polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict scan ${args} --model ${model} --fasta ${fasta} --candidates ${candidates} --device ${device} --out ${candidates.baseName}.parquet
    """

    stub:
    """
    touch ${candidates.baseName}.parquet
    """
}
