//
// One vector per RNA by each backbone, and maps of them
//

include { PREDICT_EMBED    } from '../../../modules/local/predict/embed/main'
include { REPORT_EMBEDDING } from '../../../modules/local/report/embedding/main'

workflow EMBED_RNAS {
    take:
    ch_rnas             // channel: [ val(meta), path(fasta) ]
    ch_backbones        // value channel: [ path(model directory) ]
    code                // map of maps: digest of each sub-command

    main:
    ch_asked = ch_rnas.combine(ch_backbones.flatten()).map { meta, fasta, model -> [[id: "${meta.id}.${model.name}".toString(), sample: meta.sample, method: model.name], model, fasta] }
    PREDICT_EMBED(ch_asked, code.predict.embed)
    ch_maps = PREDICT_EMBED.out.embeddings
        .join(ch_asked.map { meta, _model, fasta -> [meta, fasta] })
        .toSortedList { first, second -> first[0].id <=> second[0].id }
        .filter { maps -> maps }
    REPORT_EMBEDDING(
        ch_maps.map { maps -> maps.collect { meta, _table, _fasta -> meta.id } },
        ch_maps.map { maps -> maps.collect { _meta, table, _fasta -> table } },
        ch_maps.map { maps -> maps.collect { _meta, _table, fasta -> fasta } },
        code.report.embedding,
    )

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    embeddings = PREDICT_EMBED.out.embeddings
    multiqc = REPORT_EMBEDDING.out.multiqc

    emit:
    embeddings // channel: [ val(meta), path(parquet) ]; meta: id, sample, method
    multiqc    // channel: path(file)
}
