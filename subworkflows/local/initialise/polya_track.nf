//
// Track polya: its steps, and what must be given for them
//

include { missingSteps } from './steps'

def polyaSteps() {
    return ['labels', 'finetune', 'evaluate', 'scan', 'explain', 'report']
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
    def missing = missingSteps(steps, [finetune: ['labels'], evaluate: ['labels'], explain: ['labels']], polyaSteps())
    if (missing.names) {
        error("--steps: ${missing.text}")
    }
    def lacking = ['gtf', 'sites'].findAll { name -> !settings[name] }
    if ('labels' in steps && !settings.input && lacking) {
        error("--${lacking.join(' and --')} ${lacking.size() == 1 ? 'is' : 'are'} missing. Step labels needs genes and known poly(A) sites of the genome.")
    }
    if ('explain' in steps && !('finetune' in steps) && !settings.model) {
        error("--model is missing. Step explain needs a model of windows; train one here with --steps labels,finetune,explain,report.")
    }
    if ('scan' in steps && !('finetune' in steps) && !settings.model) {
        error("--model is missing. Step scan needs a model of windows; train one here with --steps labels,finetune,scan,report.")
    }
    if (settings.model && settings.model.tokenize(',').size() > 1) {
        error("--model: track polya reads one model. Unite models of several seeds by ribolm-weights unite, and give the one.")
    }
}
