//
// Values predicted for the folds that models have not seen, and what they are worth, set by set
//

include { EVALUATE_VALUES                      } from '../../../modules/local/evaluate/values/main'
include { PREDICT_SEQUENCES as PREDICT_VALUES  } from '../../../modules/local/predict/sequences/main'
include { REPORT_VALUES                        } from '../../../modules/local/report/values/main'

workflow EVALUATE_VALUE_SETS {
    take:
    ch_sets             // channel: [ val(meta), path(token store), path(fasta), path(folds tsv) ]
    ch_models           // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold, seed
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    ch_asked = ch_models
        .map { meta, model -> [meta.set, meta, model] }
        .combine(ch_sets.map { meta, _store, fasta, folds -> [meta.id, fasta, folds] }, by: 0)
        .map { _set, meta, model, fasta, folds -> [meta, model, fasta, folds] }
    PREDICT_VALUES(ch_asked, code.predict.sequences)
    ch_scores = PREDICT_VALUES.out.scores
        .map { meta, table -> [meta.set, [meta, table]] }
        .groupTuple()
        .map { set, scores -> [set, scores.toSorted { first, second -> first[0].id <=> second[0].id }] }
    ch_joined = ch_sets
        .map { meta, store, _fasta, folds -> [meta.id, meta, store, folds] }
        .join(ch_scores)
        .map { _set, meta, store, folds, scores ->
            def names = scores.collect { run, _table -> settings.seeds == 1 ? run.method : "${run.method}@${run.seed}".toString() }
            // one tested fold is a test set; several together are cross-validation
            def fold = settings.value_folds == 1 ? 0 : ''
            [[id: meta.id, sample: meta.sample, value: meta.value ?: 'value', fold: fold], store, folds, names, scores.collect { _run, table -> table }]
        }
    EVALUATE_VALUES(ch_joined, code.evaluate.values)
    REPORT_VALUES(EVALUATE_VALUES.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }), code.report.values)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EVALUATE_VALUES.out.folder
    multiqc = REPORT_VALUES.out.multiqc

    emit:
    folder  // channel: [ val(meta), path(folder) ]
    multiqc // channel: path(file)
}
