//
// Models of measured values, such as ribosome load: rows dealt into folds, each tested by models that have not seen it
//

include { LABELS_FOLDS   } from '../../../modules/local/labels/folds/main'
include { LABELS_VALUES  } from '../../../modules/local/labels/values/main'
include { TRAIN_FINETUNE } from '../../../modules/local/train/finetune/main'

include { runsOf ; startOf } from '../finetune/runs'

// Runs on one set: tested folds times seeds, the control, and a model of all rows where RNAs are to be predicted.
def valueRuns(meta, init, whole, settings) {
    def folds = (0..<settings.value_folds).toList()
    def runs = runsOf(meta.id, 'finetuned', folds, settings.seed, settings.seeds)
    def control = init && settings.random_control ? runsOf(meta.id, 'random_start', folds, settings.seed, settings.seeds) : []
    def all = whole ? runsOf(meta.id, 'whole', ['none'], settings.seed, 1) : []
    return (runs + control + all).collect { run -> run + [value: meta.value ?: 'value'] }
}

workflow FINETUNE_VALUES {
    take:
    ch_tables           // channel: [ val(meta), path(table or fasta) ]; meta: id, sample, format, sequence, value, group, transform
    ch_init             // value channel: path(model directory) to start from, or []
    tokenizer           // string: kind of tokens
    whole               // boolean: a model of all rows as well
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    LABELS_VALUES(ch_tables, tokenizer, code.labels.values)
    ch_dealt = LABELS_VALUES.out.set.multiMap { meta, store, _fasta ->
        sets: [meta, store]
        units: meta.group ? 'gene' : 'random'
    }
    LABELS_FOLDS(ch_dealt.sets, ch_dealt.units, settings.folds, settings.seed, code.labels.folds)
    ch_sets = LABELS_VALUES.out.set.join(LABELS_FOLDS.out.tsv, failOnMismatch: true)
    ch_runs = ch_init
        .map { init -> [init] }
        .combine(ch_sets)
        .flatMap { init, meta, store, _fasta, folds -> valueRuns(meta, init, whole, settings).collect { run -> [run, startOf(run, init), store, folds] } }
    TRAIN_FINETUNE(ch_runs, ch_runs.map { run, _init, _store, _folds -> run.value }, 'regression', settings.preset, checkpoints, code.train.finetune)
    ch_logs = TRAIN_FINETUNE.out.log.map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    sets = ch_sets
    model = TRAIN_FINETUNE.out.model
    logs = ch_logs

    emit:
    sets  // channel: [ val(meta), path(token store with labels), path(fasta), path(folds tsv) ]
    model // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold, seed
    logs  // channel: [ val(name), path(jsonl) ]
}
