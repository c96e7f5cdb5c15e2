//
// Real inputs for the tests of single processes: what the steps before them make of the simulated data in tests/data.
// Each workflow hands on the outputs of the one that it builds on.
//

include { HISAT2_ALIGN          } from '../modules/local/hisat2/align/main'
include { HISAT2_BUILD          } from '../modules/local/hisat2/build/main'
include { HISAT2_SPLICESITES    } from '../modules/local/hisat2/splicesites/main'
include { LABELS_FOLDS          } from '../modules/local/labels/folds/main'
include { LABELS_POLYA          } from '../modules/local/labels/polya/main'
include { LABELS_POLYATOKENS    } from '../modules/local/labels/polyatokens/main'
include { LABELS_STRUCTURES     } from '../modules/local/labels/structures/main'
include { LABELS_VALUES         } from '../modules/local/labels/values/main'
include { LABEL_SITES           } from '../subworkflows/local/label_sites/main'
include { PEAKS_CALL            } from '../modules/local/peaks/call/main'
include { PREDICT_CANDIDATES    } from '../modules/local/predict/candidates/main'
include { PREDICT_FOLDING       } from '../modules/local/predict/folding/main'
include { PREDICT_SCAN          } from '../modules/local/predict/scan/main'
include { PREDICT_SEQUENCES     } from '../modules/local/predict/sequences/main'
include { PREDICT_SITES         } from '../modules/local/predict/sites/main'
include { PREDICT_STORE         } from '../modules/local/predict/store/main'
include { PREPROCESS_GENOME     } from '../modules/local/preprocess/genome/main'
include { PREPROCESS_STRUCTURES } from '../modules/local/preprocess/structures/main'
include { TOKENIZE_PEAKS        } from '../modules/local/tokenize/peaks/main'
include { TOKENIZE_RNA          } from '../modules/local/tokenize/rna/main'
include { TRAIN_CONTACTS        } from '../modules/local/train/contacts/main'
include { TRAIN_FINETUNE        } from '../modules/local/train/finetune/main'
include { TRAIN_PRETRAIN        } from '../modules/local/train/pretrain/main'

// A file of the simulated experiment.
def simulated(name) {
    return file("${projectDir}/tests/data/m6a/${name}", checkIfExists: true)
}

// A file of the simulated genome with poly(A) sites.
def simulatedPolya(name) {
    return file("${projectDir}/tests/data/polya/${name}", checkIfExists: true)
}

// A file of the simulated RNAs.
def simulatedRna(name) {
    return file("${projectDir}/tests/data/resm/${name}", checkIfExists: true)
}

// IP and input of the first replicate, as one unit of peak calling.
def firstPair() {
    return [id: 'control', group: 'control', replicate: '', ip: ['control_1_ip'], input: ['control_1_input'], strandedness: [:]]
}

workflow SIMULATED_GENOME {
    main:
    PREPROCESS_GENOME(simulated('genome.fa.gz'), simulated('genes.gtf.gz'), [], [], 'code')
    fasta = PREPROCESS_GENOME.out.fasta
    fai = PREPROCESS_GENOME.out.fai
    gtf = PREPROCESS_GENOME.out.gtf
    chrom_sizes = PREPROCESS_GENOME.out.chrom_sizes

    emit:
    fasta       // value channel: path(fasta)
    fai         // value channel: path(fai)
    gtf         // value channel: path(gtf)
    chrom_sizes // value channel: path(tsv)
}

workflow SIMULATED_ALIGNMENTS {
    main:
    SIMULATED_GENOME()
    fasta = SIMULATED_GENOME.out.fasta
    fai = SIMULATED_GENOME.out.fai
    gtf = SIMULATED_GENOME.out.gtf
    chrom_sizes = SIMULATED_GENOME.out.chrom_sizes
    HISAT2_BUILD(fasta)
    HISAT2_SPLICESITES(gtf)
    ch_reads = channel.of('control_1.input', 'control_1.ip').map { name ->
        [[id: name.replace('.', '_')], [simulated("fastq/${name}_1.fastq.gz")], [simulated("fastq/${name}_2.fastq.gz")], []]
    }
    HISAT2_ALIGN(ch_reads, HISAT2_BUILD.out.index, HISAT2_SPLICESITES.out.splice_sites, fai)
    index = HISAT2_BUILD.out.index
    splice_sites = HISAT2_SPLICESITES.out.splice_sites
    bam = HISAT2_ALIGN.out.bam
    unit = bam
        .toSortedList { first, second -> first[0].id <=> second[0].id }
        .map { bams -> [firstPair(), bams.collect { _meta, file, _bai -> file }, bams.collect { _meta, _file, bai -> bai }] }

    emit:
    fasta
    fai
    gtf
    chrom_sizes
    index        // value channel: path(folder)
    splice_sites // value channel: path(tsv)
    bam          // channel: [ val(meta), path(bam), path(bai) ], IP and input
    unit         // channel: [ val(unit), [ path(bam) ], [ path(bai) ] ]
}

