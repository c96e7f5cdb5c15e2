//
// Evidence for sites from the user's tables, laid over the corpus; folds that keep genes or chromosomes together
//

include { LABELS_FOLDS  } from '../../../modules/local/labels/folds/main'
include { LABELS_SITES  } from '../../../modules/local/labels/sites/main'
include { LABELS_TOKENS } from '../../../modules/local/labels/tokens/main'

include { cellFile ; isSheet ; sheetRows ; whyMissing } from '../initialise/given_files'

// Rows of --sites: those of a sheet (a table with a column path), or one row for a table, which is of the genome's build.
def evidenceRows(given, technique, build) {
    if (isSheet(given)) {
        return sheetRows(given)
    }
    return [[source: plainName(given.name), path: given.toString(), technique: technique ?: '', build: build]]
}

// Name of a table as a sheet may write it, from that of its file.
def plainName(name) {
    return name.replaceFirst(/\..*$/, '').replaceAll(/[^A-Za-z0-9_.-]+/, '_').replaceFirst(/^[^A-Za-z0-9_]+/, '') ?: 'sites'
}

// The file of a row.
def evidenceFile(sheet, row, number) {
    def text = row.path ?: ''
    def fault = text ? whyMissing(sheet, number, 'path', text) : "${sheet.name} row ${number}: column 'path' is empty. Fill it in."
    if (fault) {
        error(fault)
    }
    return cellFile(sheet, text)
}

// BUILD=FILE[,BUILD=FILE] as [[build, file], ...].
def chainFiles(text) {
    return (text ?: '').tokenize(',').collect { part ->
        def words = part.trim().tokenize('=')
        if (words.size() != 2) {
            error("--chain: '${part}' is not BUILD=FILE. Write for instance --chain hg19=hg19ToHg38.over.chain.gz")
        }
        return [words[0], file(words[1], checkIfExists: true)]
    }
}

workflow LABEL_SITES {
    take:
    given_sites         // path: sheet of tables, or one table
    ch_store            // value channel: path(token store)
    ch_fasta            // value channel: path(fasta)
    ch_fai              // value channel: path(fai)
    task_name           // string: name of the label
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-labels

    main:
    def rows = evidenceRows(given_sites, settings.sites_technique, settings.genome_build)
    def tables = rows.withIndex().collect { row, index -> evidenceFile(given_sites, row, index + 2) }
    def chains = chainFiles(settings.chain)
    LABELS_SITES(
        rows,
        tables,
        ch_fasta,
        ch_fai,
        chains.collect { build, _chain -> build },
        chains.collect { _build, chain -> chain },
        file(settings.family_map ?: "${projectDir}/assets/m6a_families.tsv"),
        code.sites,
    )
    LABELS_TOKENS(ch_store, LABELS_SITES.out.bed, task_name, code.tokens)
    LABELS_FOLDS(LABELS_TOKENS.out.store.map { store -> [[id: task_name], store] }, settings.split_by, settings.folds, settings.seed, code.folds)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    sites = LABELS_SITES.out.bed
    store = LABELS_TOKENS.out.store
    folds = LABELS_FOLDS.out.tsv.map { _meta, table -> table }.first()
    summary = LABELS_SITES.out.summary
    multiqc = LABELS_SITES.out.multiqc

    emit:
    sites   // value channel: path(bed)
    store   // value channel: path(token store with labels)
    folds   // value channel: path(tsv)
    summary // value channel: path(json)
    multiqc // channel: path(json)
}
