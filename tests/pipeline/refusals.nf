//
// What is said of each of several choices of parameters before anything starts: copied beside main.nf by its tests
//

include { castParams           } from './subworkflows/local/initialise/parameters'
include { settingsOf ; stepsOf } from './subworkflows/local/initialise/tracks'

// Nextflow wraps what a function throws.
def innermost(fault) {
    return fault.cause ? innermost(fault.cause) : fault.message
}

// The words of a refusal, none where the choice is accepted.
def refusal(chosen, schema) {
    try {
        stepsOf(settingsOf(castParams(chosen, schema)))
        return ''
    }
    catch (Exception refused) {
        return innermost(refused)
    }
}

workflow {
    main:
    def schema = new groovy.json.JsonSlurper().parse(file("${projectDir}/nextflow_schema.json"))
    def asked = new groovy.json.JsonSlurper().parse(file("${launchDir}/asked.json"))
    def told = asked.collectEntries { name, options -> [name, refusal(params + options, schema)] }
    file("${launchDir}/told.json").text = groovy.json.JsonOutput.toJson(told)
}
