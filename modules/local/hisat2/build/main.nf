process HISAT2_BUILD {
    tag "${fasta.name}"
    label 'process_high'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    input:
    path fasta

    output:
    path 'hisat2', emit: index
    tuple val("${task.process}"), val('hisat2'), eval("hisat2 --version | sed '1!d;s/.* //'"), topic: versions, emit: versions_hisat2

    // No exons or splice sites in the index: with them a human genome needs 160 GB to build.
    script:
    def args = task.ext.args ?: ''
    """
    mkdir hisat2
    hisat2-build -q ${args} -p ${task.cpus} ${fasta} hisat2/${fasta.baseName}
    """

    stub:
    """
    mkdir hisat2
    touch hisat2/${fasta.baseName}.1.ht2
    """
}