workflow SIMULATED_PEAKS {
    main:
    SIMULATED_ALIGNMENTS()
    fasta = SIMULATED_ALIGNMENTS.out.fasta
    fai = SIMULATED_ALIGNMENTS.out.fai
    gtf = SIMULATED_ALIGNMENTS.out.gtf
    chrom_sizes = SIMULATED_ALIGNMENTS.out.chrom_sizes
    unit = SIMULATED_ALIGNMENTS.out.unit
    PEAKS_CALL(unit, gtf, fasta, fai, [], true, 'code')
    bed = PEAKS_CALL.out.bed.map { _unit, file -> file }
    tsv = PEAKS_CALL.out.tsv.map { _unit, file -> file }
    bins = PEAKS_CALL.out.bins.map { _unit, file -> file }
    summary = PEAKS_CALL.out.summary.map { _unit, file -> file }

    emit:
    fasta
    fai
    gtf
    chrom_sizes
    unit
    bed     // channel: path(bed)
    tsv     // channel: path(tsv)
    bins    // channel: path(parquet)
    summary // channel: path(json)
}

workflow SIMULATED_CORPUS {
    main:
    SIMULATED_GENOME()
    fasta = SIMULATED_GENOME.out.fasta
    fai = SIMULATED_GENOME.out.fai
    gtf = SIMULATED_GENOME.out.gtf
    TOKENIZE_PEAKS([simulated('truth/regions.bed')], [tokenizer: 'nucleotide', k: null, mapping: null, window_nt: 510, overlap_nt: 128], fasta, fai, gtf, 'code')
    store = TOKENIZE_PEAKS.out.store

    emit:
    fasta
    fai
    gtf
    store // value channel: path(token store)
}

workflow SIMULATED_LABELS {
    main:
    SIMULATED_CORPUS()
    fasta = SIMULATED_CORPUS.out.fasta
    fai = SIMULATED_CORPUS.out.fai
    gtf = SIMULATED_CORPUS.out.gtf
    store = SIMULATED_CORPUS.out.store
    LABEL_SITES(
        simulated('evidence/sites.csv'),
        store,
        fasta,
        fai,
        'm6a',
        [chain: null, family_map: null, sites_technique: null, split_by: 'gene', folds: 3, seed: 1],
        [sites: 'code', tokens: 'code', folds: 'code'],
    )
    sites = LABEL_SITES.out.sites
    labelled = LABEL_SITES.out.store
    folds = LABEL_SITES.out.folds

    emit:
    fasta
    fai
    gtf
    store
    sites    // value channel: path(bed)
    labelled // value channel: path(token store with labels)
    folds    // value channel: path(tsv)
}

workflow SIMULATED_SCORES {
    main:
    SIMULATED_LABELS()
    fasta = SIMULATED_LABELS.out.fasta
    fai = SIMULATED_LABELS.out.fai
    gtf = SIMULATED_LABELS.out.gtf
    store = SIMULATED_LABELS.out.store
    labelled = SIMULATED_LABELS.out.labelled
    folds = SIMULATED_LABELS.out.folds
    ch_runs = channel.of(0, 1, 2).map { fold -> [[id: "fold${fold}".toString(), method: 'finetuned', fold: fold, seed: 1], []] }.combine(labelled).combine(folds)
    TRAIN_FINETUNE(ch_runs, 'm6a', 'token', 'tiny', "${workflow.workDir}/checkpoints", 'code')
    model = TRAIN_FINETUNE.out.model
    log_lines = TRAIN_FINETUNE.out.log.map { _meta, file -> file }
    PREDICT_STORE(model.map { meta, folder -> [meta, [folder]] }, labelled, folds, 'code')
    scores = PREDICT_STORE.out.scores.toSortedList { first, second -> first[0].id <=> second[0].id }

    emit:
    fasta
    fai
    gtf
    store
    labelled
    folds
    model     // channel: [ val(meta), path(model directory) ], one for each fold
    log_lines // channel: path(jsonl)
    scores    // channel: [ [ val(meta), path(parquet) ] ], in the order of the folds
}

