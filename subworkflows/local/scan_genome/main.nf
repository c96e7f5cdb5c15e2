//
// Poly(A) sites of whole genomes: candidates by rule, scored in chunks by a model, called in one piece
//

include { EVALUATE_SCAN      } from '../../../modules/local/evaluate/scan/main'
include { PREDICT_CALLS      } from '../../../modules/local/predict/calls/main'
include { PREDICT_CANDIDATES } from '../../../modules/local/predict/candidates/main'
include { PREDICT_SCAN       } from '../../../modules/local/predict/scan/main'
include { REPORT_SCAN        } from '../../../modules/local/report/scan/main'

workflow SCAN_GENOME {
    take:
    ch_genomes          // channel: [ val(meta), path(fasta), path(gtf) or [], path(known sites) or [] ]
    ch_models           // channel: [ val(id of the genome), path(model directory) ]
    ch_windows          // channel: [ val(id of the genome), path(store that the model learnt from) or [] ]
    regions             // path or []: BED of what is scanned
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    PREDICT_CANDIDATES(ch_genomes.map { meta, fasta, _gtf, _sites -> [meta, fasta] }, regions, settings.candidates_per_chunk, code.predict.candidates)
    ch_by_genome = ch_genomes.map { meta, fasta, gtf, sites -> [meta.id, meta, fasta, gtf, sites] }.join(ch_models)
    ch_chunks = PREDICT_CANDIDATES.out.chunks
        .flatMap { meta, chunks ->
            def files = [chunks].flatten()
            files.collect { chunk -> [meta.id, files.size(), chunk] }
        }
        .combine(ch_by_genome.map { id, _meta, fasta, _gtf, _sites, model -> [id, fasta, model] }, by: 0)
        .map { id, n_chunks, chunk, fasta, model -> [[id: id, n_chunks: n_chunks], chunk, fasta, model] }
    PREDICT_SCAN(ch_chunks, code.predict.scan)
    ch_scored = PREDICT_SCAN.out.scored
        .map { meta, table -> [groupKey(meta.id, meta.n_chunks), table] }
        .groupTuple()
        .map { key, tables -> [key.target, tables.toSorted { table -> table.name }] }
    ch_gathered = ch_by_genome.join(ch_scored).map { _id, meta, fasta, gtf, sites, model, tables -> [meta, tables, fasta, gtf, sites, model] }
    PREDICT_CALLS(ch_gathered, regions, code.predict.merge)

    // beside the 4-mer regression: fitted on the windows of a model trained here, or brought by the model
    ch_compared = ch_by_genome.join(ch_scored).join(ch_windows)
        .filter { _id, _meta, _fasta, _gtf, sites, model, _tables, store -> sites && (store || model.resolve('regression.safetensors').exists()) }
        .map { _id, meta, fasta, _gtf, sites, model, tables, store -> [meta, tables, fasta, sites, model, store] }
    EVALUATE_SCAN(ch_compared, regions, code.evaluate.scan)

    REPORT_SCAN(
        PREDICT_CALLS.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }),
        EVALUATE_SCAN.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }).ifEmpty([]),
        code.report.scan,
    )

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    candidates = PREDICT_CANDIDATES.out.bed
    bed = PREDICT_CALLS.out.bed
    folder = PREDICT_CALLS.out.folder
    multiqc = REPORT_SCAN.out.multiqc

    emit:
    candidates // channel: [ val(meta), path(bed.gz) ]
    bed        // channel: [ val(meta), path(bed.gz) ]
    folder     // channel: [ val(meta), path(folder) ]
    multiqc    // channel: path(file)
}
