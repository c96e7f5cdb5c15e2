//
// Models of secondary structure: from the backbone, and from random weights as a control
//

include { LABELS_STRUCTURES } from '../../../modules/local/labels/structures/main'
include { TRAIN_STRUCTURE   } from '../../../modules/local/train/structure/main'

include { startOf           } from '../finetune/runs'

// One map for each method; the control is the preset from random weights.
def structureRuns(init, settings) {
    def methods = ['finetuned'] + (init && settings.random_control ? ['random_start'] : [])
    return methods.collect { method -> [id: "structure.${method}".toString(), method: method, seed: settings.seed] }
}

workflow FINETUNE_STRUCTURES {
    take:
    ch_structures       // channel: [ val(meta), path(dbn), path(fasta) ]; meta: id, sample, split
    ch_init             // value channel: path(model directory) to start from, or []
    tokenizer           // string: kind of tokens
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    // what a model is tested on, and what is nearly the same, is neither learnt from nor chosen by
    ch_tested = ch_structures
        .filter { meta, _dbn, _fasta -> meta.split == 'test' }
        .map { _meta, dbn, _fasta -> dbn }
        .collect(sort: { dbn -> dbn.name })
        .ifEmpty([])
    ch_learnt = ch_structures.filter { meta, _dbn, _fasta -> meta.split != 'test' }.map { meta, dbn, _fasta -> [meta, dbn] }
    LABELS_STRUCTURES(ch_learnt, ch_tested, tokenizer, code.labels.structures)
    ch_by_split = LABELS_STRUCTURES.out.store.branch { meta, _store ->
        train: meta.split == 'train'
        validation: meta.split == 'validation'
    }
    ch_runs = ch_init
        .map { init -> [init] }
        .combine(ch_by_split.train.map { _meta, store -> store })
        .combine(ch_by_split.validation.map { _meta, store -> store })
        .flatMap { init, train, validation -> structureRuns(init, settings).collect { run -> [run, startOf(run, init), train, validation] } }
    TRAIN_STRUCTURE(ch_runs, settings.preset, checkpoints, code.train.structure)
    ch_logs = TRAIN_STRUCTURE.out.log.map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    model = TRAIN_STRUCTURE.out.model
    logs = ch_logs

    emit:
    model // channel: [ val(meta), path(model directory) ]; meta: id, method, seed
    logs  // channel: [ val(name), path(jsonl) ]
}
