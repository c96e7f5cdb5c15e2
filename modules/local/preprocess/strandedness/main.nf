process PREPROCESS_STRANDEDNESS {
    tag "${meta.id}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(bam), path(bai)
    path gtf
    val code

    output:
    tuple val(meta), path("${meta.id}.strandedness.json"), emit: json
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-preprocess --version python numba numpy pysam'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    """
    # code: ${code}
    ribolm-preprocess strandedness ${args} --bam ${meta.id}=${bam} --gtf ${gtf} --out ${meta.id}.strandedness.json
    """

    stub:
    """
    echo '{"library": "${meta.id}", "strandedness": "unstranded"}' > ${meta.id}.strandedness.json
    """
}
