process HISAT2_SPLICESITES {
    tag "${gtf.name}"
    label 'process_single'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path gtf

    output:
    path 'splice_sites.tsv', emit: splice_sites

    // HISAT2's format: contig, last base before the intron, first base after it (both 0-based), strand.
    // Gaps below 5 nt between exons are no introns, as in hisat2_extract_splice_sites.py.
    script:
    """
    export LC_ALL=C
    awk -F '\\t' '\$3 == "exon" && match(\$9, /(^|[ ;])transcript_id +("[^"]+"|[^ ";]+)/) {
        name = substr(\$9, RSTART, RLENGTH)
        sub(/^[ ;]*transcript_id +/, "", name)
        gsub(/"/, "", name)
        print \$1 "\\t" name "\\t" \$7 "\\t" \$4 - 1 "\\t" \$5 - 1
    }' ${gtf} | sort -t "\$(printf '\\t')" -k 1,1 -k 2,2 -k 3,3 -k 4,4n -k 5,5n | awk -F '\\t' -v OFS='\\t' '
        { key = \$1 FS \$2 FS \$3 }
        key != last { last = key; end = \$5; next }
        \$4 - end > 5 { print \$1, end, \$4, \$3 }
        \$5 > end { end = \$5 }
    ' | sort -u -t "\$(printf '\\t')" -k 1,1 -k 2,2n -k 3,3n -k 4,4 > splice_sites.tsv
    """

    stub:
    """
    touch splice_sites.tsv
    """
}
