process LABELS_SITES {
    tag 'evidence'
    label 'process_low'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-bio:0.1.0'

    // The content of the inputs decides, not when or where they were written.
    cache 'deep'

    input:
    val rows
    path tables, stageAs: 'tables/?/*'
    path fasta
    path fai
    val chain_builds
    path chains, stageAs: 'chains/?/*'
    path families, stageAs: 'families/*'
    val code

    output:
    path 'labels/sites.bed', emit: bed
    path 'labels/*', emit: files
    path 'labels/summary.json', emit: summary
    path 'labels/*_mqc.json', emit: multiqc, optional: true
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-labels --version python numpy polars'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    // the sheet again, with the names under which its tables are staged
    def columns = rows.collectMany { row -> row.keySet().toList() }.unique()
    // a staged name is written for the shell, which a sheet is not
    def staged = [rows, [tables].flatten()].transpose().collect { row, table -> row + [path: table.toString().replaceAll(/\\(.)/, '$1')] }
    def cells = [columns] + staged.collect { row -> columns.collect { column -> '"' + (row[column] ?: '').toString().replace('"', '""') + '"' } }
    def sheet = cells.collect { line -> "'${line.join(',').replace("'", "'\\''")}'" }.join(' ')
    def lifted = chains ? [chain_builds, [chains].flatten()].transpose().collect { build, chain -> "--chain ${build}=${chain}" }.join(' ') : ''
    def known = families ? "--families ${families}" : ''
    """
    # code: ${code}
    printf '%s\\n' ${sheet} > sheet.csv
    ribolm-labels sites ${args} --sheet sheet.csv --fasta ${fasta} ${lifted} ${known} --outdir labels
    """

    stub:
    """
    mkdir labels
    touch labels/sites.bed labels/evidence.parquet labels/outcomes.tsv labels/label_quality.tsv
    echo '{}' > labels/summary.json
    """
}
