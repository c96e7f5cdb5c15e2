//
// The reference: genome, genes, spike-ins checked against each other, and what the aligner needs
//

include { HISAT2_BUILD       } from '../../../modules/local/hisat2/build/main'
include { HISAT2_CONTIGS     } from '../../../modules/local/hisat2/contigs/main'
include { HISAT2_SPLICESITES } from '../../../modules/local/hisat2/splicesites/main'
include { PREPROCESS_GENOME  } from '../../../modules/local/preprocess/genome/main'

workflow PREPARE_GENOME {
    take:
    given_fasta         // path: genome
    given_gtf           // path: genes
    spikein_fasta       // path or []: spike-in sequences
    peaks               // list: the user's own peaks, which must lie on the genome
    given_index         // path or []: folder of a prebuilt HISAT2 index
    with_index          // boolean: the run aligns
    code                // map: digest of each sub-command of ribolm-preprocess

    main:
    PREPROCESS_GENOME(given_fasta, given_gtf, spikein_fasta, peaks, code.genome)

    ch_index = channel.empty()
    ch_splice_sites = channel.empty()
    if (with_index) {
        if (given_index) {
            HISAT2_CONTIGS(given_index, PREPROCESS_GENOME.out.fai)
            // the user's own folder, which containers mount; a task's link to it they would not
            ch_index = HISAT2_CONTIGS.out.contigs.map { _contigs -> given_index }
        }
        else {
            HISAT2_BUILD(PREPROCESS_GENOME.out.fasta)
            ch_index = HISAT2_BUILD.out.index
        }
        HISAT2_SPLICESITES(PREPROCESS_GENOME.out.gtf)
        ch_splice_sites = HISAT2_SPLICESITES.out.splice_sites
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    fasta = PREPROCESS_GENOME.out.fasta
    fai = PREPROCESS_GENOME.out.fai
    chrom_sizes = PREPROCESS_GENOME.out.chrom_sizes
    gtf = PREPROCESS_GENOME.out.gtf
    spikein_contigs = PREPROCESS_GENOME.out.spikein_contigs
    json = PREPROCESS_GENOME.out.json
    index = ch_index
    splice_sites = ch_splice_sites

    emit:
    fasta           // value channel: path(fasta)
    fai             // value channel: path(fai)
    chrom_sizes     // value channel: path(tsv)
    gtf             // value channel: path(gtf)
    spikein_contigs // value channel: path(txt)
    json            // value channel: path(json)
    index           // value channel: path(folder), empty without alignment
    splice_sites    // value channel: path(tsv), empty without alignment
}
