process HISAT2_CONTIGS {
    tag 'given index'
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path index, stageAs: 'given/*'
    path fai

    output:
    path 'index_contigs.txt', emit: contigs
    tuple val("${task.process}"), val('hisat2'), eval("hisat2 --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_hisat2

    script:
    """
    export LC_ALL=C
    first=\$(find -L ${index} -maxdepth 1 -name '*.1.ht2' -o -maxdepth 1 -name '*.1.ht2l' | sort | head -n 1)
    if [ -z "\$first" ]; then
        echo "--hisat2_index: \$(basename ${index}) holds no HISAT2 index (*.1.ht2). Give the folder of the index files." >&2
        exit 65
    fi
    hisat2-inspect -s "\${first%.1.ht2*}" 2> /dev/null | awk -F '\\t' '/^Sequence-/ { split(\$2, name, " "); print name[1] ":" \$3 }' | sort > index_contigs.txt
    awk -F '\\t' '{ print \$1 ":" \$2 }' ${fai} | sort > fasta_contigs.txt
    if ! cmp -s index_contigs.txt fasta_contigs.txt; then
        echo "--hisat2_index: contigs (name:length) differ from --fasta; only in the index: \$(comm -23 index_contigs.txt fasta_contigs.txt | head -n 3 | tr '\\n' ' '); only in the FASTA: \$(comm -13 index_contigs.txt fasta_contigs.txt | head -n 3 | tr '\\n' ' '). Build the index from this FASTA (and spike-ins), or leave --hisat2_index out." >&2
        exit 65
    fi
    """

    stub:
    """
    touch index_contigs.txt
    """
}
