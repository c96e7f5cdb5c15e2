//
// What backbones know without training: families of RNAs by likeness, partners by attention
//

include { EVALUATE_FAMILIES     } from '../../../modules/local/evaluate/families/main'
include { EVALUATE_INTERACTIONS } from '../../../modules/local/evaluate/interactions/main'

workflow JUDGE_BACKBONES {
    take:
    ch_families         // channel: [ val(meta), path(stockholm) ]
    ch_interactions     // channel: [ val(meta), path(table), path(queries) or [], path(targets) or [] ]
    ch_backbones        // value channel: [ path(model directory) ]
    ch_contact_models   // value channel: [ path(model directory with a contact head) ], may be empty
    ch_fitted           // value channel: path(structures that contact heads were fitted on), or []
    ch_corpora          // value channel: [ path(token store of pretraining) ], may be empty
    code                // map of maps: digest of each sub-command

    main:
    EVALUATE_FAMILIES(
        ch_families.combine(ch_backbones.map { models -> [models] }).combine(ch_corpora.map { corpora -> [corpora] }).map { meta, families, models, corpora -> [[id: meta.id, sample: meta.sample], families, models, corpora] },
        code.evaluate.families,
    )
    EVALUATE_INTERACTIONS(
        ch_interactions.combine(ch_contact_models.map { models -> [models] }).combine(ch_fitted.map { fitted -> [fitted] }),
        code.evaluate.interactions,
    )

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folders = EVALUATE_FAMILIES.out.folder.mix(EVALUATE_INTERACTIONS.out.folder)

    emit:
    folders // channel: [ val(meta), path(folder) ]
}
