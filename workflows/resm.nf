//
// RNA language models: from RNAs to a model of them, and from models to structures, embeddings and values
//

include { EMBED_RNAS          } from '../subworkflows/local/embed_rnas/main'
include { EVALUATE_PERPLEXITY } from '../modules/local/evaluate/perplexity/main'
include { EVALUATE_STRUCTURES } from '../subworkflows/local/evaluate_structures/main'
include { EVALUATE_VALUE_SETS } from '../subworkflows/local/evaluate_value_sets/main'
include { FINETUNE_STRUCTURES } from '../subworkflows/local/finetune_structures/main'
include { FINETUNE_VALUES     } from '../subworkflows/local/finetune_values/main'
include { JUDGE_BACKBONES     } from '../subworkflows/local/judge_backbones/main'
include { PREDICT_RNAS        } from '../subworkflows/local/predict_rnas/main'
include { PRETRAIN_RNAS       } from '../subworkflows/local/pretrain_rnas/main'
include { READ_CONTACTS       } from '../subworkflows/local/read_contacts/main'
include { READ_DATASETS       } from '../subworkflows/local/read_datasets/main'
include { REPORT_STRUCTURES   } from '../modules/local/report/structures/main'
include { REPORT_TRAINING     } from '../modules/local/report/training/main'
include { REPORT_ZEROSHOT     } from '../modules/local/report/zeroshot/main'

include { checkpointFolder    } from '../subworkflows/local/initialise/given_files'
include { backbonesBeside ; encoderInside ; givenRnaModels ; ownStructureModel ; rnaModel ; rnaTokenizer ; structureModels } from '../subworkflows/local/initialise/rna_models'

