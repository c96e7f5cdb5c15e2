process PREDICT_CANDIDATES {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(fasta)
    path regions, stageAs: 'regions/*'
    val candidates_per_chunk
    val code

    output:
    tuple val(meta), path("${meta.id}.candidates.bed.gz"), emit: bed
    tuple val(meta), path("chunks/*.bed"), emit: chunks
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-predict --version python numba numpy polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def inside = regions ? "--regions ${regions}" : ''
    // a genome without candidates has one chunk, empty: the scan carries it through
    """
    # code: ${code}
    ribolm-predict candidates ${args} ${inside} --fasta ${fasta} --out ${meta.id}.candidates.bed.gz
    mkdir chunks
    gzip -dc ${meta.id}.candidates.bed.gz | split --lines ${candidates_per_chunk} --numeric-suffixes --suffix-length 5 --additional-suffix .bed - chunks/${meta.id}.
    [ -e chunks/${meta.id}.00000.bed ] || touch chunks/${meta.id}.00000.bed
    """

    stub:
    """
    mkdir chunks
    touch ${meta.id}.candidates.bed.gz chunks/${meta.id}.00000.bed chunks/${meta.id}.00001.bed
    """
}
