//
// Track resm: which steps there are, and which of them a run without --steps takes
//

include { isFasta   } from './resm_track'
include { sheetRows } from './given_files'

def resmSteps() {
    return ['pretrain', 'embed', 'contacts', 'zeroshot', 'finetune', 'predict', 'evaluate', 'report']
}

// Steps of a run that names none: what its files suffice for, training excepted. A sheet that cannot be read here is told
// of by the command that checks it.
def usualResmSteps(settings) {
    if (!settings.input || isFasta(settings.input)) {
        return ['embed', 'predict', 'report']
    }
    def tasks = sheetRows(file(settings.input)).collect { row -> row.task?.toLowerCase() }
    def steps = ['embed', 'predict'].findAll { _step -> 'predict' in tasks }
    steps += tasks.intersect(['families', 'interactions']) ? ['zeroshot'] : []
    steps += 'structure' in tasks ? ['evaluate'] : []
    return (steps ?: ['embed', 'predict']) + ['report']
}
