//
// Files and folders that parameters name, found before anything starts.
//

// Units of the user's own peaks, named by their files.
def ownPeaks(text) {
    def units = text.tokenize(',').collect { name -> file(name.trim(), checkIfExists: true) }.collect { bed -> [[id: bed.name.replaceFirst(/(\.bed)?(\.gz)?$/, '')], bed] }
    def odd = units.find { unit, _bed -> !(unit.id ==~ /[A-Za-z0-9_][A-Za-z0-9_.-]*/) }
    if (odd) {
        error("--peaks: the file name of '${odd[0].id}' has other characters than letters, digits, _, - and . (the first: a letter, a digit or _). It names the results; rename it.")
    }
    def clash = units.countBy { unit, _bed -> unit.id }.find { _id, count -> count > 1 }
    if (clash) {
        error("--peaks: two files are named '${clash.key}'. Rename one of them.")
    }
    return units
}

// Results need a folder that can be written, told before anything starts. Made here: asked for permission, the system
// says yes to root also where nobody can write.
def requireOutdir(name) {
    def folder = file(name)
    if (folder.toUri().scheme == 'file' && !(folder.isDirectory() || folder.mkdirs())) {
        error("--outdir: ${name} cannot be made, or is a file. Choose another folder.")
    }
    if (folder.toUri().scheme == 'file' && !folder.canWrite()) {
        error("--outdir: nothing may be written in ${name}. Choose another folder.")
    }
}

// Folder of the checkpoints, made here, for containers mount it: tasks find it under the same name, also those tried
// again and those of a later run.
def checkpointFolder(given, trains) {
    def folder = given ? file(given) : workflow.workDir.resolve('checkpoints')
    if (folder.toUri().scheme == 'file') {
        folder.mkdirs()
    }
    else if (trains) {
        error("Checkpoints need a folder that every machine mounts, ${folder} is none. Give one by --checkpoint_dir.")
    }
    return folder.toAbsolutePath().toString()
}

// Places where the file that a cell of a sheet names may lie. A leading ${NAME} is a variable of the environment; relative
// paths start at the sheet, then at the folder of the run.
def placesOf(sheet, text) {
    def variable = text =~ /^\$\{(\w+)\}/
    def path = variable.find() ? (System.getenv(variable.group(1)) ?: '/') + text.substring(variable.end()) : text
    if (path.contains('://') || path.startsWith('/')) {
        return [file(path)]
    }
    return [sheet.parent.resolve(path).normalize(), workflow.launchDir.resolve(path).normalize()]
}

// The file of a cell, [] for an empty one.
def cellFile(sheet, text) {
    return text ? placesOf(sheet, text).find { place -> place.exists() } : []
}

// What keeps a cell's file from being read, or nothing.
def whyMissing(sheet, number, column, text) {
    def place = "${sheet.name} row ${number}, column '${column}': '${text}'"
    def variable = text =~ /^\$\{(\w+)\}/
    if (variable.find() && !System.getenv(variable.group(1))) {
        return "${place}: the variable ${variable.group(1)} is not set. Set it where nextflow is started: export ${variable.group(1)}=..."
    }
    def places = placesOf(sheet, text)
    if (places.any { candidate -> candidate.exists() }) {
        return ''
    }
    return "${place} does not exist${places.size() > 1 ? ", neither beside the sheet nor in ${workflow.launchDir}" : ''}. Correct the path."
}

// Whether a line of a sheet is neither empty, nor a comment, nor the word of a spreadsheet program on its delimiter (sep=;).
def isRecord(line) {
    return line.trim() && !line.startsWith('#') && !(line.trim() ==~ /(?i)"?sep=[,;\t]"?/)
}

// First record of a text file, plain or gz; empty where there is none.
def headerOf(table) {
    def stream = table.name.endsWith('.gz') ? new java.util.zip.GZIPInputStream(table.newInputStream()) : table.newInputStream()
    def reader = new BufferedReader(new InputStreamReader(stream, 'UTF-8'))
    def line = reader.lines().map { text -> text.replace('\uFEFF', '') }.filter { text -> isRecord(text) }.findFirst().orElse('')
    reader.close()
    return line
}

// Delimiter of a sheet: a comma, else a tab, else a semicolon, by its header, as in the commands of the package.
def delimiterOf(header) {
    return [',', '\t', ';'].find { delimiter -> header.contains(delimiter) } ?: ','
}

