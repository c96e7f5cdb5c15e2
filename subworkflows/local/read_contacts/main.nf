//
// Contacts of bases read from attention maps: a regression on a few known structures, asked about others
//

include { EVALUATE_CONTACTS } from '../../../modules/local/evaluate/contacts/main'
include { PREDICT_CONTACTS  } from '../../../modules/local/predict/contacts/main'
include { TRAIN_CONTACTS    } from '../../../modules/local/train/contacts/main'

// Structure sets of one split, without their metas.
def ofSplit(structures, split) {
    return structures.filter { meta, _dbn, _fasta -> meta.split == split }.map { _meta, dbn, _fasta -> dbn }
}

workflow READ_CONTACTS {
    take:
    ch_structures       // channel: [ val(meta), path(dbn), path(fasta) ]; meta: id, sample, split, group
    ch_backbones        // value channel: [ path(model directory) ]
    ch_rnas             // channel: [ val(meta), path(fasta) ]
    code                // map of maps: digest of each sub-command

    main:
    ch_train = ofSplit(ch_structures, 'train').first()
    ch_asked = ch_backbones.flatten().combine(ch_train).map { model, train -> [[id: "${model.name}.contacts".toString(), method: model.name], model, train] }
    TRAIN_CONTACTS(ch_asked, code.train.contacts)
    PREDICT_CONTACTS(
        ch_rnas.combine(TRAIN_CONTACTS.out.model).map { rnas, fasta, meta, model -> [[id: "${rnas.id}.${meta.method}".toString(), sample: rnas.sample, method: meta.method], model, fasta] },
        code.predict.contacts,
    )
    ch_models = TRAIN_CONTACTS.out.model.map { _meta, model -> model }.collect(sort: { model -> model.name })
    // thresholds come from the validation set, never from what is tested
    ch_tested = ch_structures
        .filter { meta, _dbn, _fasta -> meta.split == 'test' }
        .combine(ch_models.map { models -> [models] })
        .combine(ofSplit(ch_structures, 'validation'))
        .combine(ch_train)
        .map { meta, dbn, _fasta, models, validation, train -> [[id: "${meta.sample}.contacts".toString(), sample: meta.sample, group: meta.group ?: ''], models, dbn, validation, train] }
    EVALUATE_CONTACTS(ch_tested, code.evaluate.contacts)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    models = ch_models
    contacts = PREDICT_CONTACTS.out.contacts
    folders = EVALUATE_CONTACTS.out.folder

    emit:
    models   // value channel: [ path(model directory with a contact head) ]
    contacts // channel: [ val(meta), path(tsv) ]
    folders  // channel: [ val(meta), path(folder) ]
}
