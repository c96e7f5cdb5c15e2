//
// Track m6a: its steps, and what must be given for them
//

include { isSheet ; ownPeaks } from './given_files'
include { corpusReading      } from './model_folders'
include { missingSteps       } from './steps'
include { castValue ; schemaProperties } from './parameters'

def m6aSteps() {
    return ['preprocess', 'align', 'peaks', 'quality', 'corpus', 'pretrain', 'labels', 'finetune', 'predict', 'evaluate', 'report']
}

// Steps of a run that names none: what its files suffice for, training excepted.
def usualM6aSteps(settings) {
    def reads = settings.peaks ? [] : ['preprocess', 'align', 'peaks', 'quality']
    return reads + ['predict', 'report'] + (settings.sites ? ['corpus', 'labels', 'evaluate'] : [])
}

// What each step builds on. The user's own peaks stand for step peaks.
def neededM6aSteps(settings) {
    def peaks = settings.peaks ? [] : ['peaks']
    return [quality: ['peaks'], corpus: peaks, pretrain: ['corpus'], labels: ['corpus'], finetune: ['labels'], predict: peaks, evaluate: ['labels']]
}

// What must be given, and what cannot go together.
def checkM6a(settings, steps) {
    if (!settings.input && !settings.peaks) {
        error("--input is missing. Track m6a needs --input (or --peaks), --fasta and --gtf.")
    }
    ['fasta', 'gtf'].each { name ->
        if (!settings[name]) {
            error("--${name} is missing. Track m6a needs --input (or --peaks), --fasta and --gtf.")
        }
    }
    checkM6aSteps(settings, steps)
    ownPeaks(settings.peaks ?: '')
    checkSites(settings, steps)
    corpusReading(settings, steps)
    if (settings.split_by == 'random' && 'labels' in steps) {
        error("--split_by random: windows of one gene overlap, so that a base would be trained on and tested in one deal. Choose gene, chromosome or similarity.")
    }
    if (settings.overlap_nt >= settings.window_nt) {
        error("--overlap_nt ${settings.overlap_nt} is not below --window_nt ${settings.window_nt}: windows would not advance.")
    }
    if (settings.size_factors && settings.spikein_fasta) {
        error("Cannot use both --size_factors and --spikein_fasta. Choose one.")
    }
    checkCaller(settings, steps)
    if (settings.peak_caller == 'macs3' && (settings.size_factors || settings.spikein_fasta)) {
        error("--peak_caller macs3 takes no size factors. Leave out --size_factors and --spikein_fasta, or choose --peak_caller ribolm.")
    }
    if (settings.step_size > settings.bin_size) {
        error("--step_size ${settings.step_size} is above --bin_size ${settings.bin_size}: bases between bins would be lost.")
    }
}

// A sheet of tables names their builds; a table alone is of that of the genome.
def checkSites(settings, steps) {
    if (!('labels' in steps)) {
        return
    }
    def sheet = isSheet(file(settings.sites))
    if (!sheet && !settings.genome_build) {
        error("--genome_build is missing. --sites names one table, whose positions are of the build of --fasta: name that (such as hg38), or give a sheet (CSV: source, path, technique, build).")
    }
    if (sheet && settings.sites_technique) {
        error("--sites_technique is for a single table of --sites. Fill the column 'technique' of the sheet, or leave it out.")
    }
}

// MACS3 counts in its own way: what was chosen for the other caller would be forgotten in silence.
def checkCaller(settings, steps) {
    if (settings.peak_caller != 'macs3' || !('peaks' in steps)) {
        return
    }
    def usual = schemaProperties(new groovy.json.JsonSlurper().parse(file("${projectDir}/nextflow_schema.json")))
    def counting = ['peak_test', 'p_cutoff', 'bin_size', 'step_size', 'min_mapq', 'multimappers', 'gc_correction', 'bins_tsv', 'strandedness']
    def unused = counting.findAll { name -> settings[name] != castValue(usual[name].default.toString(), usual[name].type) }
    unused += settings.duplicates == 'exclude' ? ['duplicates exclude'] : []
    if (unused) {
        error("--peak_caller macs3 has no use for ${unused.collect { name -> "--${name}" }.join(', ')}: MACS3 counts primary alignments of any quality and strand, duplicates too, by a test of its own. Leave them out, or choose --peak_caller ribolm.")
    }
}

def checkM6aSteps(settings, steps) {
    def reads = steps.intersect(['preprocess', 'align', 'peaks', 'quality'])
    if (settings.peaks && reads) {
        error("--peaks stands for the steps up to peaks. Leave ${reads.join(', ')} out of --steps, or leave out --peaks.")
    }
    def missing = missingSteps(steps, neededM6aSteps(settings), m6aSteps())
    def sites = ('labels' in steps || 'labels' in missing.names) && !settings.sites ? ' Step labels needs --sites, a table of known sites or a sheet of tables.' : ''
    if (missing.names) {
        def peaks = 'peaks' in missing.names ? ' In place of step peaks you may give your own by --peaks.' : ''
        error("--steps: ${missing.text}${peaks}${sites}")
    }
    if (sites) {
        error("--sites is missing.${sites}")
    }
}
