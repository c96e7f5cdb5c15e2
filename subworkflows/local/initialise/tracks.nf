//
// The three tracks: what a run of each is when little is said, and what it refuses
//

include { chosenSteps                               } from './parameters'
include { checkM6a ; m6aSteps ; usualM6aSteps       } from './m6a_track'
include { checkPolya ; polyaSteps ; usualPolyaSteps } from './polya_track'
include { resmSteps ; usualResmSteps                } from './resm_steps'
include { checkResm                                 } from './resm_track'

// What a track is: its steps, those of a run that names none, its usual size of model and tokens.
def chosenTrack(settings) {
    if (settings.track == 'polya') {
        return [steps: polyaSteps(), usual: usualPolyaSteps(), preset: 'convolution-101', tokenizer: 'nucleotide']
    }
    if (settings.track == 'resm') {
        return [steps: resmSteps(), usual: usualResmSteps(settings), preset: 'small', tokenizer: null]
    }
    return [steps: m6aSteps(), usual: usualM6aSteps(settings), preset: 'small', tokenizer: null]
}

// Folders of models name results, and are words of the scripts that tasks run.
def checkModelNames(settings) {
    ['model', 'init_model', 'backbones', 'fewshot_models', 'token_causal', 'token_bidirectional'].each { option ->
        def names = (settings[option] ?: '').tokenize(',').collect { text -> file(text.trim()).name }
        def odd = names.find { name -> !(name ==~ /[A-Za-z0-9_][A-Za-z0-9_.-]*/) }
        if (odd) {
            error("--${option}: the folder name '${odd}' has other characters than letters, digits, _, - and . (the first: a letter, a digit or _). It names the results; rename the folder.")
        }
    }
}

// What must be given for the steps of a track, and what cannot go together.
def checkTrack(settings, steps) {
    checkModelNames(settings)
    if (settings.track != 'resm' && settings.input && !settings.input.endsWith('.csv')) {
        error("--input: ${settings.input} is no samplesheet (.csv). RNAs as FASTA are for --track resm.")
    }
    if (settings.track == 'polya') {
        checkPolya(settings, steps)
    }
    else if (settings.track == 'resm') {
        checkResm(settings, steps)
    }
    else {
        checkM6a(settings, steps)
    }
}

// The parameters of a run, with its track's usual ones for those that were not given.
def settingsOf(given) {
    def track = chosenTrack(given)
    return given + [preset: given.preset ?: track.preset, tokenizer: given.tokenizer ?: track.tokenizer]
}

// The steps of a run, in the order of its track. What is missing for them, or does not fit them, ends the run here.
def stepsOf(settings) {
    def track = chosenTrack(settings)
    def steps = chosenSteps(settings.steps ?: track.usual.join(','), track.steps)
    checkTrack(settings, steps)
    return steps
}
