//
// m6A: from MeRIP-seq reads to peaks
//

include { ALIGN_READS      } from '../subworkflows/local/align_reads/main'
include { CALL_PEAKS       } from '../subworkflows/local/call_peaks/main'
include { MEASURE_QUALITY  } from '../subworkflows/local/measure_quality/main'
include { PREPARE_GENOME   } from '../subworkflows/local/prepare_genome/main'
include { READ_SAMPLESHEET } from '../subworkflows/local/read_samplesheet/main'
include { TRIM_READS       } from '../subworkflows/local/trim_reads/main'

workflow M6A {
    take:
    settings            // map: parameters of the run
    steps               // list: steps to run
    code                // map: digest of each command's code

    main:
    READ_SAMPLESHEET(
        file(settings.input),
        settings.track,
        settings.strandedness,
        settings.peaks_per_replicate,
        code.preprocess,
    )
    ch_fastq = READ_SAMPLESHEET.out.fastq
    ch_multiqc = channel.empty()

    PREPARE_GENOME(
        file(settings.fasta),
        file(settings.gtf),
        settings.spikein_fasta ? file(settings.spikein_fasta) : [],
        settings.hisat2_index ? file(settings.hisat2_index) : [],
        'align' in steps,
        code.preprocess,
    )

    if ('preprocess' in steps) {
        TRIM_READS(ch_fastq, settings.trimmer)
        ch_fastq = TRIM_READS.out.fastq
        ch_multiqc = ch_multiqc.mix(TRIM_READS.out.multiqc)
    }

    ch_bam = channel.empty()
    ch_strandedness = channel.empty()
    if ('align' in steps || 'peaks' in steps) {
        ALIGN_READS(
            'align' in steps ? ch_fastq : ch_fastq.map { meta, _fastq_1, _fastq_2 -> error("${file(settings.input).name}: library ${meta.id} is given as FASTQ, but --steps leaves out align. Add align to --steps, or give its alignments in column 'bam'.") },
            READ_SAMPLESHEET.out.bam,
            PREPARE_GENOME.out.index,
            PREPARE_GENOME.out.splice_sites,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            settings.duplicates,
            code.preprocess,
        )
        ch_bam = ALIGN_READS.out.bam
        ch_strandedness = ALIGN_READS.out.strandedness
        ch_multiqc = ch_multiqc.mix(ALIGN_READS.out.multiqc)
    }

    ch_summary = channel.empty()
    if ('peaks' in steps) {
        CALL_PEAKS(
            ch_bam,
            READ_SAMPLESHEET.out.units,
            PREPARE_GENOME.out.fasta,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            PREPARE_GENOME.out.json,
            PREPARE_GENOME.out.spikein_contigs,
            settings,
            code.peaks,
        )
        ch_summary = CALL_PEAKS.out.summary
        ch_multiqc = ch_multiqc.mix(CALL_PEAKS.out.multiqc)
    }

    if ('quality' in steps) {
        MEASURE_QUALITY(
            CALL_PEAKS.out.bed,
            CALL_PEAKS.out.tsv,
            CALL_PEAKS.out.bins,
            CALL_PEAKS.out.summary,
            CALL_PEAKS.out.bams,
            ch_strandedness,
            PREPARE_GENOME.out.fasta,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            PREPARE_GENOME.out.chrom_sizes,
            code.report,
        )
        ch_multiqc = ch_multiqc.mix(MEASURE_QUALITY.out.multiqc)
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    multiqc = ch_multiqc
    summary = ch_summary

    emit:
    multiqc // channel: path(file)
    summary // channel: [ val(unit), path(json) ]
}
