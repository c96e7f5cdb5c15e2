//
// Windows around known poly(A) sites and negatives, and their folds: as many sets as the run asks for
//

include { LABELS_FOLDS } from '../../../modules/local/labels/folds/main'
include { LABELS_POLYA } from '../../../modules/local/labels/polya/main'

workflow LABEL_WINDOWS {
    take:
    ch_genomes          // channel: [ val(meta), path(fasta), path(gtf), path(sites) ]
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-labels

    main:
    def names = settings.polya_sets.tokenize(',')*.trim()
    LABELS_POLYA(ch_genomes, code.polya)
    ch_sets = LABELS_POLYA.out.sets.flatMap { meta, folder ->
        names.collect { name -> [[id: "${meta.id}.${name}".toString(), genome: meta.id, name: name], folder.resolve("${name}/store"), folder.resolve("${name}/windows.fa.gz")] }
    }
    LABELS_FOLDS(ch_sets.map { meta, store, _windows -> [meta, store] }, settings.split_by, settings.folds, settings.seed, code.folds)

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    sets = ch_sets.join(LABELS_FOLDS.out.tsv, failOnMismatch: true)
    sites = LABELS_POLYA.out.sites
    multiqc = LABELS_POLYA.out.multiqc

    emit:
    sets    // channel: [ val(meta), path(token store), path(windows.fa.gz), path(folds tsv) ]; meta: id, genome, name
    sites   // channel: [ val(meta), path(bed.gz) ]
    multiqc // channel: path(file)
}
