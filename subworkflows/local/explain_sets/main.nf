//
// What models look at in sets of windows: signals destroyed beside a control, letters changed, words attended to
//

include { EXPLAIN_WINDOWS } from '../../../modules/local/explain/windows/main'
include { REPORT_EXPLAIN  } from '../../../modules/local/report/explain/main'

workflow EXPLAIN_SETS {
    take:
    ch_sets             // channel: [ val(meta), path(token store), path(windows.fa.gz), path(folds tsv) ]
    ch_models           // channel: [ val(meta), path(model directory) ]; meta: id, set, method, fold ('' for all rows), seed
    code                // map of maps: digest of each sub-command

    main:
    ch_asked = ch_models
        .map { meta, model -> [meta.set, meta, model] }
        .combine(ch_sets.map { meta, store, windows, folds -> [meta.id, store, windows, folds] }, by: 0)
        .map { _set, meta, model, store, windows, folds -> [meta, model, store, windows, folds] }
    EXPLAIN_WINDOWS(ch_asked, code.explain.windows)
    REPORT_EXPLAIN(EXPLAIN_WINDOWS.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }), code.report.explain)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EXPLAIN_WINDOWS.out.folder
    multiqc = REPORT_EXPLAIN.out.multiqc

    emit:
    folder  // channel: [ val(meta), path(folder) ]
    multiqc // channel: path(file)
}
