//
// Peaks of every group (and replicate, by option) by the chosen caller, in one form
//

include { MACS3_CALLPEAK    } from '../../../modules/local/macs3/callpeak/main'
include { PEAKS_ANNOTATE    } from '../../../modules/local/peaks/annotate/main'
include { PEAKS_CALL        } from '../../../modules/local/peaks/call/main'
include { PEAKS_SIZEFACTORS } from '../../../modules/local/peaks/sizefactors/main'

// The size that MACS3 takes for the genome, printed with its reason.
def effectiveSize(given, genome_json) {
    if (given) {
        log.info("chosen: MACS3 --gsize = ${given} (--macs_gsize)")
        return given
    }
    def size = new groovy.json.JsonSlurper().parse(genome_json).transcribed_size_nt
    log.info("chosen: MACS3 --gsize = ${size} (bases of the annotation's exons: MeRIP-seq reads come from transcripts, not from the whole genome)")
    return size
}

workflow CALL_PEAKS {
    take:
    ch_bam              // channel: [ val(meta), path(bam), path(bai) ]
    ch_units            // channel: val(unit): id, group, replicate, ip, input, strandedness
    ch_fasta            // value channel: path(fasta)
    ch_fai              // value channel: path(fai)
    ch_gtf              // value channel: path(gtf)
    ch_genome_json      // value channel: path(json)
    ch_spikein_contigs  // value channel: path(txt)
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-peaks

    main:
    // every unit collects its own libraries; a shared input goes to each unit that names it
    ch_unit_bams = ch_units
        .flatMap { unit -> (unit.ip + unit.input).collect { library -> [library, groupKey(unit, unit.ip.size() + unit.input.size())] } }
        .combine(ch_bam.map { meta, bam, bai -> [meta.id, bam, bai] }, by: 0)
        .map { _library, unit, bam, bai -> [unit, bam, bai] }
        .groupTuple()
        .map { unit, bams, bais -> [unit.target, bams.toSorted { file -> file.name }, bais.toSorted { file -> file.name }] }

    if (settings.peak_caller == 'macs3') {
        ch_gsize = ch_genome_json.map { json -> effectiveSize(settings.macs_gsize, json) }
        MACS3_CALLPEAK(ch_unit_bams, ch_gsize, settings.macs_extsize ?: settings.fragment_length)
        PEAKS_ANNOTATE(MACS3_CALLPEAK.out.narrowpeak, ch_gtf, ch_fasta, ch_fai, code.annotate)
        ch_bed = PEAKS_ANNOTATE.out.bed
        ch_tsv = PEAKS_ANNOTATE.out.tsv
        ch_summary = PEAKS_ANNOTATE.out.summary
        ch_bins = channel.empty()
        ch_multiqc = PEAKS_ANNOTATE.out.multiqc
    }
    else {
        ch_factors = channel.value([])
        if (settings.size_factors) {
            ch_factors = channel.value(file(settings.size_factors))
        }
        else if (settings.spikein_fasta) {
            PEAKS_SIZEFACTORS(
                ch_bam.map { _meta, bam, _bai -> bam }.collect(sort: { file -> file.name }),
                ch_bam.map { _meta, _bam, bai -> bai }.collect(sort: { file -> file.name }),
                ch_spikein_contigs,
                code.size_factors,
            )
            ch_factors = PEAKS_SIZEFACTORS.out.tsv
        }
        PEAKS_CALL(
            ch_unit_bams,
            ch_gtf,
            ch_fasta,
            ch_fai,
            ch_factors,
            settings.gc_correction,
            code.call,
        )
        ch_bed = PEAKS_CALL.out.bed
        ch_tsv = PEAKS_CALL.out.tsv
        ch_summary = PEAKS_CALL.out.summary
        ch_bins = PEAKS_CALL.out.bins
        ch_multiqc = PEAKS_CALL.out.multiqc
    }
    ch_sections = ch_multiqc.map { _unit, files -> files }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    bed = ch_bed
    tsv = ch_tsv
    bins = ch_bins
    summary = ch_summary
    bams = ch_unit_bams
    multiqc = ch_sections

    emit:
    bed     // channel: [ val(unit), path(bed) ]
    tsv     // channel: [ val(unit), path(tsv) ]
    bins    // channel: [ val(unit), path(parquet) ], empty with macs3
    summary // channel: [ val(unit), path(json) ]
    bams    // channel: [ val(unit), [ path(bam) ], [ path(bai) ] ]
    multiqc // channel: path(json)
}
