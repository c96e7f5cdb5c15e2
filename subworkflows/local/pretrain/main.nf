//
// A masked language model of the corpus
//

include { TRAIN_PRETRAIN } from '../../../modules/local/train/pretrain/main'

workflow PRETRAIN {
    take:
    ch_store            // value channel: path(token store)
    init                // path or []: model directory to start from
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-train

    main:
    TRAIN_PRETRAIN(ch_store, init, settings.preset, settings.seed, checkpoints, code.pretrain)
    ch_logs = TRAIN_PRETRAIN.out.log.map { lines -> ['pretraining', lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_PRETRAIN.out.model
    logs = ch_logs

    emit:
    model // value channel: path(model directory)
    logs  // channel: [ val(name), path(jsonl) ]
}
