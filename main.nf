#!/usr/bin/env nextflow

//
// ribolm: m6A sites, poly(A) sites and RNA language models, from reads and genomes
//

include { M6A                                   } from './workflows/m6a'
include { WRITE_REPORT                          } from './subworkflows/local/write_report/main'
include { castParams ; chosenSteps ; helpText   } from './subworkflows/local/initialise/parameters'
include { codeDigests                           } from './subworkflows/local/initialise/code_digest'
include { requireOutdir                         } from './subworkflows/local/initialise/given_files'

// Steps of each track, in their order.
def trackSteps() {
    return [m6a: ['preprocess', 'align', 'peaks', 'quality', 'corpus', 'pretrain', 'labels', 'finetune', 'predict', 'evaluate', 'report']]
}

// Steps of a run that names none: what its files suffice for, training excepted.
def usualSteps(settings) {
    def reads = settings.peaks ? [] : ['preprocess', 'align', 'peaks', 'quality']
    return reads + ['predict', 'report'] + (settings.sites ? ['corpus', 'labels', 'evaluate'] : [])
}

// What the modules call: ribolm-<command> <sub-command>, with _ for -.
def subCommands() {
    return [
        preprocess: ['samplesheet', 'genome', 'alignments', 'strandedness'],
        peaks: ['call', 'size_factors', 'annotate'],
        tokenize: ['peaks'],
        labels: ['sites', 'tokens', 'folds'],
        train: ['pretrain', 'finetune'],
        predict: ['sites', 'merge', 'store'],
        evaluate: ['sites'],
        report: ['peaks', 'motif', 'metagene', 'tracks', 'session', 'strandedness', 'methods', 'headline', 'training', 'evaluation'],
    ]
}

// What each step builds on. The user's own peaks stand for step peaks.
def neededSteps(settings) {
    def peaks = settings.peaks ? [] : ['peaks']
    return [quality: ['peaks'], corpus: peaks, pretrain: ['corpus'], labels: ['corpus'], finetune: ['labels'], predict: peaks, evaluate: ['labels']]
}

// Steps with all that they build on.
def withNeeded(steps, needs) {
    def wider = (steps + steps.collectMany { step -> needs[step] ?: [] }).unique()
    return wider.size() == steps.size() ? steps : withNeeded(wider, needs)
}

// Which steps are missing, all at once, with the list to give.
def checkSteps(settings, steps) {
    def reads = steps.intersect(['preprocess', 'align', 'peaks', 'quality'])
    if (settings.peaks && reads) {
        error("--peaks stands for the steps up to peaks. Leave ${reads.join(', ')} out of --steps, or leave out --peaks.")
    }
    def needs = neededSteps(settings)
    def all = withNeeded(steps, needs)
    def missing = all - steps
    def sites = 'labels' in all && !settings.sites ? ' Step labels needs --sites, a table of known sites or a sheet of tables.' : ''
    if (missing) {
        def order = trackSteps()[settings.track]
        def lacking = steps.collectEntries { step -> [step, order.findAll { name -> name in withNeeded([step], needs) - steps }] }
        def reasons = lacking.findAll { _step, lacks -> lacks }.collect { step, lacks -> "${step} builds on ${lacks.join(', ')}" }.join('; ')
        def peaks = 'peaks' in missing ? ' In place of step peaks you may give your own by --peaks.' : ''
        error("--steps: ${reasons}. Give --steps ${order.findAll { name -> name in all }.join(',')}.${peaks}${sites}")
    }
    if (sites) {
        error("--sites is missing.${sites}")
    }
}

// What must be given, and what cannot go together.
def checkSettings(settings, steps) {
    if (!settings.input && !settings.peaks) {
        error("--input is missing. Track ${settings.track} needs --input (or --peaks), --fasta and --gtf.")
    }
    ['fasta', 'gtf'].each { name ->
        if (!settings[name]) {
            error("--${name} is missing. Track ${settings.track} needs --input (or --peaks), --fasta and --gtf.")
        }
    }
    checkSteps(settings, steps)
    if (settings.overlap_nt >= settings.window_nt) {
        error("--overlap_nt ${settings.overlap_nt} is not below --window_nt ${settings.window_nt}: windows would not advance.")
    }
    if (settings.size_factors && settings.spikein_fasta) {
        error("Cannot use both --size_factors and --spikein_fasta. Choose one.")
    }
    if (settings.peak_caller == 'macs3' && (settings.size_factors || settings.spikein_fasta)) {
        error("--peak_caller macs3 takes no size factors. Leave out --size_factors and --spikein_fasta, or choose --peak_caller ribolm.")
    }
    if (settings.step_size > settings.bin_size) {
        error("--step_size ${settings.step_size} is above --bin_size ${settings.bin_size}: bases between bins would be lost.")
    }
}

// Last words of a run.
def summarise(outdir, with_report) {
    if (workflow.success) {
        log.info(with_report ? "Report: ${outdir}/multiqc/multiqc_report.html" : "Results: ${outdir}")
    }
    else {
        log.info("The run did not finish. Mend the cause above and repeat the command with -resume: what is done stays done.")
    }
}

workflow {
    main:
    def schema = new groovy.json.JsonSlurper().parse(file("${projectDir}/nextflow_schema.json"))
    def settings = castParams(params, schema)

    if (settings.help) {
        log.info(helpText(schema, workflow.manifest))
    }
    else if (settings.version) {
        log.info(workflow.manifest.version)
    }
    else {
        def steps = chosenSteps(settings.steps ?: usualSteps(settings).join(','), trackSteps()[settings.track])
        checkSettings(settings, steps)
        requireOutdir(settings.outdir)
        def code = codeDigests(file("${projectDir}/bin"), subCommands())

        M6A(settings, steps, code)

        ch_versions = channel.topic('versions')
            .map { process, tool, version -> [process.tokenize(':')[-1], "    ${tool}: ${version}".toString()] }
            .unique()
            .groupTuple()
            .map { process, tools -> "${process}:\n${tools.toSorted().join('\n')}".toString() }
            .mix(channel.of("Workflow:\n    Nextflow: ${workflow.nextflow.version}\n    ribolm: ${workflow.manifest.version}".toString()))
            .collectFile(name: 'ribolm_software_mqc_versions.yml', storeDir: "${settings.outdir}/pipeline_info", sort: true, newLine: true)

        if ('report' in steps) {
            WRITE_REPORT(M6A.out.multiqc, M6A.out.summary, ch_versions, settings + [steps: steps.join(',')], code.report)
        }
        def outdir = settings.outdir
        def with_report = 'report' in steps
        workflow.onComplete { summarise(outdir, with_report) }
    }
}
