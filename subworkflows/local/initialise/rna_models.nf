//
// Models of track resm: those given, those that come with ribolm, and the tokens that they read
//

include { contentOf } from './model_folders'

// The models that come with ribolm, by what they answer: the one place that names them.
def defaultRnaModels() {
    return [structure: "${projectDir}/assets/models/rna-structure-small", value: "${projectDir}/assets/models/ribosome-load-small"]
}

// A model directory that an option names.
def rnaModel(option, name) {
    def folder = file(name)
    if (!folder.resolve('config.json').exists()) {
        error("${option}: ${name} is no model directory (config.json, model.safetensors, vocab.json). Correct the path.")
    }
    return folder
}

// Models of a comma-separated list, each under a name of its own.
def rnaModelList(option, text) {
    def folders = (text ?: '').tokenize(',').collect { name -> rnaModel(option, name.trim()) }
    def clash = folders.countBy { folder -> folder.name }.find { _name, count -> count > 1 }
    if (clash) {
        error("${option}: two model directories are named '${clash.key}'. Rename one of them.")
    }
    return folders
}

// Models of --backbones. They are told apart by name from the one beside them: pretrained here, given, or inside another.
def backbonesBeside(settings, own) {
    def folders = rnaModelList('--backbones', settings.backbones)
    if (folders.any { folder -> folder.name == own }) {
        error("--backbones: '${own}' is also the name of the model that this run asks beside them. Rename the folder.")
    }
    return folders
}

// Models of --model by what they answer: structures or values.
def givenRnaModels(settings) {
    def folders = rnaModelList('--model', settings.model)
    def found = folders.groupBy { folder -> answerOf(folder) }
    found.each { kind, some ->
        if (kind == 'structure' && some.size() > 1) {
            error("--model: ${some*.name.join(' and ')} are both models of structures. Give one per run.")
        }
    }
    return [structure: found.structure ?: [], value: found.value ?: []]
}

def answerOf(folder) {
    def task = contentOf(folder, 'task.json')
    if (task.level == 'regression') {
        return 'value'
    }
    if (task.level == 'structure') {
        return 'structure'
    }
    error("--model: ${folder} answers neither with structures nor with values (task.json). Train one with step finetune.")
}

// Models that predict structures without training in this run: the given one, else the one that comes with ribolm.
def structureModels(settings, steps) {
    def given = givenRnaModels(settings).structure
    if (given || 'finetune' in steps || !steps.intersect(['embed', 'contacts', 'zeroshot', 'predict', 'evaluate'])) {
        return given
    }
    return [ownStructureModel()]
}

// The model of structures that comes with ribolm.
def ownStructureModel() {
    def own = file(defaultRnaModels().structure)
    if (!own.resolve('config.json').exists()) {
        error("--model is missing, and the model that comes with ribolm is not there: ${own}. Give a model of structures by --model.")
    }
    return own
}

// The encoder inside the model of structures, for steps that ask a backbone where none is given or pretrained.
def encoderInside(settings, steps) {
    def asks = steps.find { step -> step in ['embed', 'contacts', 'zeroshot'] }
    if (!asks || settings.init_model || 'pretrain' in steps) {
        return []
    }
    def models = structureModels(settings, steps - ['finetune'])
    log.info("Step ${asks} asks the encoder of ${models[0].name}, the model of structures. Another one: --init_model, or step pretrain.")
    return models
}

// Tokenizer of stores made in this run: that of the weights it starts from, else --tokenizer, else letters of RNA.
def rnaTokenizer(settings, backbone) {
    def kind = backbone ? contentOf(backbone, 'vocab.json').kind : null
    if (kind && settings.tokenizer && settings.tokenizer != kind) {
        error("--tokenizer ${settings.tokenizer}: ${backbone.name} reads tokens of ${kind}. Leave --tokenizer out.")
    }
    return kind ?: settings.tokenizer ?: 'rna'
}
