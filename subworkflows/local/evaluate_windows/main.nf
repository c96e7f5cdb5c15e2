//
// Scores of every model on the fold that it has not seen, and what they are worth, set by set
//

include { EVALUATE_SEQUENCES } from '../../../modules/local/evaluate/sequences/main'
include { PREDICT_SEQUENCES  } from '../../../modules/local/predict/sequences/main'
include { REPORT_EVALUATION  } from '../../../modules/local/report/evaluation/main'

workflow EVALUATE_WINDOWS {
    take:
    ch_sets             // channel: [ val(meta), path(token store), path(windows.fa.gz), path(folds tsv) ]
    ch_models           // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold ('' for all rows), seed
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    ch_asked = ch_models
        .map { meta, model -> [meta.set, meta, model] }
        .combine(ch_sets.map { meta, _store, windows, folds -> [meta.id, windows, folds] }, by: 0)
        .map { _set, meta, model, windows, folds -> [meta, model, windows, folds] }
    PREDICT_SEQUENCES(ch_asked, code.predict.sequences)
    ch_scores = PREDICT_SEQUENCES.out.scores
        .map { meta, table -> [meta.set, [meta, table]] }
        .groupTuple()
        .map { set, scores -> [set, scores.toSorted { first, second -> first[0].id <=> second[0].id }] }
    ch_joined = ch_sets
        .map { meta, store, _windows, folds -> [meta.id, meta, store, folds] }
        .join(ch_scores)
        .map { _set, meta, store, folds, scores ->
            def names = scores.collect { run, _table -> run.seed == '' || settings.seeds == 1 ? run.method : "${run.method}@${run.seed}".toString() }
            [meta, store, folds, names, scores.collect { _run, table -> table }]
        }
    EVALUATE_SEQUENCES(ch_joined, code.evaluate.sequences)
    // one section for all sets, genome by genome, in the order in which sets were asked for
    def order = settings.polya_sets.tokenize(',')*.trim()
    ch_folders = EVALUATE_SEQUENCES.out.folder
        .toSortedList { first, second -> first[0].genome <=> second[0].genome ?: order.indexOf(first[0].name) <=> order.indexOf(second[0].name) }
        .filter { folders -> folders }
        .map { folders -> folders.collect { _meta, folder -> folder } }
    REPORT_EVALUATION(ch_folders, code.report.evaluation)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EVALUATE_SEQUENCES.out.folder
    multiqc = REPORT_EVALUATION.out.multiqc

    emit:
    folder  // channel: [ val(meta), path(folder) ]
    multiqc // channel: path(file)
}
