process FASTP {
    tag "${meta.id}"
    label 'process_medium'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(fastq_1, stageAs: 'mate_1/*'), path(fastq_2, stageAs: 'mate_2/*')

    output:
    tuple val(meta), path("${meta.id}_{1,2}.trimmed.fastq.gz"), emit: reads
    tuple val(meta), path("${meta.id}.fastp.json"), emit: json
    tuple val(meta), path("${meta.id}.fastp.html"), emit: html
    tuple val("${task.process}"), val('fastp'), eval("fastp --version 2>&1 | sed 's/.* //'"), topic: versions, emit: versions_fastp

    script:
    def args = task.ext.args ?: ''
    def paired = fastq_2 ? true : false
    def mates = paired ? "--in2 ${fastq_2} --out2 ${meta.id}_2.trimmed.fastq.gz --detect_adapter_for_pe" : ''
    def threads = Math.min(task.cpus as int, 16)
    """
    # fastp takes a truncated or malformed file for a short one and ends with 0
    for fastq in ${fastq_1} ${fastq_2}; do
        case \$fastq in *.gz)
            gzip -t \$fastq 2> /dev/null || { echo "\$(basename \$fastq) of ${meta.id} is truncated or not a gz file. Fetch the file again." >&2; exit 65; } ;;
        esac
    done
    status=0
    fastp ${args} --in1 ${fastq_1} --out1 ${meta.id}_1.trimmed.fastq.gz ${mates} \\
        --json ${meta.id}.fastp.json --html ${meta.id}.fastp.html --thread ${threads} 2> fastp.log || status=\$?
    cat fastp.log >&2
    # what a signal ended is for Nextflow to try again; 255 is fastp's own, also for files that it cannot write
    [ \$status -lt 128 ] || [ \$status -eq 255 ] || exit \$status
    if awk '(/^ERROR/ || /different read numbers/) && !/open|writ|memory|alloc/ { found = 1 } END { exit !found }' fastp.log; then
        echo "\$(basename ${fastq_1})${paired ? " or \$(basename ${fastq_2})" : ''} of ${meta.id} is not valid FASTQ: \$(grep -m 1 -A 1 -e '^ERROR' -e 'different read numbers' fastp.log | tr '\\n' ' '). Fetch or write the file again." >&2
        exit 65
    fi
    [ \$status -eq 0 ] || exit \$status
    # without a read fastp writes no gz stream and no numbers
    for fastq in ${meta.id}_*.trimmed.fastq.gz; do
        [ -s \$fastq ] || gzip -nc < /dev/null >| \$fastq
    done
    sed -i 's/-\\?nan/0/g' ${meta.id}.fastp.json
    """

    stub:
    """
    echo "" | gzip > ${meta.id}_1.trimmed.fastq.gz
    ${fastq_2 ? "echo '' | gzip > ${meta.id}_2.trimmed.fastq.gz" : ''}
    touch ${meta.id}.fastp.json ${meta.id}.fastp.html
    """
}