workflow SIMULATED_SITES {
    main:
    SIMULATED_GENOME()
    ch_chunks = channel.fromList(simulated('truth/regions.bed').readLines().take(20))
        .collectFile { line -> [line.hashCode() % 2 ? 'peaks.1.bed' : 'peaks.2.bed', line + '\n'] }
        .map { bed -> [[id: 'control'], bed] }
    model = file("${projectDir}/assets/models/m6a-sites-small", checkIfExists: true)
    PREDICT_SITES(ch_chunks, [model], SIMULATED_GENOME.out.fasta, SIMULATED_GENOME.out.fai, SIMULATED_GENOME.out.gtf, 'code')
    table = PREDICT_SITES.out.table.groupTuple()

    emit:
    table // channel: [ val(meta), [ path(parquet) ] ], of two chunks of peaks
}

workflow SIMULATED_WINDOWS {
    main:
    ch_genome = channel.of([[id: 'simulated'], simulatedPolya('genome.fa.gz')])
    LABELS_POLYA(ch_genome.map { meta, fasta -> [meta, fasta, simulatedPolya('genes.gtf.gz'), simulatedPolya('sites.polyasite.bed')] }, 'code')
    store = LABELS_POLYA.out.sets.map { _meta, folder -> folder.resolve('gene/store') }
    windows = LABELS_POLYA.out.sets.map { _meta, folder -> folder.resolve('gene/windows.fa.gz') }
    LABELS_FOLDS(store.map { folder -> [[id: 'gene'], folder] }, 'gene', 3, 1, 'code')
    folds = LABELS_FOLDS.out.tsv.map { _meta, table -> table }
    ch_run = store.combine(folds).map { folder, table -> [[id: 'fold0', set: 'gene', method: 'finetuned', fold: 0, seed: 1], [], folder, table] }
    TRAIN_FINETUNE(ch_run, 'polya', 'sequence', 'convolution-101', "${workflow.workDir}/checkpoints", 'code')
    model = TRAIN_FINETUNE.out.model.map { _meta, folder -> folder }
    PREDICT_SEQUENCES(TRAIN_FINETUNE.out.model.combine(windows).combine(folds), 'code')
    scores = PREDICT_SEQUENCES.out.scores.map { _meta, table -> table }
    PREDICT_CANDIDATES(ch_genome, simulatedPolya('scan.bed'), 1000, 'code')
    candidates = PREDICT_CANDIDATES.out.chunks.map { _meta, chunks -> chunks.min { chunk -> chunk.name } }
    PREDICT_SCAN(candidates.combine(model).map { bed, folder -> [[id: 'simulated', n_chunks: 1], bed, simulatedPolya('genome.fa.gz'), folder] }, 'code')
    scored = PREDICT_SCAN.out.scored.map { _meta, table -> table }

    emit:
    store      // channel: path(token store with labels)
    windows    // channel: path(fasta)
    folds      // channel: path(tsv)
    model      // channel: path(model directory), trained without fold 0
    scores     // channel: path(tsv), of fold 0
    candidates // channel: path(bed), a thousand
    scored     // channel: path(parquet), of those
}

