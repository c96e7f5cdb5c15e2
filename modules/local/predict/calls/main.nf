process PREDICT_CALLS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(scored, stageAs: 'scored/*'), path(fasta), path(gtf), path(known, stageAs: 'known/*'), path(model, stageAs: 'model/*')
    path regions, stageAs: 'regions/*'
    val code

    output:
    tuple val(meta), path("${meta.id}/calls.bed.gz"), emit: bed
    tuple val(meta), path("${meta.id}"), emit: folder
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numba numpy polars pyarrow pybigtools scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def parts = [scored].flatten().collect { part -> "--scored ${part}" }.join(' ')
    def genes = gtf ? "--gtf ${gtf}" : ''
    def sites = known ? "--known ${known}" : ''
    def inside = regions ? "--regions ${regions}" : ''
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-predict merge ${args} ${parts} --model ${model} --fasta ${fasta} ${genes} ${sites} ${inside} --device ${device} --details ${meta.id} --session-alone --out ${meta.id}/calls.bed.gz
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/calls.bed.gz
    echo '{}' > ${meta.id}/summary.json
    """
}