// Columns of a sheet or of any table, in lower case.
def columnsOf(table) {
    def header = headerOf(table)
    return header.split(java.util.regex.Pattern.quote(delimiterOf(header))).collect { name -> name.trim().replaceAll(/^["']|["']$/, '').toLowerCase() }
}

// Whether --sites is a sheet of tables, not a table.
def isSheet(table) {
    return 'path' in columnsOf(table)
}

// Rows of a sheet as maps by column name in lower case, values trimmed, empty lines and comments left out.
def sheetRows(sheet) {
    def header = headerOf(sheet)
    if (!header) {
        return []
    }
    def before = sheet.readLines().takeWhile { line -> !isRecord(line.replace('\uFEFF', '')) }.size()
    return sheet.splitCsv(header: true, sep: delimiterOf(header), quote: '"', strip: true, skip: before)
        .collect { row -> row.collectEntries { name, value -> [name.replace('\uFEFF', '').trim().toLowerCase(), value ? value.trim() : ''] } }
        .findAll { row -> row.values().any { value -> value } && !row.values().first().startsWith('#') }
}

// Whether all libraries of a samplesheet are given as alignments, so that nothing is aligned. A sheet that cannot be read
// here is told of by the command that checks it.
def hasBamsAlone(sheet) {
    try {
        def rows = sheetRows(sheet)
        return rows.size() > 0 && rows.every { row -> row.bam }
    }
    catch (Exception _unreadable) {
        return false
    }
}

// Genomes to scan: rows of a sheet (sample, fasta, gtf, sites), or the one that parameters name. Each is
// [ map of its id, fasta, gtf or [], known sites or [] ].
def givenGenomes(settings) {
    if (!settings.input) {
        def fasta = file(settings.fasta, checkIfExists: true)
        def others = ['gtf', 'sites'].collect { name -> settings[name] ? file(settings[name], checkIfExists: true) : [] }
        return [[[id: fasta.name.replaceFirst(/(?i)\.(fasta|fna|fa)?(\.gz)?$/, '')], fasta] + others]
    }
    def sheet = file(settings.input, checkIfExists: true)
    def rows = sheetRows(sheet)
    def missing = ['sample', 'fasta'].findAll { column -> !rows || !(column in rows[0].keySet()) }
    if (missing) {
        error("${sheet.name}: no column '${missing[0]}', or no row. A sheet of genomes has sample,fasta and, where there are, gtf,sites.")
    }
    def faults = rows.withIndex().collectMany { row, index ->
        def empty = ['sample', 'fasta'].findAll { column -> !row[column] }.collect { column -> "${sheet.name} row ${index + 2}: column '${column}' is empty. Fill it in." }
        def odd = row.sample ==~ /[\w.-]+/ || !row.sample ? [] : ["${sheet.name} row ${index + 2}, column 'sample': '${row.sample}' has other characters than letters, digits, _, - and . ; rename it."]
        def lost = ['fasta', 'gtf', 'sites'].findAll { column -> row[column] }.collect { column -> whyMissing(sheet, index + 2, column, row[column]) }.findAll { text -> text }
        return empty + odd + lost
    }
    def twice = rows.countBy { row -> row.sample }.find { _name, count -> count > 1 }
    if (twice) {
        faults += ["${sheet.name}, column 'sample': '${twice.key}' names ${twice.value} genomes. Give each a name of its own."]
    }
    if (faults) {
        error(faults.join('\n'))
    }
    return rows.collect { row -> [[id: row.sample]] + ['fasta', 'gtf', 'sites'].collect { column -> cellFile(sheet, row[column]) } }
}

// Genomes without genes or known sites have no set and, where models are trained here, none to be scanned by.
def checkGenomes(settings, steps, genomes) {
    def bare = genomes.findAll { _meta, _fasta, gtf, sites -> !gtf || !sites }.collect { meta, _fasta, _gtf, _sites -> meta.id }
    def learns = ['labels', 'tokens'].find { step -> step in steps }
    if (learns && bare.size() == genomes.size()) {
        error("${settings.input}: no genome has both gtf and sites, which step ${learns} needs. Fill in the columns of one at least.")
    }
    if ('scan' in steps && 'finetune' in steps && !settings.model && bare) {
        error("${settings.input}: ${bare.join(', ')} cannot be scanned: without gtf and sites no model is trained on it. Fill them in, give --model, or leave out step finetune.")
    }
}
