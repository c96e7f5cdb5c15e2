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

// A parameter's text as the boolean, integer or number that the schema asks for.
def castValue(name, value, type) {
    def text = value.toString().trim()
    if (type == 'boolean') {
        if (!(text in ['true', 'false'])) {
            error("--${name}: '${text}' is not true or false.")
        }
        return text == 'true'
    }
    if (type == 'integer') {
        if (!(text ==~ /[+-]?\d{1,18}/)) {
            error("--${name}: '${text}' is not an integer.")
        }
        return text.toLong()
    }
    if (type == 'number') {
        if (!(text ==~ /[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/)) {
            error("--${name}: '${text}' is not a number.")
        }
        return text.toDouble()
    }
    // a text parameter given without its value arrives as true
    if (text == 'true') {
        error("--${name} needs a value.")
    }
    return text
}

// Enumeration, range, pattern and existence of one value.
def checkValue(name, value, property) {
    if (property['enum'] && !(value in property['enum'])) {
        error("--${name}: '${value}' is not one of ${property['enum'].join(', ')}. Did you mean '${nearestName(value, property['enum'])}'?")
    }
    if (property.minimum != null && value < property.minimum) {
        error("--${name}: ${value} is below the minimum of ${property.minimum}.")
    }
    if (property.exclusiveMinimum != null && value <= property.exclusiveMinimum) {
        error("--${name}: ${value} must be greater than ${property.exclusiveMinimum}.")
    }
    if (property.maximum != null && value > property.maximum) {
        error("--${name}: ${value} is above the maximum of ${property.maximum}.")
    }
    if (property.exists && !file(value).exists()) {
        error("--${name}: ${value} does not exist. Check the path (relative paths start at ${workflow.launchDir}).")
    }
    if (property.pattern && !(value ==~ property.pattern)) {
        error("--${name}: '${value}' does not look like ${property.description.uncapitalize()} The name must match ${property.pattern}")
    }
}

// Parameters of the run, named and typed as the schema says. Under some parsers all of them arrive as text.
def castParams(raw, schema) {
    def properties = schemaProperties(schema)
    def given = raw.findAll { name, _value -> !name.contains('-') || !raw.containsKey(camelCase(name)) }
    given.each { name, _value ->
        if (!properties.containsKey(name)) {
            error("Unknown parameter --${name}. Did you mean --${nearestName(name, properties.keySet())}? All names: nextflow run main.nf --help")
        }
    }
    def settings = properties.collectEntries { name, property ->
        def value = given[name]
        return [name, value == null || value.toString() == '' ? null : castValue(name, value, property.type)]
    }
    settings.each { name, value ->
        if (value != null) {
            checkValue(name, value, properties[name])
        }
    }
    return settings
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
    return known.findAll { name -> name in names }
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
