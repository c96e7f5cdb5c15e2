process HISAT2_ALIGN {
    tag "${meta.id}"
    label 'process_high'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    tuple val(meta), path(mates_1, stageAs: 'mate_1/?/*'), path(mates_2, stageAs: 'mate_2/?/*'), path(singles, stageAs: 'single/?/*')
    path index
    path splice_sites

    output:
    tuple val(meta), path("${meta.id}.bam"), path("${meta.id}.bam.bai"), emit: bam
    tuple val(meta), path("${meta.id}.hisat2.summary.txt"), emit: summary
    tuple val("${task.process}"), val('hisat2'), eval("hisat2 --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_hisat2
    tuple val("${task.process}"), val('samtools'), eval("samtools --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_samtools

    script:
    def args = task.ext.args ?: ''
    def lanes = [mates_1: mates_1, mates_2: mates_2, singles: singles].findAll { _name, files -> files }
    def flags = [mates_1: '-1', mates_2: '-2', singles: '-U']
    def streams = lanes.keySet().collect { name -> "${flags[name]} ${name}.fastq" }.join(' ')
    def feeds = lanes.collect { name, files -> "mkfifo ${name}.fastq; gzip -cdf ${files} >| ${name}.fastq & feeds+=(\$!)" }.join('\n    ')
    def sort_threads = Math.max(1, (task.cpus as int).intdiv(4))
    def sort_memory_mb = Math.max(64, (task.memory ? task.memory.toMega() : 4096).intdiv(4 * sort_threads))
    """
    # Lanes flow through named pipes: hisat2's own reader ignores the exit status of gzip, so a truncated file would pass.
    feeds=()
    trap 'kill "\${feeds[@]}" 2> /dev/null || true' EXIT
    ${feeds}
    first=\$(find -L ${index} -maxdepth 1 -name '*.1.ht2' -o -maxdepth 1 -name '*.1.ht2l' | sort | head -n 1)
    # --reorder: the same file for any number of threads
    hisat2 ${args} -p ${task.cpus} --reorder --new-summary --summary-file ${meta.id}.hisat2.summary.txt \\
        --rg-id ${meta.id} --rg SM:${meta.id} --known-splicesite-infile ${splice_sites} -x "\${first%.1.ht2*}" ${streams} \\
        | samtools sort --no-PG -@ ${sort_threads} -m ${sort_memory_mb}M -T sorting -o ${meta.id}.unchecked.bam -
    for feed in "\${feeds[@]}"; do
        wait \$feed || { echo "A FASTQ file of ${meta.id} is truncated or not a gz file. Fetch the file again." >&2; exit 65; }
    done
    mv ${meta.id}.unchecked.bam ${meta.id}.bam
    samtools index -@ ${sort_threads} ${meta.id}.bam
    """

    stub:
    """
    touch ${meta.id}.bam ${meta.id}.bam.bai ${meta.id}.hisat2.summary.txt
    """
}
