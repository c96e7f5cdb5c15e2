//
// Backbones that steps fewshot and tokens ask for: model directories, or presets with random weights
//

include { contentOf } from './model_folders'

// Presets that see both sides of a base, and the causal ones with the tokens that they read at most (bin/ribolm/models/presets.py).
def encoderPresets() {
    return ['tiny', 'mini', 'small', 'base', '8m', '35m', '150m', '650m']
}

def causalPresets() {
    return [
        'hyena-tiny': 514,
        'hyenadna-tiny-1k': 1026,
        'hyenadna-tiny-1k-d256': 1026,
        'hyenadna-tiny-16k-d128': 16386,
        'hyenadna-small-32k': 32770,
        'hyenadna-medium-160k': 160002,
        'hyenadna-medium-450k': 450002,
        'hyenadna-large-1m': 1000002,
    ]
}

// Whether the weights of a directory are of HyenaDNA, the causal family.
def isCausal(folder) {
    return contentOf(folder, 'config.json').model_type == 'hyenadna'
}

// Model directories of step fewshot: those that --fewshot_models names, else the ones that the run starts from or applies.
def fewshotModels(settings) {
    def option = settings.fewshot_models ? '--fewshot_models' : '--init_model, --model'
    def names = settings.fewshot_models ? settings.fewshot_models.tokenize(',')*.trim() : [settings.init_model, settings.model].findAll { name -> name }
    def folders = names.unique().collect { name -> file(name) }
    folders.each { folder ->
        if (!folder.resolve('config.json').exists()) {
            error("${option}: ${folder} is no model directory (config.json, model.safetensors, vocab.json). Correct the path.")
        }
    }
    def clash = folders.countBy { folder -> folder.name }.find { _name, count -> count > 1 }
    if (clash) {
        error("${option}: two model directories are named '${clash.key}'. Rename one of them.")
    }
    return folders
}

// One backbone of step tokens, by the name of a preset or of a directory.
def tokenBackbone(option, name, presets, tokenizer) {
    if (name in presets) {
        return [preset: name, init: [], tokenizer: tokenizer]
    }
    def folder = file(name)
    if (!folder.resolve('config.json').exists()) {
        error("${option}: '${name}' is neither a model directory (config.json, model.safetensors, vocab.json) nor one of ${presets.join(', ')}. Correct it.")
    }
    def kind = contentOf(folder, 'vocab.json').kind
    if (!(kind in ['nucleotide', 'kmer', 'esm', 'hyena'])) {
        error("${option}: the tokens of ${name} are not one per nucleotide, so a site has no token. Give another model.")
    }
    return [preset: '', init: folder, tokenizer: kind]
}

// Both backbones of step tokens. Of a causal one, crops and tiles with the delay and [SEP] behind must fit.
def tokenBackbones(settings) {
    def given = settings.init_model && isCausal(file(settings.init_model)) ? settings.init_model : null
    if (given && !settings.token_causal) {
        log.info("--token_causal: the weights of --init_model, which are causal.")
    }
    def name = settings.token_causal ?: given ?: 'hyenadna-small-32k'
    def causal = tokenBackbone('--token_causal', name, causalPresets().keySet(), 'hyena') + [name: 'causal']
    def both_sides = tokenBackbone('--token_bidirectional', settings.token_bidirectional, encoderPresets(), settings.tokenizer == 'hyena' ? 'nucleotide' : settings.tokenizer) + [name: 'bidirectional']
    if (causal.init && !isCausal(causal.init)) {
        error("--token_causal: ${name} is not HyenaDNA, so it is not causal. Give it by --token_bidirectional.")
    }
    if (both_sides.init && isCausal(both_sides.init)) {
        error("--token_bidirectional: ${settings.token_bidirectional} is HyenaDNA, so it is causal. Give it by --token_causal.")
    }
    def reach = causal.init ? contentOf(causal.init, 'config.json').max_seq_len : causalPresets()[name]
    ['token_crop_nt', 'token_tile_nt'].each { option ->
        if (reach && settings[option] + settings.token_delay_nt + 1 > reach) {
            error("--${option} ${settings[option]} with --token_delay_nt ${settings.token_delay_nt} is more than the ${reach} tokens that ${name} reads. Make it at most ${reach - settings.token_delay_nt - 1}, or choose another --token_causal.")
        }
    }
    return [causal: causal, bidirectional: both_sides]
}
