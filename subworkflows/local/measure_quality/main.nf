//
// What the peaks look like: libraries, motif, place on transcripts, tracks for a genome browser
//

include { REPORT_HEADLINE     } from '../../../modules/local/report/headline/main'
include { REPORT_METAGENE     } from '../../../modules/local/report/metagene/main'
include { REPORT_MOTIF        } from '../../../modules/local/report/motif/main'
include { REPORT_PEAKS        } from '../../../modules/local/report/peaks/main'
include { REPORT_SESSION      } from '../../../modules/local/report/session/main'
include { REPORT_STRANDEDNESS } from '../../../modules/local/report/strandedness/main'
include { REPORT_TRACKS       } from '../../../modules/local/report/tracks/main'

// Files of all units in the order of their names, so that lists of different files go together.
def inUnitOrder(channel_of_files) {
    return channel_of_files.toSortedList { first, second -> first[0].id <=> second[0].id }.map { items -> items.collect { item -> item[1] } }
}

// Paths as the session file sees them from tracks/.
def sessionTracks(bigwigs, beds) {
    def tracks = bigwigs.collectMany { _unit, files -> [files].flatten().collect { file -> file.name } }
    def peaks = beds.collect { unit, bed -> "../peaks/${unit.id}/${bed.name}".toString() }
    return tracks.toSorted() + peaks.toSorted()
}

workflow MEASURE_QUALITY {
    take:
    ch_bed              // channel: [ val(unit), path(bed) ]
    ch_tsv              // channel: [ val(unit), path(tsv) ]
    ch_bins             // channel: [ val(unit), path(parquet) ]
    ch_summary          // channel: [ val(unit), path(json) ]
    ch_bams             // channel: [ val(unit), [ path(bam) ], [ path(bai) ] ]
    ch_strandedness     // channel: path(json)
    ch_fasta            // value channel: path(fasta)
    ch_fai              // value channel: path(fai)
    ch_gtf              // value channel: path(gtf)
    ch_chrom_sizes      // value channel: path(tsv)
    code                // map: digest of each sub-command of ribolm-report

    main:
    ch_names = ch_bed.map { unit, _bed -> unit.id }.toSortedList()
    REPORT_PEAKS(inUnitOrder(ch_bed), inUnitOrder(ch_tsv), inUnitOrder(ch_bins), inUnitOrder(ch_summary), ch_gtf, code.peaks)
    REPORT_MOTIF(ch_names, inUnitOrder(ch_bed), ch_fasta, ch_fai, ch_gtf, code.motif)
    REPORT_METAGENE(ch_names, inUnitOrder(ch_bed), ch_gtf, code.metagene)
    REPORT_STRANDEDNESS(ch_strandedness.collect(sort: { json -> json.name }), code.strandedness)
    REPORT_HEADLINE(inUnitOrder(ch_bed), inUnitOrder(ch_tsv), inUnitOrder(ch_summary), REPORT_MOTIF.out.json, code.headline)

    REPORT_TRACKS(
        ch_bams.join(ch_summary).filter { unit, _bams, _bais, _summary -> !unit.replicate },
        ch_chrom_sizes,
        code.tracks,
    )
    ch_session_tracks = REPORT_TRACKS.out.bigwig.toList().map { bigwigs -> [bigwigs] }
        .combine(ch_bed.toList().map { beds -> [beds] })
        .map { bigwigs, beds -> sessionTracks(bigwigs, beds) }
    REPORT_SESSION(ch_session_tracks, '../reference/genome.fa', '../reference/genes.gtf', code.session)

    ch_multiqc = REPORT_PEAKS.out.multiqc
        .mix(REPORT_STRANDEDNESS.out.multiqc)
        .mix(REPORT_MOTIF.out.multiqc)
        .mix(REPORT_METAGENE.out.multiqc)
        .mix(REPORT_HEADLINE.out.multiqc)
        .flatten()

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    headline = REPORT_HEADLINE.out.json
    multiqc = ch_multiqc

    emit:
    headline // channel: path(json)
    multiqc  // channel: path(file)
}