workflow SIMULATED_TOKENS {
    main:
    def meta = [id: 'simulated.tokens.hyena', genome: 'simulated', tokenizer: 'hyena']
    LABELS_POLYATOKENS([meta, simulatedPolya('genome.fa.gz'), simulatedPolya('genes.gtf.gz'), simulatedPolya('sites.polyasite.bed')], 3, 0, 'code')
    ch_run = LABELS_POLYATOKENS.out.crops.map { _meta, store, folds -> [[id: 'causal.fold0', set: 'simulated', method: 'causal', fold: 0, seed: 1], [], store, folds] }
    TRAIN_FINETUNE(ch_run, 'polya', 'token', 'hyena-tiny', "${workflow.workDir}/checkpoints", 'code')
    genes = LABELS_POLYATOKENS.out.genes.map { _meta, store, _folds -> store }
    PREDICT_STORE(TRAIN_FINETUNE.out.model.map { run, folder -> [run, [folder]] }, genes, LABELS_POLYATOKENS.out.genes.map { _meta, _store, folds -> folds }, 'code')
    scores = PREDICT_STORE.out.scores.map { _meta, table -> table }

    emit:
    genes  // channel: path(token store of whole genes with labels)
    scores // channel: path(parquet), of fold 0
}

workflow SIMULATED_RNAS {
    main:
    TOKENIZE_RNA([simulatedRna('rnas.train.fa.gz')], [simulatedRna('rnas.test.fa.gz')], 'rna', 'code')
    store = TOKENIZE_RNA.out.store
    TRAIN_PRETRAIN(store, [], 'tiny', 1, "${workflow.workDir}/checkpoints", 'code')
    model = TRAIN_PRETRAIN.out.model

    emit:
    store // value channel: path(token store)
    model // value channel: path(model directory)
}

workflow SIMULATED_CONTACTS {
    main:
    SIMULATED_RNAS()
    ch_asked = SIMULATED_RNAS.out.model.map { folder -> [[id: 'pretrained.contacts', method: 'pretrained'], folder, simulatedRna('structures.train.dbn')] }
    TRAIN_CONTACTS(ch_asked, 'code')
    model = TRAIN_CONTACTS.out.model.map { _meta, folder -> folder }

    emit:
    model // channel: path(model directory with a contact head)
}

workflow SIMULATED_STRUCTURES {
    main:
    ch_sets = channel.of('train', 'validation').map { split -> [[id: "known.${split}".toString(), split: split], simulatedRna("structures.${split}.dbn")] }
    LABELS_STRUCTURES(ch_sets, [], 'rna', 'code')
    train = LABELS_STRUCTURES.out.store.filter { meta, _folder -> meta.split == 'train' }.map { _meta, folder -> folder }
    validation = LABELS_STRUCTURES.out.store.filter { meta, _folder -> meta.split == 'validation' }.map { _meta, folder -> folder }

    emit:
    train      // channel: path(token store with labels)
    validation // channel: path(token store with labels)
}

workflow SIMULATED_FOLDED {
    main:
    PREPROCESS_STRUCTURES([[id: 'known.test', split: 'test', format: '', most: ''], simulatedRna('structures.test.dbn')], 'code')
    PREDICT_FOLDING(PREPROCESS_STRUCTURES.out.fasta.map { _meta, fasta -> [[id: 'RNAfold_MFE', folding: 'mfe'], fasta] }, 'code')
    dbn = PREDICT_FOLDING.out.dbn.map { _meta, structures -> structures }

    emit:
    dbn // channel: path(dbn), of the tested RNAs
}

workflow SIMULATED_VALUES {
    main:
    def meta = [id: 'load', format: 'table', sequence: '', value: 'load', group: 'gene', transform: '']
    LABELS_VALUES([meta, simulatedRna('load.csv')], 'rna', 'code')
    store = LABELS_VALUES.out.set.map { _meta, folder, _fasta -> folder }
    LABELS_FOLDS(LABELS_VALUES.out.set.map { set, folder, _fasta -> [set, folder] }, 'gene', 5, 1, 'code')
    folds = LABELS_FOLDS.out.tsv.map { _meta, table -> table }
    ch_run = store.combine(folds).map { folder, table -> [[id: 'load.finetuned', set: 'load', method: 'finetuned', fold: 0, seed: 1], [], folder, table] }
    TRAIN_FINETUNE(ch_run, 'load', 'regression', 'tiny', "${workflow.workDir}/checkpoints", 'code')
    PREDICT_SEQUENCES(TRAIN_FINETUNE.out.model.combine(LABELS_VALUES.out.set.map { _meta, _folder, fasta -> fasta }).combine(folds), 'code')
    scores = PREDICT_SEQUENCES.out.scores.map { _meta, table -> table }

    emit:
    store  // channel: path(token store with labels)
    folds  // channel: path(tsv)
    scores // channel: path(tsv), of fold 0
}
