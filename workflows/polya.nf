//
// Poly(A): from genomes and known sites to models of windows and of tokens, and from models to a scan of whole genomes
//

include { EVALUATE_WINDOWS } from '../subworkflows/local/evaluate_windows/main'
include { EXPLAIN_SETS     } from '../subworkflows/local/explain_sets/main'
include { FEWSHOT_SETS     } from '../subworkflows/local/fewshot_sets/main'
include { FINETUNE_WINDOWS } from '../subworkflows/local/finetune_windows/main'
include { LABEL_WINDOWS    } from '../subworkflows/local/label_windows/main'
include { MODEL_TOKENS     } from '../subworkflows/local/model_tokens/main'
include { REPORT_TRAINING  } from '../modules/local/report/training/main'
include { SCAN_GENOME      } from '../subworkflows/local/scan_genome/main'

include { checkGenomes ; checkpointFolder ; givenGenomes } from '../subworkflows/local/initialise/given_files'
include { modelFolders } from '../subworkflows/local/initialise/model_folders'
include { fewshotModels ; tokenBackbones } from '../subworkflows/local/initialise/backbones'

workflow POLYA {
    take:
    settings            // map: parameters of the run
    steps               // list: steps to run
    code                // map of maps: digest of each sub-command

    main:
    ch_multiqc = channel.empty()
    ch_logs = channel.empty()
    def genomes = givenGenomes(settings)
    checkGenomes(settings, steps, genomes)
    def trains = 'finetune' in steps || 'tokens' in steps
    def checkpoints = checkpointFolder(settings.checkpoint_dir, trains)
    ch_genomes = channel.fromList(genomes)
    ch_annotated = channel.fromList(genomes.findAll { _meta, _fasta, gtf, sites -> gtf && sites })

    ch_sets = channel.empty()
    if ('labels' in steps) {
        LABEL_WINDOWS(ch_annotated, settings, code.labels)
        ch_sets = LABEL_WINDOWS.out.sets
        ch_multiqc = ch_multiqc.mix(LABEL_WINDOWS.out.multiqc)
    }
    if ('fewshot' in steps) {
        FEWSHOT_SETS(ch_sets, fewshotModels(settings), code)
        ch_multiqc = ch_multiqc.mix(FEWSHOT_SETS.out.multiqc)
    }

    // models: what a user gives, else those fine-tuned here, else (for a scan) the one that comes with ribolm
    def models = settings.model ? modelFolders(settings.model) : []
    def scans_by = models ?: 'finetune' in steps ? [] : [file("${projectDir}/assets/models/polya-small", checkIfExists: true)]
    def first_set = settings.polya_sets.tokenize(',')[0].trim()
    ch_fold_models = channel.empty()
    ch_scan_models = channel.fromList(genomes).map { meta, _fasta, _gtf, _sites -> [meta.id, scans_by ? scans_by[0] : []] }
    ch_scan_windows = channel.fromList(genomes).map { meta, _fasta, _gtf, _sites -> [meta.id, []] }
    if ('finetune' in steps) {
        FINETUNE_WINDOWS(
            ch_sets.map { meta, store, _windows, folds -> [meta, store, folds] },
            settings.init_model ? file(settings.init_model) : [],
            [control: settings.random_control && settings.init_model, whole: ('scan' in steps && !models) ? first_set : ''],
            'polya',
            checkpoints,
            settings,
            code.train,
        )
        ch_fold_models = FINETUNE_WINDOWS.out.model.filter { meta, _model -> meta.method != 'whole' }
        ch_logs = ch_logs.mix(FINETUNE_WINDOWS.out.logs)
        if (!models) {
            // the model of the first set scans the genome that the set is of
            ch_scan_models = FINETUNE_WINDOWS.out.model
                .filter { meta, _model -> meta.method == 'whole' && meta.set.endsWith(".${first_set}") }
                .map { meta, model -> [meta.set.take(meta.set.size() - first_set.size() - 1), model] }
            ch_scan_windows = ch_sets
                .filter { meta, _store, _windows, _folds -> meta.name == first_set }
                .map { meta, store, _windows, _folds -> [meta.genome, store] }
        }
    }
    if ('tokens' in steps) {
        MODEL_TOKENS(ch_annotated, tokenBackbones(settings), checkpoints, settings, code)
        ch_logs = ch_logs.mix(MODEL_TOKENS.out.logs)
        ch_multiqc = ch_multiqc.mix(MODEL_TOKENS.out.multiqc)
    }
    if (trains) {
        ch_sorted = ch_logs.toSortedList { first, second -> first[0] <=> second[0] }
        REPORT_TRAINING(ch_sorted.map { logs -> logs.collect { name, _lines -> name } }, ch_sorted.map { logs -> logs.collect { _name, lines -> lines } }, code.report.training)
        ch_multiqc = ch_multiqc.mix(REPORT_TRAINING.out.multiqc)
    }
    if ('scan' in steps) {
        SCAN_GENOME(ch_genomes, ch_scan_models, ch_scan_windows, settings.scan_regions ? file(settings.scan_regions, checkIfExists: true) : [], settings, code)
        ch_multiqc = ch_multiqc.mix(SCAN_GENOME.out.multiqc)
    }
    ch_given = ch_sets.flatMap { meta, _store, _windows, _folds ->
        models.collect { model -> [[id: "${meta.id}.${model.name}".toString(), set: meta.id, method: model.name, fold: '', seed: ''], model] }
    }
    if ('explain' in steps) {
        // of each set: given models on all windows, and one trained here on the fold that it has not seen
        ch_unseen = ch_fold_models.filter { meta, _model -> meta.method == 'finetuned' && meta.fold == 0 && meta.seed == settings.seed }
        EXPLAIN_SETS(ch_sets, ch_unseen.mix(ch_given), code)
        ch_multiqc = ch_multiqc.mix(EXPLAIN_SETS.out.multiqc)
    }
    if ('evaluate' in steps) {
        EVALUATE_WINDOWS(ch_sets, ch_fold_models.mix(ch_given), settings, code)
        ch_multiqc = ch_multiqc.mix(EVALUATE_WINDOWS.out.multiqc)
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    multiqc = ch_multiqc

    emit:
    multiqc // channel: path(file)
}
