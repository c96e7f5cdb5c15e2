process TOKENIZE_PEAKS {
    tag 'corpus'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    path beds, stageAs: 'peaks/?/*'
    val reading
    path fasta
    path fai
    path gtf
    val code

    output:
    path 'corpus', emit: store
    path 'corpus/*_mqc.json', emit: multiqc, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-tokenize --version python numpy polars pyarrow'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def words = [
        "--tokenizer ${reading.tokenizer}",
        reading.k ? "--k ${reading.k}" : '',
        reading.mapping ? "--mapping ${reading.mapping}" : '',
        "--window ${reading.window_nt} --overlap ${reading.overlap_nt}",
    ].findAll { word -> word }.join(' ')
    def given = [beds].flatten().collect { bed -> "--bed ${bed}" }.join(' ')
    """
    # code: ${code}
    ribolm-tokenize peaks ${args} ${words} ${given} --fasta ${fasta} --gtf ${gtf} --out corpus
    """

    stub:
    """
    mkdir corpus
    echo '{}' > corpus/manifest.json
    """
}