workflow RESM {
    take:
    settings            // map: parameters of the run
    steps               // list: steps to run
    code                // map of maps: digest of each sub-command

    main:
    ch_multiqc = channel.empty()
    ch_logs = channel.empty()
    ch_zeroshot = channel.empty()
    def trains = 'pretrain' in steps || 'finetune' in steps
    def checkpoints = checkpointFolder(settings.checkpoint_dir, trains)
    def start = settings.init_model ? rnaModel('--init_model', settings.init_model) : []
    def tokenizer = rnaTokenizer(settings, start)
    READ_DATASETS(file(settings.input, checkIfExists: true), steps, settings, code.preprocess)
    ch_structures = READ_DATASETS.out.structures
    ch_rnas = READ_DATASETS.out.predict

    // the backbone pretrained here, else the given one; where nothing is trained, the one inside the model of structures
    ch_backbone = channel.value(start)
    ch_corpora = channel.value([])
    ch_scored = READ_DATASETS.out.pretrain.filter { meta, _fasta -> meta.split == 'test' }
    if ('pretrain' in steps) {
        // what the model is asked about later is left out of what it learns from
        ch_evaluated = ch_structures
            .filter { meta, _dbn, _fasta -> meta.split == 'test' }
            .map { _meta, _dbn, fasta -> fasta }
            .mix(READ_DATASETS.out.families.map { _meta, families -> families })
            .mix(ch_scored.map { _meta, fasta -> fasta })
            .collect(sort: { path -> path.name })
            .ifEmpty([])
        PRETRAIN_RNAS(READ_DATASETS.out.pretrain.filter { meta, _fasta -> meta.split != 'test' }, ch_evaluated, start, tokenizer, checkpoints, settings, code)
        ch_backbone = PRETRAIN_RNAS.out.model
        ch_corpora = PRETRAIN_RNAS.out.store.map { store -> [store] }
        ch_logs = ch_logs.mix(PRETRAIN_RNAS.out.logs)
    }
    def inside = encoderInside(settings, steps)
    def own = 'pretrain' in steps ? 'pretrained' : start ? start.name : inside ? inside[0].name : null
    ch_language_models = ch_backbone.filter { backbone -> backbone }.mix(channel.fromList(backbonesBeside(settings, own)))
    ch_backbones = ch_language_models.mix(channel.fromList(inside)).collect(sort: { backbone -> backbone.name })
    if ('evaluate' in steps) {
        ch_masked = ch_scored.combine(ch_language_models).map { meta, fasta, model -> [[id: "${meta.sample}.${model.name}".toString(), sample: meta.sample, method: model.name], model, fasta] }
        EVALUATE_PERPLEXITY(ch_masked, code.evaluate.perplexity)
        ch_zeroshot = ch_zeroshot.mix(EVALUATE_PERPLEXITY.out.folder)
    }
    if ('embed' in steps) {
        EMBED_RNAS(ch_rnas, ch_backbones, code)
        ch_multiqc = ch_multiqc.mix(EMBED_RNAS.out.multiqc)
    }
    ch_contact_models = channel.value([])
    ch_fitted = channel.value([])
    if ('contacts' in steps) {
        READ_CONTACTS(ch_structures, ch_backbones, ch_rnas, code)
        ch_contact_models = READ_CONTACTS.out.models
        ch_fitted = ch_structures.filter { meta, _dbn, _fasta -> meta.split == 'train' }.map { _meta, dbn, _fasta -> dbn }.first()
        ch_zeroshot = ch_zeroshot.mix(READ_CONTACTS.out.folders)
    }
    if ('zeroshot' in steps) {
        JUDGE_BACKBONES(READ_DATASETS.out.families, READ_DATASETS.out.interactions, ch_backbones, ch_contact_models, ch_fitted, ch_corpora, code)
        ch_zeroshot = ch_zeroshot.mix(JUDGE_BACKBONES.out.folders)
    }

    // models of structures and of values: those fine-tuned here beside given ones
    def given = givenRnaModels(settings)
    ch_structure_models = channel.fromList(structureModels(settings, steps)).map { model -> [model.name, model] }
    ch_value_models = channel.fromList(given.value).map { model -> [model.name, model] }
    if ('finetune' in steps) {
        FINETUNE_STRUCTURES(ch_structures, ch_backbone, tokenizer, checkpoints, settings, code)
        FINETUNE_VALUES(READ_DATASETS.out.regression, ch_backbone, tokenizer, 'predict' in steps, checkpoints, settings, code)
        ch_trained = FINETUNE_STRUCTURES.out.model.map { meta, model -> [meta.method, model] }
        // where no structures are learnt from, the model that comes with ribolm answers
        ch_structure_models = ch_structure_models.mix(given.structure ? ch_trained : ch_trained.ifEmpty { [ownStructureModel().name, ownStructureModel()] })
        ch_value_models = ch_value_models.mix(FINETUNE_VALUES.out.model.filter { meta, _model -> meta.method == 'whole' }.map { meta, model -> [meta.set, model] })
        ch_logs = ch_logs.mix(FINETUNE_STRUCTURES.out.logs).mix(FINETUNE_VALUES.out.logs)
    }
    ch_predicted = channel.empty()
    if ('predict' in steps) {
        // a given model, else the one fine-tuned here, else the one that comes with ribolm; never the control
        def asked = given.structure ? given.structure[0].name : null
        ch_asked = ch_structure_models.filter { name, _model -> asked ? name == asked : name != 'random_start' }.map { _name, model -> model }
        PREDICT_RNAS(ch_rnas, ch_asked, ch_value_models, code.predict)
        ch_predicted = PREDICT_RNAS.out.structures
    }
    ch_tested = channel.empty()
    if ('evaluate' in steps) {
        EVALUATE_STRUCTURES(ch_structures, ch_structure_models, settings, code)
        ch_tested = EVALUATE_STRUCTURES.out.tested
    }
    if ('evaluate' in steps && 'finetune' in steps) {
        EVALUATE_VALUE_SETS(FINETUNE_VALUES.out.sets, FINETUNE_VALUES.out.model.filter { meta, _model -> meta.method != 'whole' }, settings, code)
        ch_multiqc = ch_multiqc.mix(EVALUATE_VALUE_SETS.out.multiqc)
    }
    if (steps.intersect(['predict', 'evaluate'])) {
        ch_found = ch_tested
            .toSortedList { first, second -> first[0] <=> second[0] }
            .map { sets -> [sets] }
            .combine(ch_predicted.toSortedList { first, second -> first[0].id <=> second[0].id }.map { rnas -> [rnas] })
            .filter { sets, rnas -> sets || rnas }
        REPORT_STRUCTURES(
            ch_found.map { sets, _rnas -> sets.collect { set -> set[0] } },
            ch_found.map { sets, _rnas -> sets.collect { set -> set[1] } },
            ch_found.map { sets, _rnas -> sets.collect { set -> set[2] } },
            ch_found.map { sets, _rnas -> sets.collect { set -> set[3] } },
            ch_found.map { _sets, rnas -> rnas.collect { set -> set[0].id } },
            ch_found.map { _sets, rnas -> rnas.collect { set -> set[1] } },
            ch_found.map { _sets, rnas -> rnas.collect { set -> set[2] } },
            code.report.structures,
        )
        ch_multiqc = ch_multiqc.mix(REPORT_STRUCTURES.out.multiqc)
    }
    REPORT_ZEROSHOT(ch_zeroshot.map { _meta, folder -> folder }.collect(sort: { folder -> folder.name }), code.report.zeroshot)
    ch_multiqc = ch_multiqc.mix(REPORT_ZEROSHOT.out.multiqc)
    if (trains) {
        ch_sorted = ch_logs.toSortedList { first, second -> first[0] <=> second[0] }.filter { logs -> logs }
        REPORT_TRAINING(ch_sorted.map { logs -> logs.collect { name, _lines -> name } }, ch_sorted.map { logs -> logs.collect { _name, lines -> lines } }, code.report.training)
        ch_multiqc = ch_multiqc.mix(REPORT_TRAINING.out.multiqc)
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    multiqc = ch_multiqc

    emit:
    multiqc // channel: path(file)
}
