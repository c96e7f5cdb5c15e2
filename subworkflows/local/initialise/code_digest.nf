//
// Digest of the package files that a command reaches by its imports. Nextflow hashes a task's script and
// inputs, not the modules behind a command: with the digest in the script, an edit re-runs what it concerns.
//

// Module names, absolute, that the import lines of a file mention (those inside functions too).
def importedModules(text, module_name, is_package) {
    // an import list in parentheses may run over several lines
    def joined = text.replaceAll(/\\\r?\n/, ' ').replaceAll(/\(([^()]*)\)/) { match -> '(' + match[1].replaceAll(/#[^\n]*/, ' ').replaceAll(/\s+/, ' ') + ')' }
    def names = []
    joined.readLines().each { line ->
        def plain = line =~ /^\s*import\s+(.+)$/
        if (plain.find()) {
            plain.group(1).tokenize(',').each { part -> names << part.trim().tokenize(' ')[0] }
        }
        def from = line =~ /^\s*from\s+(\.*)([\w.]*)\s+import\s+\(?([^)#]*)/
        if (from.find()) {
            def parents = module_name.tokenize('.')
            def dots = from.group(1).size()
            def base = dots == 0 ? [] : parents.take(parents.size() - dots + (is_package ? 1 : 0))
            def origin = (base + from.group(2).tokenize('.')).join('.')
            names << origin
            from.group(3).tokenize(',').each { part ->
                def item = part.trim().tokenize(' ')
                if (item) {
                    names << "${origin}.${item[0]}".toString()
                }
            }
        }
    }
    return names.findAll { name -> name == 'ribolm' || name.startsWith('ribolm.') }
}

// A file of the package and what it imports, read once for all digests: `known` remembers.
def importsOf(bin, relative, name, is_package, known) {
    if (!known.containsKey(relative)) {
        def source = bin.resolve(relative)
        def text = source.exists() ? source.text : null
        known[relative] = [text: text, imports: text == null ? [] : importedModules(text, name, is_package)]
    }
    return known[relative]
}

// Adds the texts of a module and of the packages around it, then follows their imports.
def followImports(bin, module_name, found, known = [:]) {
    def parts = module_name.tokenize('.')
    (1..parts.size()).each { depth ->
        def name = parts.take(depth).join('.')
        def path = name.replace('.', '/')
        [["${path}/__init__.py".toString(), true], ["${path}.py".toString(), false]].each { relative, is_package ->
            if (!found.containsKey(relative)) {
                def file_of = importsOf(bin, relative, name, is_package, known)
                if (file_of.text != null) {
                    found[relative] = file_of.text
                    file_of.imports.each { imported -> followImports(bin, imported, found, known) }
                }
            }
        }
    }
}

// The text of a command's cli file without the functions that register its other sub-commands (`_add_<name>`),
// so that an edit of what one sub-command imports does not re-run the others.
def textOfSubCommand(text, sub_command) {
    def parts = text.split(/(?m)^(?=def |class |@)/).toList()
    return parts.findAll { part ->
        def registers = part =~ /^def _add_(\w+)/
        !registers.find() || registers.group(1) == sub_command
    }.join('')
}

// Whether a module is a further cli file of the command (cli/<command>_<more>.py) that registers other sub-commands only.
def registersOthers(bin, command, sub_command, module_name) {
    def file_name = (module_name =~ /^ribolm\.cli\.(\w+)/)
    if (!file_name.find() || !file_name.group(1).startsWith("${command}_")) {
        return false
    }
    def registration = "add_command\\(\\s*\\w+,\\s*\"${sub_command.replace('_', '[-_]')}\"".toString()
    return !(bin.resolve("ribolm/cli/${file_name.group(1)}.py".toString()).text =~ registration).find()
}

// SHA-256 (first 16 hex digits) over the names and texts of all files a sub-command reaches.
def codeDigest(bin, command, sub_command, known = [:]) {
    def cli = "ribolm/cli/${command}.py".toString()
    def text = textOfSubCommand(bin.resolve(cli).text, sub_command)
    def found = new TreeMap()
    found[cli] = text
    followImports(bin, 'ribolm.cli', found, known)
    importedModules(text, "ribolm.cli.${command}".toString(), false)
        .findAll { imported -> !registersOthers(bin, command, sub_command, imported) }
        .each { imported -> followImports(bin, imported, found, known) }
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    found.each { relative, content ->
        digest.update("${relative}\n${content.size()}\n${content}".toString().getBytes('UTF-8'))
    }
    return digest.digest().encodeHex().toString().take(16)
}

// Digests by command and sub-command: codeDigests(bin, [peaks: ['call']]).peaks.call
def codeDigests(bin, sub_commands) {
    def known = [:]
    return sub_commands.collectEntries { command, names ->
        [command, names.collectEntries { name -> [name, codeDigest(bin, command, name, known)] }]
    }
}
