//
// What backbones know of sets of windows without training: nearness to two windows of each class, drawn anew ten times
//

include { EVALUATE_FEWSHOT } from '../../../modules/local/evaluate/fewshot/main'
include { REPORT_FEWSHOT   } from '../../../modules/local/report/fewshot/main'

workflow FEWSHOT_SETS {
    take:
    ch_sets             // channel: [ val(meta), path(token store), path(windows.fa.gz), path(folds tsv) ]
    models              // list of paths: model directories
    code                // map of maps: digest of each sub-command

    main:
    ch_asked = ch_sets.flatMap { meta, store, _windows, folds ->
        models.collect { model -> [[id: "${meta.id}.${model.name}".toString(), set: meta.id, method: model.name], model, store, folds] }
    }
    EVALUATE_FEWSHOT(ch_asked, code.evaluate.fewshot)
    REPORT_FEWSHOT(EVALUATE_FEWSHOT.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }), code.report.fewshot)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EVALUATE_FEWSHOT.out.folder
    multiqc = REPORT_FEWSHOT.out.multiqc

    emit:
    folder  // channel: [ val(meta), path(folder) ]; meta: id, set, method
    multiqc // channel: path(file)
}
