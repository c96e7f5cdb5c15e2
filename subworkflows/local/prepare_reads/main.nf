//
// From the samplesheet to sorted alignments: libraries read, trimmed, aligned, as far as the steps of the run go
//

include { ALIGN_READS      } from '../align_reads/main'
include { READ_SAMPLESHEET } from '../read_samplesheet/main'
include { TRIM_READS       } from '../trim_reads/main'

workflow PREPARE_READS {
    take:
    sheet               // path: samplesheet as the user wrote it
    ch_index            // value channel: path(folder) of the HISAT2 index
    ch_splice_sites     // value channel: path(tsv)
    ch_fai              // value channel: path(fai)
    ch_gtf              // value channel: path(gtf)
    settings            // map: parameters of the run
    steps               // list: steps to run
    code                // map: digest of each sub-command of ribolm-preprocess

    main:
    READ_SAMPLESHEET(sheet, settings.track, settings.strandedness, settings.peaks_per_replicate, code)
    ch_fastq = READ_SAMPLESHEET.out.fastq
    ch_multiqc = channel.empty()

    if ('preprocess' in steps) {
        TRIM_READS(ch_fastq, settings.trimmer)
        ch_fastq = TRIM_READS.out.fastq
        ch_multiqc = ch_multiqc.mix(TRIM_READS.out.multiqc)
    }

    ch_bam = channel.empty()
    ch_strandedness = channel.empty()
    if ('align' in steps || 'peaks' in steps) {
        ALIGN_READS(
            'align' in steps ? ch_fastq : ch_fastq.map { meta, _fastq_1, _fastq_2 -> error("${sheet.name}: library ${meta.id} is given as FASTQ, but --steps leaves out align. Add align to --steps, or give its alignments in column 'bam'.") },
            READ_SAMPLESHEET.out.bam,
            ch_index,
            ch_splice_sites,
            ch_fai,
            ch_gtf,
            settings.duplicates,
            code,
        )
        ch_bam = ALIGN_READS.out.bam
        ch_strandedness = ALIGN_READS.out.strandedness
        ch_multiqc = ch_multiqc.mix(ALIGN_READS.out.multiqc)
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    bam = ch_bam
    units = READ_SAMPLESHEET.out.units
    strandedness = ch_strandedness
    multiqc = ch_multiqc

    emit:
    bam          // channel: [ val(meta), path(bam), path(bai) ]
    units        // channel: val(unit): id, group, replicate, ip, input, strandedness
    strandedness // channel: path(json)
    multiqc      // channel: path(file)
}
