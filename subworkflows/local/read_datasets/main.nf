//
// The RNAs of a run: one FASTA, or the files of a sheet, each with its task
//

include { PREPROCESS_DATASETS      } from '../../../modules/local/preprocess/datasets/main'
include { PREPROCESS_STRUCTURES    } from '../../../modules/local/preprocess/structures/main'

include { cellFile ; whyMissing    } from '../initialise/given_files'
include { isFasta ; sheetNotices ; sheetProblems } from '../initialise/resm_track'

// A plain FASTA as rows of a sheet: to predict, and to pretrain on where that is asked for.
def plainRows(fasta, steps) {
    def sample = fasta.name.replaceFirst(/(?i)\.(fasta|fna|fa)(\.gz)?$/, '').replaceAll(/[^A-Za-z0-9_.-]/, '_')
    return ['predict', 'pretrain'].findAll { task -> task == 'predict' || task in steps }.collect { task -> [setOf([sample: sample, task: task, split: '', format: 'fasta']), fasta] }
}

// What is known of a set, without its file.
def setOf(row) {
    def id = row.split ? "${row.sample}.${row.split}".toString() : row.sample
    return [id: id] + row.subMap(['sample', 'task', 'split', 'format', 'sequence', 'value', 'group', 'transform'])
}

// Every fault of a sheet at once: files that are not there, steps without rows.
def sheetFaults(sheet, rows, steps, settings) {
    return rows.collect { row -> whyMissing(sheet, row.row, 'path', row.path) }.findAll { text -> text } + sheetProblems(sheet, rows, steps, settings)
}

// Most RNAs of a set of structures that are used: all where no limit is given.
def mostOf(split, settings) {
    if (split == 'test') {
        return settings.structure_max_rnas ?: ''
    }
    def most = settings.structure_train_rnas
    return !most ? '' : split == 'train' ? most : Math.max(most.intdiv(4), 1)
}

workflow READ_DATASETS {
    take:
    input               // path: FASTA or sheet
    steps               // list: steps to run
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-preprocess

    main:
    ch_sets = channel.empty()
    if (isFasta(input.name)) {
        ch_sets = channel.fromList(plainRows(input, steps))
    }
    else {
        PREPROCESS_DATASETS(input, code.samplesheet)
        ch_sets = PREPROCESS_DATASETS.out.table.flatMap { table ->
            def rows = table.splitCsv(header: true)
            def faults = sheetFaults(input, rows, steps, settings)
            // told here: an error inside a function is wrapped, and loses its text
            if (faults) {
                error(faults.join('\n'))
            }
            sheetNotices(rows, steps, settings).each { text -> log.info(text) }
            rows.collect { row -> [setOf(row), cellFile(input, row.path)] }
        }
    }
    ch_by_task = ch_sets.branch { meta, _file ->
        structure: meta.task == 'structure'
        pretrain: meta.task == 'pretrain'
        regression: meta.task == 'regression'
        families: meta.task == 'families'
        interactions: meta.task == 'interactions'
        predict: meta.task == 'predict'
    }
    PREPROCESS_STRUCTURES(ch_by_task.structure.map { meta, structures -> [meta + [most: mostOf(meta.split, settings)], structures] }, code.structures)
    ch_structures = PREPROCESS_STRUCTURES.out.dbn.join(PREPROCESS_STRUCTURES.out.fasta)
    // of a list of verified interactions: the list and both partners; of a table of pairs: the table
    ch_interactions = ch_by_task.interactions
        .map { meta, path -> [meta.sample, [meta, path]] }
        .groupTuple()
        .map { sample, files ->
            def part = { split -> files.find { meta, _path -> meta.split == split }?.getAt(1) ?: [] }
            [[id: sample, sample: sample], part.call(''), part.call('queries'), part.call('targets')]
        }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    structures = ch_structures
    pretrain = ch_by_task.pretrain
    regression = ch_by_task.regression
    families = ch_by_task.families
    interactions = ch_interactions
    predict = ch_by_task.predict

    emit:
    structures   // channel: [ val(meta), path(dbn), path(fasta) ]; meta: id, sample, split
    pretrain     // channel: [ val(meta), path(fasta) ]
    regression   // channel: [ val(meta), path(table or fasta) ]; meta: id, sample, format, sequence, value, group, transform
    families     // channel: [ val(meta), path(stockholm) ]
    interactions // channel: [ val(meta), path(table), path(queries) or [], path(targets) or [] ]
    predict      // channel: [ val(meta), path(fasta) ]
}
