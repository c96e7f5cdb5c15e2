//
// Sites under the peaks of every unit: peaks go out in chunks, their sites come back in one table
//

include { PREDICT_MERGE } from '../../../modules/local/predict/merge/main'
include { PREDICT_SITES } from '../../../modules/local/predict/sites/main'

// Files of at most so many peaks; what fits into one is passed on as it is, also a unit without peaks.
def chunksOf(unit, bed, peaks_per_chunk) {
    def chunks = bed.countLines() > peaks_per_chunk ? bed.splitText(by: peaks_per_chunk, file: true) : [bed]
    return chunks.collect { chunk -> [[id: unit.id, n_chunks: chunks.size()], chunk] }
}

workflow PREDICT {
    take:
    ch_bed              // channel: [ val(unit), path(bed) ]
    ch_models           // value channel: [ path(model directory) ]
    ch_fasta            // value channel: path(fasta)
    ch_fai              // value channel: path(fai)
    ch_gtf              // value channel: path(gtf)
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-predict

    main:
    ch_chunks = ch_bed.flatMap { unit, bed -> chunksOf(unit, bed, settings.peaks_per_chunk as int) }
    PREDICT_SITES(ch_chunks, ch_models, ch_fasta, ch_fai, ch_gtf, code.sites)
    ch_tables = PREDICT_SITES.out.table
        .map { meta, table -> [groupKey(meta.id, meta.n_chunks), table] }
        .groupTuple()
        .map { key, tables -> [[id: key.target], tables.toSorted { table -> table.name }] }
    PREDICT_MERGE(ch_tables, code.merge)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    bed = PREDICT_MERGE.out.bed
    table = PREDICT_MERGE.out.table

    emit:
    bed   // channel: [ val(unit), path(bed) ]
    table // channel: [ val(unit), path(parquet) ]
}
