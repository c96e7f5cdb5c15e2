//
// Libraries as sorted, indexed alignments: FASTQ through HISAT2 with its lanes merged, the user's BAM checked
//

include { HISAT2_ALIGN            } from '../../../modules/local/hisat2/align/main'
include { PREPROCESS_ALIGNMENTS   } from '../../../modules/local/preprocess/alignments/main'
include { PREPROCESS_STRANDEDNESS } from '../../../modules/local/preprocess/strandedness/main'
include { SAMTOOLS_MARKDUP        } from '../../../modules/local/samtools/markdup/main'
include { SAMTOOLS_STATS          } from '../../../modules/local/samtools/stats/main'

// Lanes of a library in their order: first mates, second mates, single reads.
def laneFiles(meta, lanes) {
    def ordered = lanes.toSorted { lane -> lane[0] }
    def paired = ordered.findAll { _lane, _fastq_1, fastq_2 -> fastq_2 }
    def single = ordered.findAll { _lane, _fastq_1, fastq_2 -> !fastq_2 }
    return [meta, paired.collect { lane -> lane[1] }, paired.collect { lane -> lane[2] }, single.collect { lane -> lane[1] }]
}

workflow ALIGN_READS {
    take:
    ch_fastq            // channel: [ val(meta), path(fastq_1), path(fastq_2) or [] ], one per lane
    ch_bam              // channel: [ val(meta), path(bam) ], the user's alignments
    ch_index            // value channel: path(folder) of the HISAT2 index
    ch_splice_sites     // value channel: path(tsv)
    ch_fai              // value channel: path(fai)
    ch_gtf              // value channel: path(gtf)
    duplicates          // string: keep, mark or exclude
    code                // map: digest of each sub-command of ribolm-preprocess

    main:
    // a library is released as soon as its last lane is there
    ch_lanes = ch_fastq
        .map { meta, fastq_1, fastq_2 -> [groupKey(meta.subMap(['id']), meta.n_lanes), [meta.lane, fastq_1, fastq_2]] }
        .groupTuple()
        .map { key, lanes -> laneFiles(key.target, lanes) }
    HISAT2_ALIGN(ch_lanes, ch_index, ch_splice_sites, ch_fai)
    PREPROCESS_ALIGNMENTS(ch_bam, ch_fai, code.alignments)

    ch_sorted = HISAT2_ALIGN.out.bam.mix(PREPROCESS_ALIGNMENTS.out.bam)
    ch_duplicates = channel.empty()
    if (duplicates == 'keep') {
        ch_final = ch_sorted
    }
    else {
        SAMTOOLS_MARKDUP(ch_sorted)
        ch_final = SAMTOOLS_MARKDUP.out.bam
        ch_duplicates = SAMTOOLS_MARKDUP.out.stats
    }
    SAMTOOLS_STATS(ch_final)
    PREPROCESS_STRANDEDNESS(ch_final, ch_gtf, code.strandedness)

    ch_multiqc = HISAT2_ALIGN.out.summary
        .mix(SAMTOOLS_STATS.out.stats, SAMTOOLS_STATS.out.flagstat, SAMTOOLS_STATS.out.idxstats, ch_duplicates)
        .map { _meta, file -> file }
    ch_strandedness = PREPROCESS_STRANDEDNESS.out.json.map { _meta, json -> json }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    bam = ch_final
    strandedness = ch_strandedness
    multiqc = ch_multiqc

    emit:
    bam          // channel: [ val(meta), path(bam), path(bai) ]
    strandedness // channel: path(json)
    multiqc      // channel: path(file)
}
