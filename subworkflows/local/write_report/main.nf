//
// One report of everything that ran: tools' logs, our sections, methods, versions
//

include { MULTIQC        } from '../../../modules/local/multiqc/main'
include { REPORT_METHODS } from '../../../modules/local/report/methods/main'

workflow WRITE_REPORT {
    take:
    ch_multiqc          // channel: path(file)
    ch_summary          // channel: [ val(unit), path(json) ]
    ch_versions         // channel: path(yml)
    settings            // map: parameters of the run
    code                // map: digest of each sub-command of ribolm-report

    main:
    ch_parameters = channel.of(groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson(settings.toSorted { entry -> entry.key })))
        .collectFile(name: 'params.json', storeDir: "${settings.outdir}/pipeline_info", newLine: true)
    ch_summaries = ch_summary
        .toSortedList { first, second -> first[0].id <=> second[0].id }
        .map { items -> items.collect { item -> item[1] } }
    REPORT_METHODS(ch_parameters, ch_versions, ch_summaries, code.methods)

    ch_files = ch_multiqc
        .mix(REPORT_METHODS.out.multiqc)
        .mix(ch_versions)
        .flatten()
        .collect(sort: { file -> file.name })
    def configs = ['config', settings.track].collect { name -> file("${projectDir}/assets/multiqc_${name}.yml", checkIfExists: true) } + (settings.multiqc_config ? [file(settings.multiqc_config)] : [])
    MULTIQC(ch_files, configs, settings.multiqc_title ?: '')

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    report = MULTIQC.out.report

    emit:
    report // channel: path(html)
}
