//
// Poly(A) sites base by base: crops around 3' ends to learn from, whole genes of unseen folds to be tested on, a causal
// backbone beside one that sees both sides of a base
//

include { EVALUATE_TOKENS                       } from '../../../modules/local/evaluate/tokens/main'
include { LABELS_POLYATOKENS                    } from '../../../modules/local/labels/polyatokens/main'
include { PREDICT_STORE                         } from '../../../modules/local/predict/store/main'
include { REPORT_TOKENS                         } from '../../../modules/local/report/tokens/main'
include { TRAIN_FINETUNE as TRAIN_BIDIRECTIONAL } from '../../../modules/local/train/finetune/main'
include { TRAIN_FINETUNE as TRAIN_CAUSAL        } from '../../../modules/local/train/finetune/main'

include { runsOf                                } from '../finetune/runs'

// Crops with the runs that learn from them: of the backbone's tokenizer, tested folds times seeds.
def tokenRuns(crops, backbone, settings) {
    return crops
        .filter { meta, _store, _folds -> meta.tokenizer == backbone.tokenizer }
        .flatMap { meta, store, folds ->
            runsOf("${meta.genome}.tokens".toString(), backbone.name, (0..<settings.token_folds).toList(), settings.seed, settings.seeds)
                .collect { run -> [run + [genome: meta.genome, tokenizer: meta.tokenizer], backbone.init, store, folds] }
        }
}

workflow MODEL_TOKENS {
    take:
    ch_genomes          // channel: [ val(meta), path(fasta), path(gtf), path(sites) ]
    backbones           // map: causal and bidirectional, each a map: name, preset, init (path or []), tokenizer
    checkpoints         // string: folder of all checkpoints
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    def kinds = [backbones.causal.tokenizer, backbones.bidirectional.tokenizer].unique()
    ch_asked = ch_genomes.flatMap { meta, fasta, gtf, sites ->
        kinds.collect { kind -> [[id: "${meta.id}.tokens.${kind}".toString(), genome: meta.id, tokenizer: kind], fasta, gtf, sites] }
    }
    LABELS_POLYATOKENS(ch_asked, settings.folds, settings.token_folds == 1 ? 0 : -1, code.labels.polya_tokens)
    ch_crops = LABELS_POLYATOKENS.out.crops
    TRAIN_CAUSAL(tokenRuns(ch_crops, backbones.causal, settings), 'polya', 'token', backbones.causal.preset, checkpoints, code.train.finetune)
    TRAIN_BIDIRECTIONAL(tokenRuns(ch_crops, backbones.bidirectional, settings), 'polya', 'token', backbones.bidirectional.preset, checkpoints, code.train.finetune)

    ch_genes = LABELS_POLYATOKENS.out.genes.map { meta, store, folds -> [[meta.genome, meta.tokenizer], store, folds] }
    ch_scored = TRAIN_CAUSAL.out.model
        .mix(TRAIN_BIDIRECTIONAL.out.model)
        .map { meta, model -> [[meta.genome, meta.tokenizer], meta, model] }
        .combine(ch_genes, by: 0)
        .multiMap { _key, meta, model, store, folds ->
            models: [meta, [model]]
            store: store
            folds: folds
        }
    PREDICT_STORE(ch_scored.models, ch_scored.store, ch_scored.folds, code.predict.store)

    // rows of all stores of a genome are the same bases: labels are read from one of them
    ch_scores = PREDICT_STORE.out.scores
        .map { meta, table -> [groupKey(meta.genome, (2 * settings.token_folds * settings.seeds).toInteger()), [meta, table]] }
        .groupTuple()
        .map { key, scores -> [key.target, scores.toSorted { first, second -> first[0].id <=> second[0].id }] }
    ch_joined = LABELS_POLYATOKENS.out.genes
        .filter { meta, _store, _folds -> meta.tokenizer == backbones.causal.tokenizer }
        .map { meta, store, _folds -> [meta.genome, store] }
        .join(ch_scores)
        .map { genome, store, scores ->
            def names = scores.collect { run, _table -> settings.seeds == 1 ? run.method : "${run.method}@${run.seed}".toString() }
            [[id: genome], store, names, scores.collect { _run, table -> table }]
        }
    EVALUATE_TOKENS(ch_joined, code.evaluate.tokens)
    REPORT_TOKENS(EVALUATE_TOKENS.out.folder.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }), code.report.tokens)
    ch_logs = TRAIN_CAUSAL.out.log.mix(TRAIN_BIDIRECTIONAL.out.log).map { meta, lines -> [meta.id, lines] }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    folder = EVALUATE_TOKENS.out.folder
    logs = ch_logs
    multiqc = REPORT_TOKENS.out.multiqc

    emit:
    folder  // channel: [ val(meta), path(folder) ], one for each genome
    logs    // channel: [ val(name), path(jsonl) ]
    multiqc // channel: path(file)
}
