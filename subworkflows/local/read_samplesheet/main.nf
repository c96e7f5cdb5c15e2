//
// The samplesheet: libraries with their files, and which of them are called together
//

include { PREPROCESS_SAMPLESHEET } from '../../../modules/local/preprocess/samplesheet/main'

include { cellFile ; whyMissing } from '../initialise/given_files'

// One line for each cell whose file is missing.
def missingFiles(sheet, rows) {
    def cells = rows.collectMany { row -> ['fastq_1', 'fastq_2', 'bam'].findAll { column -> row[column] }.collect { column -> [row, column] } }
    return cells.collect { row, column -> whyMissing(sheet, row.row, column, row[column]) }.findAll { text -> text }
}

// Lanes of all libraries, numbered within their library.
def lanesOf(sheet, rows) {
    return rows.groupBy { row -> row.library }.collectMany { library, lanes ->
        lanes.withIndex().collect { row, index ->
            [[id: library, n_lanes: lanes.size(), lane: index + 1], cellFile(sheet, row.fastq_1), cellFile(sheet, row.fastq_2), cellFile(sheet, row.bam)]
        }
    }
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
    def clash = units.countBy { unit -> unit.id }.find { _id, count -> count > 1 }
    if (clash) {
        error("Group '${clash.key}' has the name that --peaks_per_replicate gives to a replicate of another group. Rename the group.")
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
    code                // map: digest of each sub-command of ribolm-preprocess

    main:
    PREPROCESS_SAMPLESHEET(sheet, track, code.samplesheet)

    ch_rows = PREPROCESS_SAMPLESHEET.out.lanes.map { lanes -> lanes.splitCsv(header: true) }
    ch_lanes = ch_rows.flatMap { rows ->
        def problems = missingFiles(sheet, rows)
        if (problems) {
            error(problems.join('\n'))
        }
        return lanesOf(sheet, rows)
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

    ch_fastq = ch_libraries.fastq.map { meta, fastq_1, fastq_2, _bam -> [meta, fastq_1, fastq_2] }
    ch_bam = ch_libraries.bam.map { meta, _fastq_1, _fastq_2, bam -> [meta.subMap(['id']), bam] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    fastq = ch_fastq
    bam = ch_bam
    units = ch_units

    emit:
    fastq // channel: [ val(meta), path(fastq_1), path(fastq_2) or [] ], one per lane
    bam   // channel: [ val(meta), path(bam) ]
    units // channel: val(unit): id, group, replicate, ip, input, strandedness
}
