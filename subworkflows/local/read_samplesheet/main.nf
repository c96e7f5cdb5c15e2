//
// The samplesheet: libraries with their files, and which of them are called together
//

include { PREPROCESS_SAMPLESHEET } from '../../../modules/local/preprocess/samplesheet/main'

// The file that a cell of the samplesheet names. A leading ${NAME} is a variable of the environment; relative
// paths start at the samplesheet, then at the folder of the run.
def sheetFile(sheet, row, column) {
    def text = row[column]
    if (!text) {
        return []
    }
    def place = "${sheet.name} row ${row.row}, column '${column}': '${text}'"
    def variable = text =~ /^\$\{(\w+)\}/
    if (variable.find()) {
        def value = System.getenv(variable.group(1))
        if (!value) {
            error("${place}: the variable ${variable.group(1)} is not set. Set it in the environment of nextflow (export ${variable.group(1)}=...).")
        }
        text = value + text.substring(variable.end())
    }
    if (text.contains('://') || text.startsWith('/')) {
        def found = file(text)
        if (!found.exists()) {
            error("${place} does not exist. Correct the path.")
        }
        return found
    }
    def candidates = [sheet.parent.resolve(text).normalize(), workflow.launchDir.resolve(text).normalize()]
    def existing = candidates.find { candidate -> candidate.exists() }
    if (!existing) {
        error("${place} does not exist, neither beside the samplesheet nor in ${workflow.launchDir}. Correct the path or write it from the root (/...).")
    }
    return existing
}

// Names of a list in a cell.
def namesIn(cell) {
    return cell.tokenize(';').collect { name -> name.trim() }
}

// Sets of libraries that are called together: each group, and each replicate where wanted. Strandedness only
// where the samplesheet or the parameter gives one.
def callUnits(pairs, strandedness, per_replicate) {
    def groups = pairs.groupBy { row -> row.group }
    def units = groups.collect { group, rows -> [id: group, group: group, replicate: '', rows: rows] }
    if (per_replicate) {
        units = units + pairs.collect { row -> [id: "${row.group}.replicate_${row.replicate}".toString(), group: row.group, replicate: row.replicate, rows: [row]] }
    }
    return units.sort { unit -> unit.id }.collect { unit ->
        def ip = unit.rows.collectMany { row -> namesIn(row.ip) }.unique().sort()
        def input = unit.rows.collectMany { row -> namesIn(row.input) }.unique().sort()
        def given = strandedness.findAll { library, _value -> library in ip || library in input }
        return [id: unit.id, group: unit.group, replicate: unit.replicate, ip: ip, input: input, strandedness: given]
    }
}

workflow READ_SAMPLESHEET {
    take:
    sheet               // path: samplesheet as the user wrote it
    track               // string: name of the track
    strandedness        // string: for libraries whose rows give none
    per_replicate       // boolean: call each replicate too
    code                // string: digest of ribolm-preprocess

    main:
    PREPROCESS_SAMPLESHEET(sheet, track, code)

    ch_rows = PREPROCESS_SAMPLESHEET.out.lanes.map { lanes -> lanes.splitCsv(header: true) }
    ch_lanes = ch_rows.flatMap { rows ->
        rows.groupBy { row -> row.library }.collectMany { library, lanes ->
            lanes.withIndex().collect { row, index ->
                def meta = [id: library, n_lanes: lanes.size(), lane: index + 1]
                return [meta, sheetFile(sheet, row, 'fastq_1'), sheetFile(sheet, row, 'fastq_2'), sheetFile(sheet, row, 'bam')]
            }
        }
    }
    ch_libraries = ch_lanes.branch { _meta, _fastq_1, _fastq_2, bam ->
        bam: bam
        fastq: true
    }
    // library -> strandedness, given ones only
    ch_strandedness = ch_rows.map { rows ->
        rows.collectEntries { row -> [row.library, row.strandedness && row.strandedness != 'auto' ? row.strandedness : strandedness] }
            .findAll { _library, value -> value != 'auto' }
    }
    ch_units = PREPROCESS_SAMPLESHEET.out.pairs
        .map { pairs -> [pairs.splitCsv(header: true)] }
        .combine(ch_strandedness)
        .flatMap { pairs, given -> callUnits(pairs, given, per_replicate) }

    emit:
    fastq = ch_libraries.fastq.map { meta, fastq_1, fastq_2, _bam -> [meta, fastq_1, fastq_2] } // channel: [ val(meta), path(fastq_1), path(fastq_2) or [] ], one per lane
    bam   = ch_libraries.bam.map { meta, _fastq_1, _fastq_2, bam -> [meta.subMap(['id']), bam] } // channel: [ val(meta), path(bam) ]
    units = ch_units                                                                             // channel: val(unit): id, group, replicate, ip, input, strandedness
}
