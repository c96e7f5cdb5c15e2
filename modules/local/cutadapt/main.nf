process CUTADAPT {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(fastq_1, stageAs: 'mate_1/*'), path(fastq_2, stageAs: 'mate_2/*')

    output:
    tuple val(meta), path("${meta.id}_{1,2}.trimmed.fastq.gz"), emit: reads
    tuple val(meta), path("${meta.id}.cutadapt.json"), emit: json
    tuple val("${task.process}"), val('cutadapt'), eval('cutadapt --version'), topic: versions, emit: versions_cutadapt

    script:
    // Illumina's universal adapter: cutadapt detects none by itself
    def args = task.ext.args ?: (fastq_2 ? '-a AGATCGGAAGAGC -A AGATCGGAAGAGC' : '-a AGATCGGAAGAGC')
    def mates = fastq_2 ? "--paired-output ${meta.id}_2.trimmed.fastq.gz" : ''
    """
    cutadapt ${args} --quality-cutoff 20 --minimum-length 15 --cores ${task.cpus} --json ${meta.id}.cutadapt.json \\
        --output ${meta.id}_1.trimmed.fastq.gz ${mates} ${fastq_1} ${fastq_2 ?: ''} 2> cutadapt.log || {
        status=\$?
        cat cutadapt.log >&2
        # a full disk, a killed process or a wrong argument is no fault of the reads
        grep -q -i -e 'error in fast[aq] file' -e 'end-of-stream marker' -e 'format not recognized' -e 'improperly paired' \\
            -e 'not a gzipped file' -e 'zlib' -e 'CRC check failed' cutadapt.log && [ \$status -lt 128 ] || exit \$status
        echo "\$(basename ${fastq_1})${fastq_2 ? " or \$(basename ${fastq_2})" : ''} of ${meta.id} is truncated or not valid FASTQ. Fetch the file again." >&2
        exit 65
    }
    """

    stub:
    """
    echo "" | gzip > ${meta.id}_1.trimmed.fastq.gz
    ${fastq_2 ? "echo '' | gzip > ${meta.id}_2.trimmed.fastq.gz" : ''}
    touch ${meta.id}.cutadapt.json
    """
}
