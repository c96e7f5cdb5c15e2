//
// Track resm: its steps, and what must be given for them
//

def isFasta(name) {
    return name.toLowerCase() ==~ /.*\.(fa|fna|fasta)(\.gz)?/
}

// What must be given, and what cannot go together.
def checkResm(settings, steps) {
    if (!settings.input) {
        error("--input is missing. Track resm needs RNAs: --input with a FASTA, or with a sheet of data sets (sample,task,split,path).")
    }
    ['fasta', 'gtf', 'peaks', 'sites', 'peer_scores'].each { name ->
        if (settings[name]) {
            error("--${name} says nothing to track resm, which reads RNAs by --input. Leave it out.")
        }
    }
    if (settings.split_by != 'gene') {
        error("--split_by ${settings.split_by} says nothing to track resm, whose folds keep the groups of column 'group' together. Leave it out.")
    }
    if (isFasta(settings.input)) {
        def more = steps.intersect(['contacts', 'zeroshot', 'finetune', 'evaluate'])
        if (more) {
            error("--steps: ${more.join(', ')} ${more.size() == 1 ? 'needs' : 'need'} data sets beside ${file(settings.input).name}. Give a sheet by --input (sample,task,split,path).")
        }
    }
    else if (!(settings.input.toLowerCase() ==~ /.*\.(csv|tsv|txt)/)) {
        error("--input: ${settings.input} is neither a FASTA (.fa, .fna, .fasta, also .gz) nor a sheet (.csv). Correct it.")
    }
    if (settings.value_folds > settings.folds) {
        error("--value_folds ${settings.value_folds} is more than --folds ${settings.folds}. Ask for as many at most.")
    }
}

// Rows of a task, and of a split where one is given.
def ofTask(rows, task, split = null) {
    return rows.findAll { row -> row.task == task && (split == null || row.split == split) }
}

// Whether the run has a language model, whose perplexity can be measured.
def asksLanguageModel(settings, steps) {
    return 'pretrain' in steps || settings.init_model || settings.backbones
}

// What each step needs of the sheet: a test, and the words for what is missing.
def neededRows(rows, steps, settings) {
    def known = ofTask(rows, 'structure', 'train') && ofTask(rows, 'structure', 'validation')
    def tested = ofTask(rows, 'structure', 'test') || ('finetune' in steps && ofTask(rows, 'regression'))
    return [
        pretrain: [ofTask(rows, 'pretrain', 'train'), 'a row of task pretrain (FASTA)'],
        embed: [ofTask(rows, 'predict'), 'a row of task predict (FASTA)'],
        contacts: [known, 'rows of task structure with split train and validation, which its regression is fitted on'],
        zeroshot: [ofTask(rows, 'families') || ofTask(rows, 'interactions'), 'a row of task families or interactions'],
        finetune: [known || ofTask(rows, 'regression'), 'rows of task structure with split train and validation, or of task regression'],
        predict: [ofTask(rows, 'predict'), 'a row of task predict (FASTA)'],
        evaluate: [
            tested || (asksLanguageModel(settings, steps) && ofTask(rows, 'pretrain', 'test')),
            'rows of task structure with split test, of task regression in a run that fine-tunes, or of task pretrain with split test in a run with a language model (step pretrain, --init_model or --backbones)',
        ],
    ]
}

// One sentence for each step that finds nothing in the sheet.
def sheetProblems(sheet, rows, steps, settings) {
    def needed = neededRows(rows, steps, settings)
    return steps.findAll { step -> needed[step] && !needed[step][0] }.collect { step ->
        "${sheet.name}: step ${step} needs ${needed[step][1]}. Add it, or leave ${step} out of --steps."
    }
}

// What rows stay unused in silence otherwise.
def sheetNotices(rows, steps, settings) {
    def unasked = 'evaluate' in steps && ofTask(rows, 'pretrain', 'test') && !asksLanguageModel(settings, steps)
    return unasked ? ['Perplexity is not measured: the run has no language model. Give one by step pretrain, --init_model or --backbones.'] : []
}
