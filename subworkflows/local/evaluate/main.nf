//
// Scores of every model on the labelled corpus (of fold models: on the fold that each has not seen), and what they are worth
//

include { EVALUATE_SITES    } from '../../../modules/local/evaluate/sites/main'
include { PREDICT_STORE     } from '../../../modules/local/predict/store/main'
include { REPORT_EVALUATION } from '../../../modules/local/report/evaluation/main'

// Name of a method in the evaluation; seeds are told apart by their number where there are several.
def scoreName(meta, n_seeds) {
    return meta.seed == '' || n_seeds == 1 ? meta.method : "${meta.method}@${meta.seed}".toString()
}

// NAME=FILE[,NAME=FILE] as [[name, file], ...].
def peerFiles(text) {
    return (text ?: '').tokenize(',').collect { part ->
        def words = part.trim().tokenize('=')
        if (words.size() != 2) {
            error("--peer_scores: '${part}' is not NAME=FILE. Write for instance --peer_scores deepSRAMP=scores.tsv")
        }
        return [words[0], file(words[1], checkIfExists: true)]
    }
}

workflow EVALUATE {
    take:
    ch_store            // value channel: path(token store with labels)
    ch_folds            // value channel: path(tsv)
    ch_models           // channel: [ val(meta), [ path(model directory) ] ]; meta: id, method, fold ('' for all rows), seed
    ch_corpora          // value channel: [ path(token store of pretraining) ]
    ch_gtf              // value channel: path(gtf)
    task_name           // string: name of the label
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    PREDICT_STORE(ch_models, ch_store, ch_folds, code.predict.store)
    ch_scores = PREDICT_STORE.out.scores.toSortedList { first, second -> first[0].id <=> second[0].id }
    def peers = peerFiles(settings.peer_scores)
    EVALUATE_SITES(
        ch_store,
        ch_folds,
        task_name,
        ch_scores.map { scores -> scores.collect { meta, _file -> scoreName(meta, settings.seeds) } },
        ch_scores.map { scores -> scores.collect { _meta, file -> file } },
        peers.collect { name, _scores -> name },
        peers.collect { _name, scores -> scores },
        ch_corpora,
        ch_gtf,
        code.evaluate.sites,
    )
    REPORT_EVALUATION(EVALUATE_SITES.out.folder, code.report.evaluation)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EVALUATE_SITES.out.folder
    multiqc = EVALUATE_SITES.out.multiqc.mix(REPORT_EVALUATION.out.multiqc)

    emit:
    folder  // channel: path(folder)
    multiqc // channel: path(file)
}
