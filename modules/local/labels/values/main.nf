process LABELS_VALUES {
    tag "${meta.id}"
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    tuple val(meta), path(table)
    val tokenizer
    val code

    output:
    tuple val(meta), path("${meta.id}/store"), path("${meta.id}/sequences.fa"), emit: set
    path "${meta.id}/summary.json", emit: summary
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python numpy polars pyarrow scipy'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def given = [
        meta.format == 'fasta' ? "--sequences ${table}" : "--table ${table}",
        meta.sequence ? "--sequence '${meta.sequence}'" : '',
        "--value '${meta.value ?: 'value'}'",
        meta.group ? "--group '${meta.group}'" : '',
        meta.transform ? "--transform ${meta.transform}" : '',
    ].join(' ').trim()
    """
    # code: ${code}
    ribolm-labels values ${args} ${given} --tokenizer ${tokenizer} --out ${meta.id}
    """

    stub:
    """
    mkdir -p ${meta.id}/store
    touch ${meta.id}/sequences.fa
    echo '{}' > ${meta.id}/summary.json
    """
}
