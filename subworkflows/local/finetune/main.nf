//
// Fine-tuning on labelled tokens, folds times seeds: each model never sees its fold. A control of the same architecture
// starts at random
//

include { TRAIN_FINETUNE           } from '../../../modules/local/train/finetune/main'

include { finetuningRuns ; startOf } from './runs'

workflow FINETUNE {
    take:
    ch_store            // value channel: path(token store with labels)
    ch_folds            // value channel: path(tsv)
    ch_init             // value channel: path(model directory) to start from, or []
    with_control        // boolean: also fine-tune the preset from random weights
    task_name           // string: name of the label
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-train

    main:
    ch_runs = ch_init
        .map { init -> [init] }
        .combine(ch_store)
        .combine(ch_folds)
        .flatMap { init, store, folds -> finetuningRuns('', [control: with_control], settings).collect { run -> [run, startOf(run, init), store, folds] } }
    TRAIN_FINETUNE(ch_runs, task_name, 'token', settings.preset, checkpoints, code.finetune)
    ch_logs = TRAIN_FINETUNE.out.log.map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_FINETUNE.out.model
    logs = ch_logs

    emit:
    model // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold, seed
    logs  // channel: [ val(name), path(jsonl) ]
}
