#!/usr/bin/env nextflow

//
// ribolm: m6A sites, poly(A) sites and RNA language models, from reads and genomes
//

include { M6A                   } from './workflows/m6a'
include { POLYA                 } from './workflows/polya'
include { RESM                  } from './workflows/resm'
include { WRITE_REPORT          } from './subworkflows/local/write_report/main'
include { castParams ; helpText } from './subworkflows/local/initialise/parameters'
include { settingsOf ; stepsOf  } from './subworkflows/local/initialise/tracks'
include { codeDigests           } from './subworkflows/local/initialise/code_digest'
include { requireOutdir         } from './subworkflows/local/initialise/given_files'

// What the modules call: ribolm-<command> <sub-command>, with _ for -.
def subCommands() {
    return [
        preprocess: ['samplesheet', 'genome', 'alignments', 'strandedness', 'structures'],
        peaks: ['call', 'size_factors', 'annotate'],
        tokenize: ['peaks', 'rna'],
        labels: ['sites', 'tokens', 'folds', 'polya', 'polya_tokens', 'structures', 'values'],
        train: ['pretrain', 'finetune', 'contacts', 'structure'],
        predict: ['sites', 'merge', 'store', 'candidates', 'scan', 'sequences', 'embed', 'contacts', 'structure', 'folding'],
        evaluate: ['sites', 'sequences', 'fewshot', 'tokens', 'scan', 'structure', 'values', 'families', 'interactions', 'contacts', 'perplexity'],
        explain: ['windows'],
        report: ['peaks', 'motif', 'metagene', 'tracks', 'session', 'strandedness', 'methods', 'headline', 'training', 'evaluation', 'scan', 'explain', 'fewshot', 'tokens', 'structures', 'embedding', 'zeroshot', 'values'],
    ]
}

// Names and versions that a task tells: a command of ours tells its own, and behind it those of its libraries (name=version).
def versionsOf(tool, told) {
    if (tool != 'ribolm') {
        return [[tool, told]]
    }
    def words = told.tokenize(' ')
    return [[tool, words[0]]] + words.tail().collect { word -> word.tokenize('=') }
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
    def given = castParams(params, schema)

    if (given.help) {
        log.info(helpText(schema, workflow.manifest))
    }
    else if (given.version) {
        log.info(workflow.manifest.version)
    }
    else {
        def settings = settingsOf(given)
        def steps = stepsOf(settings)
        requireOutdir(settings.outdir)
        def code = codeDigests(file("${projectDir}/bin"), subCommands())

        ch_multiqc = channel.empty()
        ch_summary = channel.empty()
        if (settings.track == 'polya') {
            POLYA(settings, steps, code)
            ch_multiqc = POLYA.out.multiqc
        }
        else if (settings.track == 'resm') {
            RESM(settings, steps, code)
            ch_multiqc = RESM.out.multiqc
        }
        else {
            M6A(settings, steps, code)
            ch_multiqc = M6A.out.multiqc
            ch_summary = M6A.out.summary
        }

        ch_versions = channel.topic('versions')
            .flatMap { process, tool, told -> versionsOf(tool, told).collect { name, version -> [process.tokenize(':')[-1], "    ${name}: ${version}".toString()] } }
            .unique()
            .groupTuple()
            .map { process, tools -> "${process}:\n${tools.toSorted().join('\n')}".toString() }
            .mix(channel.of("Workflow:\n    Nextflow: ${workflow.nextflow.version}\n    ribolm: ${workflow.manifest.version}".toString()))
            .collectFile(name: 'ribolm_software_mqc_versions.yml', storeDir: "${settings.outdir}/pipeline_info", sort: true, newLine: true)

        if ('report' in steps) {
            WRITE_REPORT(ch_multiqc, ch_summary, ch_versions, settings + [steps: steps.join(',')], code.report)
        }
        def outdir = settings.outdir
        def with_report = 'report' in steps
        workflow.onComplete { summarise(outdir, with_report) }
    }
}
