//
// Structures of known RNAs predicted by every model, with and without thermodynamics, and by energy alone; what they are
// worth
//

include { EVALUATE_STRUCTURE                   } from '../../../modules/local/evaluate/structure/main'
include { PREDICT_FOLDING                      } from '../../../modules/local/predict/folding/main'
include { PREDICT_STRUCTURE as PREDICT_KNOWN   } from '../../../modules/local/predict/structure/main'

// What needs no training: LinearPartition only where it is asked for, for its terms.
def foldingMethods(settings) {
    def methods = [RNAfold_MFE: 'mfe', RNAfold_MEA: 'mea']
    return settings.linearpartition ? methods + [LinearPartition: 'linearpartition'] : methods
}

// Order of methods: models first, the one that reads most before all, then the control and the floors.
def placeOf(name) {
    def late = ['random_start', 'random_start_sequence_only', 'RNAfold_MFE', 'RNAfold_MEA', 'LinearPartition'].indexOf(name)
    return late >= 0 ? "1.${late}".toString() : "0.${name}".toString()
}

workflow EVALUATE_STRUCTURES {
    take:
    ch_structures       // channel: [ val(meta), path(dbn), path(fasta) ]; meta: id, sample, split, group
    ch_models           // channel: [ val(name), path(model directory) ]
    settings            // map: parameters of the run
    code                // map of maps: digest of each sub-command

    main:
    ch_known = ch_structures.filter { meta, _dbn, _fasta -> meta.split == 'test' }
    ch_asked = ch_known.combine(ch_models).flatMap { meta, _dbn, fasta, name, model ->
        [true, false].collect { thermodynamics ->
            def method = thermodynamics ? name : "${name}_sequence_only".toString()
            [[id: method, sample: meta.sample, thermodynamics: thermodynamics], model, fasta]
        }
    }
    PREDICT_KNOWN(ch_asked, code.predict.structure)
    PREDICT_FOLDING(
        ch_known.flatMap { meta, _dbn, fasta -> foldingMethods(settings).collect { name, method -> [[id: name, sample: meta.sample, folding: method], fasta] } },
        code.predict.folding,
    )
    ch_predicted = PREDICT_KNOWN.out.dbn
        .mix(PREDICT_FOLDING.out.dbn)
        .map { meta, dbn -> [meta.sample, [placeOf(meta.id), dbn]] }
        .groupTuple()
        .map { sample, predicted -> [sample, predicted.toSorted { first, second -> first[0] <=> second[0] }.collect { _place, dbn -> dbn }] }
    ch_joined = ch_known
        .map { meta, dbn, _fasta -> [meta.sample, meta.group ?: '', dbn] }
        .join(ch_predicted)
    EVALUATE_STRUCTURE(
        ch_joined.map { sample, group, truth, predicted -> [[id: sample, sample: sample, group: group], truth, predicted] },
        code.evaluate.structure,
    )
    // drawn beside the known structures: what the first method makes of them
    ch_sets = EVALUATE_STRUCTURE.out.folder
        .map { meta, folder -> [meta.sample, folder] }
        .join(ch_joined.map { sample, _group, truth, predicted -> [sample, truth, predicted[0]] })

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    tested = ch_sets

    emit:
    tested // channel: [ val(name), path(folder), path(known dbn), path(predicted dbn) ], one for each tested set
}
