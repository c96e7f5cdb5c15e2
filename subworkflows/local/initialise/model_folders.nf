//
// Model directories: what they say of themselves, and those of track m6a, whose corpus is written so that they can read it
//

// No include here: a script that is included in two places runs its own includes twice under the strict parser of 25.04.

// Model directories of a comma-separated list.
def modelFolders(text) {
    return text.tokenize(',').collect { name ->
        def folder = file(name.trim())
        if (!folder.resolve('config.json').exists()) {
            error("--model: ${name.trim()} is no model directory (config.json, model.safetensors, task.json). Correct the path, or leave it out for the model that comes with ribolm.")
        }
        return folder
    }
}

// Content of a JSON file of a model directory, empty where there is none.
def contentOf(folder, name) {
    def path = folder.resolve(name)
    return path.exists() ? new groovy.json.JsonSlurper().parse(path) : [:]
}

// Models that the run applies without training them: those given, else, where nothing is fine-tuned, the one that comes
// with ribolm.
def m6aModels(settings, steps) {
    if (!steps.intersect(['predict', 'evaluate']) || ('finetune' in steps && !settings.model)) {
        return []
    }
    return modelFolders(settings.model ?: "${projectDir}/assets/models/m6a-sites-small".toString())
}

// What a model directory says of its tokens and windows; what it does not say is null.
def readingOf(folder) {
    def words = contentOf(folder, 'vocab.json')
    def task = contentOf(folder, 'task.json')
    if (words.kind && !(words.kind in ['nucleotide', 'kmer', 'esm', 'hyena', 'rna'])) {
        error("${folder.name}: its tokens (${words.kind}) are not one per nucleotide, so a site has no token. Give another model.")
    }
    return [tokenizer: words.kind, k: words.kind == 'kmer' ? words.k : null, mapping: words.mapping, window_nt: task.window_nt, overlap_nt: task.overlap_nt]
}

// A reading in words.
def readingText(reading, keys) {
    return keys.findAll { key -> reading[key] != null }.collect { key -> "${key == 'tokenizer' ? 'tokens' : key} ${reading[key]}" }.join(', ')
}

// Refuses models that no one corpus fits: `found` is [name, reading] of each.
def requireAgreement(found, keys) {
    def (first_name, first) = found[0]
    found.tail().each { name, reading ->
        if (reading.subMap(keys) != first.subMap(keys)) {
            error("Models: ${first_name} reads ${readingText(first, keys)}, ${name} reads ${readingText(reading, keys)}, and one corpus cannot serve both. Give models of one kind, or run them apart.")
        }
    }
}

// How the corpus is written: as the weights that the run starts from and the models that it asks read it, else as the
// parameters say. Models that are only applied also decide on windows, which those trained here take from the parameters.
def corpusReading(settings, steps) {
    def trains = steps.intersect(['pretrain', 'finetune'])
    def own = [tokenizer: settings.tokenizer ?: 'nucleotide', k: null, mapping: null, window_nt: settings.window_nt, overlap_nt: settings.overlap_nt]
    def weights = (trains && settings.init_model ? [file(settings.init_model)] : []) + ('evaluate' in steps ? m6aModels(settings, steps) : [])
    def found = weights.collect { folder -> [folder.name, readingOf(folder)] }.findAll { _name, reading -> reading.tokenizer }
    if (!('corpus' in steps) || !found) {
        return own
    }
    def keys = ['tokenizer', 'k', 'mapping'] + (trains ? [] : ['window_nt', 'overlap_nt'])
    requireAgreement(found, keys)
    def (name, reading) = found[0]
    if (settings.tokenizer && settings.tokenizer != reading.tokenizer) {
        error("--tokenizer ${settings.tokenizer}: ${name} reads tokens of ${reading.tokenizer}. Leave --tokenizer out, or give another model.")
    }
    return own + reading.subMap(keys).findAll { _key, value -> value != null } + [model: name]
}
