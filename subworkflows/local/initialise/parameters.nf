//
// Parameters: names, types, ranges and help all come from nextflow_schema.json.
//

// All properties of the schema by name, in the order of the file.
def schemaProperties(schema) {
    def properties = [:]
    schema['$defs'].each { _group, definition -> properties.putAll(definition.properties) }
    return properties
}

// Levenshtein distance of two words.
def editDistance(first, second) {
    def row = (0..second.size()).toList()
    first.toList().eachWithIndex { letter, index ->
        def next = [index + 1]
        second.toList().eachWithIndex { other, column ->
            def substitution = row[column] + (letter == other ? 0 : 1)
            next << [row[column + 1] + 1, next[column] + 1, substitution].min()
        }
        row = next
    }
    return row[-1]
}

// The known name that is spelled most like the given one.
def nearestName(name, known) {
    return known.min { candidate -> editDistance(name.toString().toLowerCase(), candidate.toLowerCase()) }
}

// What is wrong with the text of a parameter of a type, or nothing. A text parameter without its value arrives as true.
def typeProblem(name, text, type) {
    if (type == 'boolean') {
        return text in ['true', 'false'] ? '' : "--${name}: '${text}' is not true or false."
    }
    if (type == 'integer') {
        return text ==~ /[+-]?\d{1,18}/ ? '' : "--${name}: '${text}' is not an integer."
    }
    if (type == 'number') {
        return text ==~ /[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/ ? '' : "--${name}: '${text}' is not a number."
    }
    return text == 'true' ? "--${name} needs a value." : ''
}

// A parameter's text as the boolean, integer, number or text that the schema asks for.
def castValue(text, type) {
    if (type == 'boolean') {
        return text == 'true'
    }
    if (type == 'integer') {
        return text.toLong()
    }
    return type == 'number' ? text.toDouble() : text
}

// What is wrong with a value: enumeration, range, existence, pattern; or nothing.
def valueProblem(name, value, property) {
    if (property['enum'] && !(value in property['enum'])) {
        return "--${name}: '${value}' is not one of ${property['enum'].join(', ')}. Did you mean '${nearestName(value, property['enum'])}'?"
    }
    if (property.minimum != null && value < property.minimum) {
        return "--${name}: ${value} is below the minimum of ${property.minimum}."
    }
    if (property.exclusiveMinimum != null && value <= property.exclusiveMinimum) {
        return "--${name}: ${value} must be greater than ${property.exclusiveMinimum}."
    }
    if (property.maximum != null && value > property.maximum) {
        return "--${name}: ${value} is above the maximum of ${property.maximum}."
    }
    if (property.exists && !file(value).exists()) {
        return "--${name}: ${value} does not exist. Check the path (relative paths start at ${workflow.launchDir})."
    }
    if (property.pattern && !(value ==~ property.pattern)) {
        return "--${name}: '${value}' does not fit. ${property.errorMessage}"
    }
    return ''
}

// All that is wrong with the parameters given, a sentence each.
def parameterProblems(given, properties) {
    return given.collect { name, value ->
        def property = properties[name]
        if (property == null) {
            return "Unknown parameter --${name}. Did you mean --${nearestName(name, properties.keySet())}? All names: nextflow run main.nf --help"
        }
        def text = value.toString().trim()
        return typeProblem(name, text, property.type) ?: valueProblem(name, castValue(text, property.type), property)
    }.findAll { problem -> problem }
}

// Parameters of the run, named and typed as the schema says. Under some parsers all of them arrive as text.
def castParams(raw, schema) {
    def properties = schemaProperties(schema)
    def given = raw
        .findAll { name, _value -> !name.contains('-') || !raw.containsKey(camelCase(name)) }
        .findAll { _name, value -> value != null && value.toString() != '' }
    def problems = parameterProblems(given, properties)
    if (problems) {
        error(problems.join('\n'))
    }
    return properties.collectEntries { name, property ->
        [name, given[name] == null ? null : castValue(given[name].toString().trim(), property.type)]
    }
}

// Nextflow enters a name with dashes twice: as written and in camel case.
def camelCase(name) {
    def words = name.tokenize('-')
    return words[0] + words.tail().collect { word -> word.capitalize() }.join('')
}

// The steps of this run, in the order of the track.
def chosenSteps(text, known) {
    if (text == null) {
        return known
    }
    def names = text.tokenize(',').collect { name -> name.trim() }
    names.each { name ->
        if (!(name in known)) {
            error("--steps: '${name}' is not a step of this track. Did you mean '${nearestName(name, known)}'? Steps: ${known.join(', ')}")
        }
    }
    def found = known.findAll { name -> name in names }
    if (!(found - 'report')) {
        error("--steps ${text}: nothing would be computed${found ? ', so that there is nothing to report' : ''}. Name a step or more of: ${(known - 'report').join(', ')}.")
    }
    return found
}

// Breaks a sentence into lines of at most the given width.
def wrapped(text, width) {
    return text.tokenize(' ').inject(['']) { lines, word ->
        def longer = lines[-1] ? "${lines[-1]} ${word}".toString() : word
        return longer.size() <= width || !lines[-1] ? lines[0..<-1] + [longer] : lines + [word]
    }
}

// The text of --help, one paragraph per group of the schema.
def helpText(schema, manifest) {
    def lines = ["ribolm ${manifest.version}: ${manifest.description}", '']
    lines << 'nextflow run main.nf -profile <local|docker|singularity|podman|conda> --input samplesheet.csv --fasta genome.fa --gtf genes.gtf --outdir results'
    schema['$defs'].each { _group, definition ->
        lines << ''
        lines << "${definition.title}. ${definition.description}".toString()
        definition.properties.each { name, property ->
            def choices = property['enum'] ? " [${property['enum'].join('|')}]" : ''
            def fallback = property['default'] != null ? " (default: ${property['default']})" : ''
            def text = wrapped("${property.description}${choices}${fallback}".toString(), 78)
            lines << "  --${name.padRight(22)} ${text[0]}".toString()
            text.tail().each { more -> lines << ' ' * 27 + more }
        }
    }
    lines << ''
    lines << 'Nextflow\'s own options have one dash: -profile, -resume, -params-file, -work-dir.'
    return lines.join('\n')
}
