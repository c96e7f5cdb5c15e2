//
// Steps that build on each other
//

// Steps with all that they build on.
def withNeeded(steps, needs) {
    def wider = (steps + steps.collectMany { step -> needs[step] ?: [] }).unique()
    return wider.size() == steps.size() ? steps : withNeeded(wider, needs)
}

// Which steps are missing, all at once, and the sentence that gives the whole list. `needs`: step to steps; `order`: all
// steps of the track.
def missingSteps(steps, needs, order) {
    def all = withNeeded(steps, needs)
    def lacking = steps.collectEntries { step -> [step, order.findAll { name -> name in withNeeded([step], needs) - steps }] }
    def reasons = lacking.findAll { _step, lacks -> lacks }.collect { step, lacks -> "${step} builds on ${lacks.join(', ')}" }.join('; ')
    return [names: all - steps, text: "${reasons}. Give --steps ${order.findAll { name -> name in all }.join(',')}."]
}
