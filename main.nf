#!/usr/bin/env nextflow

//
// ribolm: m6A sites, poly(A) sites and RNA language models, from reads and genomes
//

include { M6A                                    } from './workflows/m6a'
include { POLYA                                  } from './workflows/polya'
include { RESM                                   } from './workflows/resm'
include { WRITE_REPORT                           } from './subworkflows/local/write_report/main'
include { castParams ; chosenSteps ; helpText    } from './subworkflows/local/initialise/parameters'
include { checkM6a ; m6aSteps ; usualM6aSteps    } from './subworkflows/local/initialise/m6a_track'
include { checkPolya ; polyaSteps ; usualPolyaSteps } from './subworkflows/local/initialise/polya_track'
include { resmSteps ; usualResmSteps             } from './subworkflows/local/initialise/resm_steps'
include { checkResm                              } from './subworkflows/local/initialise/resm_track'
include { codeDigests                            } from './subworkflows/local/initialise/code_digest'
include { requireOutdir                          } from './subworkflows/local/initialise/given_files'

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

// What a track is: its steps, those of a run that names none, its usual size of model and tokens.
def chosenTrack(settings) {
    if (settings.track == 'polya') {
        return [steps: polyaSteps(), usual: usualPolyaSteps(), preset: 'convolution-101', tokenizer: 'nucleotide']
    }
    if (settings.track == 'resm') {
        return [steps: resmSteps(), usual: usualResmSteps(settings), preset: 'small', tokenizer: null]
    }
    return [steps: m6aSteps(), usual: usualM6aSteps(settings), preset: 'small', tokenizer: 'nucleotide']
}

// What must be given for the steps of a track, and what cannot go together.
def checkTrack(settings, steps) {
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
        def track = chosenTrack(given)
        def settings = given + [preset: given.preset ?: track.preset, tokenizer: given.tokenizer ?: track.tokenizer]
        def steps = chosenSteps(settings.steps ?: track.usual.join(','), track.steps)
        checkTrack(settings, steps)
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
            .map { process, tool, version -> [process.tokenize(':')[-1], "    ${tool}: ${version}".toString()] }
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
