process HISAT2_ALIGN {
    tag "${meta.id}"
    label 'process_high'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(mates_1, stageAs: 'mate_1/?/*'), path(mates_2, stageAs: 'mate_2/?/*'), path(singles, stageAs: 'single/?/*')
    path index
    path splice_sites
    path fai

    output:
    tuple val(meta), path("${meta.id}.bam"), path("${meta.id}.bam.bai"), emit: bam
    tuple val(meta), path("${meta.id}.hisat2.summary.txt"), emit: summary
    tuple val("${task.process}"), val('hisat2'), eval("hisat2 --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_hisat2
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_samtools

    script:
    def args = task.ext.args ?: ''
    def lanes = ['-1': mates_1, '-2': mates_2, '-U': singles].findAll { _flag, files -> files }
    def reads = lanes.collect { flag, files -> "${flag} ${[files].flatten().join(',')}" }.join(' ')
    def sort_threads = Math.max(1, (task.cpus as int).intdiv(4))
    def sort_memory_mb = Math.max(64, (task.memory ? task.memory.toMega() : 4096).intdiv(4 * sort_threads))
    """
    # hisat2 ignores the exit status of gzip: a truncated file would pass for a short one
    for fastq in ${lanes.values().flatten().join(' ')}; do
        case \$fastq in *.gz)
            gzip -t \$fastq 2> /dev/null || { echo "\$(basename \$fastq) of ${meta.id} is truncated or not a gz file. Fetch the file again." >&2; exit 65; } ;;
        esac
    done
    first=\$(find -L ${index} -maxdepth 1 -name '*.1.ht2' -o -maxdepth 1 -name '*.1.ht2l' | sort | head -n 1)
    # hisat2's own header holds a process id; --reorder: the same alignments for any number of threads
    header() {
        printf '@HD\\tVN:1.6\\n' &&
        awk -F '\\t' '{ print "@SQ\\tSN:" \$1 "\\tLN:" \$2 }' ${fai} &&
        printf '@RG\\tID:${meta.id}\\tSM:${meta.id}\\n@PG\\tID:hisat2\\tPN:hisat2\\tVN:%s\\n' "\$(hisat2 --version | sed '1!d;s/.* //')"
    }
    # hisat2 ends with 1 when the system kills its aligner for its memory; 137 asks for more of it
    align() {
        hisat2 ${args} -p ${task.cpus} --reorder --no-hd --new-summary --summary-file ${meta.id}.hisat2.summary.txt \\
            --rg-id ${meta.id} --known-splicesite-infile ${splice_sites} -x "\${first%.1.ht2*}" ${reads} 2> hisat2.err
    }
    status=0
    { header && align; } | samtools sort --no-PG -@ ${sort_threads} -m ${sort_memory_mb}M -T sorting -o ${meta.id}.bam - || status=\$?
    cat hisat2.err >&2
    ! grep -q 'died with signal 9' hisat2.err || exit 137
    [ \$status -eq 0 ] || exit \$status
    samtools index -@ ${sort_threads} ${meta.id}.bam
    """

    stub:
    """
    touch ${meta.id}.bam ${meta.id}.bam.bai ${meta.id}.hisat2.summary.txt
    """
}
