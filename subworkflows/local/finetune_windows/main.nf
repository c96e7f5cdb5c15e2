//
// Fine-tuning on labelled windows, set by set, folds times seeds; where a genome is to be scanned, one more model of the
// set that scans it learns from all folds
//

include { TRAIN_FINETUNE           } from '../../../modules/local/train/finetune/main'

include { finetuningRuns ; startOf } from '../finetune/runs'

workflow FINETUNE_WINDOWS {
    take:
    ch_sets             // channel: [ val(meta), path(token store with labels), path(folds tsv) ]
    init                // path or []: model directory to start from
    also                // map: control (the preset from random weights as well), whole (sets of this name get a model of all folds as well; '' none)
    task_name           // string: name of the label
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-train

    main:
    ch_runs = ch_sets.flatMap { meta, store, folds -> finetuningRuns(meta.id, also, settings).collect { run -> [run, startOf(run, init), store, folds] } }
    TRAIN_FINETUNE(ch_runs, task_name, 'sequence', settings.preset, checkpoints, code.finetune)
    ch_logs = TRAIN_FINETUNE.out.log.map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_FINETUNE.out.model
    logs = ch_logs

    emit:
    model // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold, seed
    logs  // channel: [ val(name), path(jsonl) ]
}
