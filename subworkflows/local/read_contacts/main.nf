//
// Contacts of bases read from attention maps: a regression on a few known structures, a threshold from others, and what
// they are worth on the tested ones
//

include { EVALUATE_STRUCTURE as CHOOSE_THRESHOLD      } from '../../../modules/local/evaluate/structure/main'
include { EVALUATE_STRUCTURE as EVALUATE_CONTACTS     } from '../../../modules/local/evaluate/structure/main'
include { PREDICT_CONTACTS                            } from '../../../modules/local/predict/contacts/main'
include { PREDICT_CONTACTS as PREDICT_KNOWN_CONTACTS  } from '../../../modules/local/predict/contacts/main'
include { TRAIN_CONTACTS                              } from '../../../modules/local/train/contacts/main'
include { WEIGHTS_RANDOMISE                           } from '../../../modules/local/weights/randomise/main'

include { contentOf                                   } from '../initialise/backbones'

// The threshold of the largest pooled F1 on the validation set; '' where nothing was measured.
def bestThreshold(folder) {
    def rows = contentOf(folder, 'metrics.json').metrics ?: []
    def found = rows.find { row -> row.metric == 'pooled_max_f1' }
    return found ? found.threshold : ''
}

workflow READ_CONTACTS {
    take:
    ch_structures       // channel: [ val(meta), path(dbn), path(fasta) ]; meta: id, sample, split
    ch_backbones        // value channel: [ path(model directory) ]
    ch_rnas             // channel: [ val(meta), path(fasta) ]
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    ch_random = channel.empty()
    if (settings.random_control) {
        WEIGHTS_RANDOMISE(ch_backbones.map { models -> models[0] }, settings.seed, code.weights.randomise)
        ch_random = WEIGHTS_RANDOMISE.out.model
    }
    ch_train = ch_structures.filter { meta, _dbn, _fasta -> meta.split == 'train' }.map { _meta, dbn, _fasta -> dbn }
    ch_asked = ch_backbones.flatten().mix(ch_random).combine(ch_train).map { model, train -> [[id: "${model.name}.contacts".toString(), method: model.name], model, train] }
    TRAIN_CONTACTS(ch_asked, code.train.contacts)
    ch_models = TRAIN_CONTACTS.out.model.filter { meta, _model -> meta.method != 'random_weights' }
    PREDICT_CONTACTS(
        ch_rnas.combine(ch_models).map { rnas, fasta, meta, model -> [[id: "${rnas.id}.${meta.method}".toString(), sample: rnas.sample, method: meta.method], model, fasta] },
        code.predict.contacts,
    )

    // the threshold comes from the validation set, never from what is tested
    ch_known = ch_structures.filter { meta, _dbn, _fasta -> meta.split != 'train' }
    PREDICT_KNOWN_CONTACTS(
        ch_known.combine(TRAIN_CONTACTS.out.model).map { meta, _dbn, fasta, model_meta, model -> [[id: "${meta.id}.${model_meta.method}".toString(), sample: meta.sample, split: meta.split, method: model_meta.method], model, fasta] },
        code.predict.contacts,
    )
    ch_listed = PREDICT_KNOWN_CONTACTS.out.contacts
        .map { meta, table -> [[meta.sample, meta.split], meta, table] }
        .combine(ch_known.map { meta, dbn, _fasta -> [[meta.sample, meta.split], dbn, meta.group] }, by: 0)
        .branch { _key, meta, _table, _dbn, _group ->
            validation: meta.split == 'validation'
            test: meta.split == 'test'
        }
    CHOOSE_THRESHOLD(ch_listed.validation.map { _key, meta, table, dbn, _group -> [[id: meta.id, method: meta.method, group: '', threshold: ''], dbn, [], table] }, code.evaluate.structure)
    ch_thresholds = CHOOSE_THRESHOLD.out.folder.map { meta, folder -> [meta.method, bestThreshold(folder)] }
    ch_tested = ch_listed.test
        .map { _key, meta, table, dbn, group -> [meta.method, meta, table, dbn, group] }
        .combine(ch_thresholds, by: 0)
        .map { _method, meta, table, dbn, group, threshold -> [[id: "${meta.sample}.${meta.method}.contacts".toString(), sample: meta.sample, group: group ?: '', threshold: threshold], dbn, [], table] }
    EVALUATE_CONTACTS(ch_tested, code.evaluate.structure)
    ch_contact_models = ch_models.map { _meta, model -> model }.collect(sort: { model -> model.name })

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    models = ch_contact_models
    contacts = PREDICT_CONTACTS.out.contacts
    folders = EVALUATE_CONTACTS.out.folder

    emit:
    models   // value channel: [ path(model directory with a contact head) ], without the control
    contacts // channel: [ val(meta), path(tsv) ]
    folders  // channel: [ val(meta), path(folder) ]
}
