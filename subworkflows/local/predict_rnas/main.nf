//
// Structures and values of the user's RNAs
//

include { PREDICT_SEQUENCES } from '../../../modules/local/predict/sequences/main'
include { PREDICT_STRUCTURE } from '../../../modules/local/predict/structure/main'

workflow PREDICT_RNAS {
    take:
    ch_rnas             // channel: [ val(meta), path(fasta) ]
    ch_structure_model  // value channel: path(model directory), may be empty
    ch_value_models     // channel: [ val(name), path(model directory) ]
    code                // map: digest of each sub-command of ribolm-predict

    main:
    PREDICT_STRUCTURE(
        ch_rnas.combine(ch_structure_model).map { meta, fasta, model -> [[id: meta.id, sample: meta.sample, method: model.name, thermodynamics: true], model, fasta] },
        code.structure,
    )
    PREDICT_SEQUENCES(
        ch_rnas.combine(ch_value_models).map { meta, fasta, name, model -> [[id: "${meta.id}.${name}".toString(), sample: meta.sample, method: name, fold: ''], model, fasta, []] },
        code.sequences,
    )

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    structures = PREDICT_STRUCTURE.out.dbn.join(PREDICT_STRUCTURE.out.confidence)
    values = PREDICT_SEQUENCES.out.scores

    emit:
    structures // channel: [ val(meta), path(dbn), path(tsv) ]
    values     // channel: [ val(meta), path(tsv) ]
}
