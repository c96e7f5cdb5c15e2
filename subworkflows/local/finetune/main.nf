//
// Fine-tuning, folds times seeds: each model never sees its fold. A control of the same architecture starts at random
//

include { TRAIN_FINETUNE } from '../../../modules/local/train/finetune/main'

// One map for each method, fold and seed; seeds count up from the first.
def trainingRuns(method, n_folds, first_seed, n_seeds) {
    return (0..<n_folds).collectMany { fold ->
        (0..<n_seeds).collect { index ->
            def seed = first_seed + index
            return [id: "${method}.fold${fold}.seed${seed}".toString(), method: method, fold: fold, seed: seed]
        }
    }
}

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
    def runs = trainingRuns('finetuned', settings.folds, settings.seed, settings.seeds)
    def controls = with_control ? trainingRuns('random_start', settings.folds, settings.seed, settings.seeds) : []
    ch_runs = channel.fromList(runs).combine(ch_init.map { init -> [init] }).mix(channel.fromList(controls).map { meta -> [meta, []] })
    TRAIN_FINETUNE(ch_runs, ch_store, ch_folds, task_name, settings.preset, checkpoints, code.finetune)
    ch_logs = TRAIN_FINETUNE.out.log.map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_FINETUNE.out.model
    logs = ch_logs

    emit:
    model // channel: [ val(meta), path(model directory) ]; meta: id, method, fold, seed
    logs  // channel: [ val(name), path(jsonl) ]
}
