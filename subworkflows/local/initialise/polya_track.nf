//
// Track polya: its steps, and what must be given for them
//

include { missingSteps } from './steps'
include { modelFolders } from './model_folders'

def polyaSteps() {
    return ['labels', 'fewshot', 'finetune', 'tokens', 'scan', 'explain', 'evaluate', 'report']
}

// Steps of a run that names none: a scan by the model that is given, or the one that comes with ribolm.
def usualPolyaSteps() {
    return ['scan', 'report']
}

// What must be given, and what cannot go together.
def checkPolya(settings, steps) {
    if (!settings.input && !settings.fasta) {
        error("--fasta is missing. Track polya needs a genome: --fasta, or --input with a sheet of genomes (sample,fasta,gtf,sites).")
    }
    if (settings.input && (settings.fasta || settings.gtf || settings.sites)) {
        error("--input names genomes in a sheet, and so do --fasta, --gtf and --sites. Give the one or the others.")
    }
    ['peaks', 'peer_scores'].each { name ->
        if (settings[name]) {
            error("--${name} says nothing to track polya. Leave it out.")
        }
    }
    def missing = missingSteps(steps, ['fewshot', 'finetune', 'explain', 'evaluate'].collectEntries { step -> [step, ['labels']] }, polyaSteps())
    if (missing.names) {
        error("--steps: ${missing.text}")
    }
    def lacking = ['gtf', 'sites'].findAll { name -> !settings[name] }
    def learns = ['labels', 'tokens'].find { step -> step in steps }
    if (learns && !settings.input && lacking) {
        error("--${lacking.join(' and --')} ${lacking.size() == 1 ? 'is' : 'are'} missing. Step ${learns} needs genes and known poly(A) sites of the genome.")
    }
    checkModels(settings, steps)
    if ('tokens' in steps && settings.token_folds > settings.folds) {
        error("--token_folds ${settings.token_folds} is more than --folds ${settings.folds}. Ask for as many at most.")
    }
}

// Steps that read a model need one.
def checkModels(settings, steps) {
    if ('fewshot' in steps && !(settings.fewshot_models || settings.init_model || settings.model)) {
        error("--init_model is missing. Step fewshot needs a backbone: give --init_model or --model, or several by --fewshot_models.")
    }
    def asks = ['explain', 'evaluate'].find { step -> step in steps }
    if (asks && !('finetune' in steps) && !settings.model) {
        error("--model is missing. Step ${asks} needs a model of windows; train one here with --steps labels,finetune,${asks},report.")
    }
    if (settings.model && settings.model.tokenize(',').size() > 1) {
        error("--model: track polya reads one model. Unite models of several seeds by ribolm-weights unite, and give the one.")
    }
    if (settings.model) {
        checkAnchor(settings, steps)
    }
}

// Models of windows are read here; and sets are centred on the cleavage site: a model of hexamers can scan, but not be
// asked about them.
def checkAnchor(settings, steps) {
    def task = modelFolders(settings.model)[0].resolve('task.json')
    def reads = steps.find { step -> step in ['scan', 'explain', 'evaluate'] }
    if (!reads || !task.exists()) {
        return
    }
    def found = new groovy.json.JsonSlurper().parse(task)
    if (found.level != 'sequence') {
        error("--model: ${settings.model} answers once per ${found.level}, step ${reads} needs a model of whole windows. Train one with --level sequence, or leave --model out.")
    }
    def asked = steps.find { step -> step in ['explain', 'evaluate'] }
    if (asked && found.anchor == 'hexamer') {
        error("--model: ${settings.model} reads windows around a hexamer, the sets of step ${asked} are centred on the site. Leave out step ${asked} (the scan is evaluated beside the regression), or give another model.")
    }
}
