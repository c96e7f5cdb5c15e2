//
// A masked language model of RNAs, without those that are evaluated
//

include { TOKENIZE_RNA   } from '../../../modules/local/tokenize/rna/main'
include { TRAIN_PRETRAIN } from '../../../modules/local/train/pretrain/main'

workflow PRETRAIN_RNAS {
    take:
    ch_rnas             // channel: [ val(meta), path(fasta) ]
    ch_evaluated        // value channel: [ path(file) ], what the model is asked about later
    init                // path or []: model directory to start from
    tokenizer           // string: kind of tokens
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    TOKENIZE_RNA(ch_rnas.map { _meta, fasta -> fasta }.collect(sort: { fasta -> fasta.name }), ch_evaluated, tokenizer, code.tokenize.rna)
    TRAIN_PRETRAIN(TOKENIZE_RNA.out.store, init, settings.preset, settings.seed, checkpoints, code.train.pretrain)
    ch_logs = TRAIN_PRETRAIN.out.log.map { lines -> ['pretraining', lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_PRETRAIN.out.model
    store = TOKENIZE_RNA.out.store
    logs = ch_logs

    emit:
    model // value channel: path(model directory)
    store // value channel: path(token store)
    logs  // channel: [ val(name), path(jsonl) ]
}
