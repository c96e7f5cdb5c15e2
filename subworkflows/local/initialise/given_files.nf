//
// Files and folders that parameters name, found before anything starts.
//

// Model directories of a comma-separated list.
def modelFolders(text) {
    return text.tokenize(',').collect { name ->
        def folder = file(name.trim())
        if (!folder.resolve('config.json').exists()) {
            error("--model: ${name.trim()} is no model directory (config.json, model.safetensors, task.json). Correct the path, or leave it out for the model that comes with ribolm.")
        }
        return folder
    }
}

// Units of the user's own peaks, named by their files.
def ownPeaks(text) {
    def units = text.tokenize(',').collect { name -> file(name.trim(), checkIfExists: true) }.collect { bed -> [[id: bed.name.replaceFirst(/(\.bed)?(\.gz)?$/, '')], bed] }
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
