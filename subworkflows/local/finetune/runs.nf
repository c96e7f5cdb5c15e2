//
// Which models are fine-tuned: folds times seeds, each of which never sees its fold, and what stands beside them. Kept
// apart from the subworkflows, because one that includes processes cannot itself be included twice (Nextflow 25.04).
//

// One map for each fold and seed of a method; seeds count up from the first. Of a named set the ids begin with its name.
def runsOf(set, method, folds, first_seed, n_seeds) {
    def prefix = set ? "${set}." : ''
    return folds.collectMany { fold ->
        (0..<n_seeds).collect { index ->
            def seed = first_seed + index
            def part = fold == 'none' ? 'all' : "fold${fold}"
            return [id: "${prefix}${method}.${part}.seed${seed}".toString(), set: set, method: method, fold: fold, seed: seed]
        }
    }
}

// All runs on one set. `also`: control (the preset from random weights as well), whole (name of the sets that get a model of
// all folds as well, '' or none for no set).
def finetuningRuns(set, also, settings) {
    def folds = (0..<settings.folds).toList()
    def tuned = runsOf(set, 'finetuned', folds, settings.seed, settings.seeds)
    def whole = (also.whole && set.endsWith(".${also.whole}")) ? runsOf(set, 'whole', ['none'], settings.seed, 1) : []
    def control = also.control ? runsOf(set, 'random_start', folds, settings.seed, settings.seeds) : []
    return tuned + whole + control
}

// What a run starts from: given weights, but the control never.
def startOf(run, init) {
    return run.method == 'random_start' ? [] : init
}
