//
// Adapters and low-quality ends, lane by lane
//

include { CUTADAPT } from '../../../modules/local/cutadapt/main'
include { FASTP    } from '../../../modules/local/fastp/main'

// A trimmed lane under the name of its library; file names end in _1 and _2.
def laneOf(meta, reads) {
    def mates = reads.toSorted { mate -> mate.name }
    return [[id: meta.library, n_lanes: meta.n_lanes, lane: meta.lane], mates[0], mates.size() > 1 ? mates[1] : []]
}

workflow TRIM_READS {
    take:
    ch_fastq            // channel: [ val(meta), path(fastq_1), path(fastq_2) or [] ]
    trimmer             // string: fastp or cutadapt

    main:
    // the tag and the files of a lane carry its number where there are several
    ch_lanes = ch_fastq.map { meta, fastq_1, fastq_2 ->
        def name = meta.n_lanes > 1 ? "${meta.id}_L${meta.lane}".toString() : meta.id
        return [meta + [id: name, library: meta.id], fastq_1, fastq_2]
    }
    ch_reads = channel.empty()
    ch_multiqc = channel.empty()
    if (trimmer == 'fastp') {
        FASTP(ch_lanes)
        ch_reads = FASTP.out.reads
        ch_multiqc = FASTP.out.json
    }
    else {
        CUTADAPT(ch_lanes)
        ch_reads = CUTADAPT.out.reads
        ch_multiqc = CUTADAPT.out.json
    }

    ch_trimmed = ch_reads.map { meta, reads -> laneOf(meta, [reads].flatten()) }
    ch_json = ch_multiqc.map { _meta, json -> json }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    fastq = ch_trimmed
    multiqc = ch_json

    emit:
    fastq   // channel: [ val(meta), path(fastq_1), path(fastq_2) or [] ]
    multiqc // channel: path(json)
}
