//
// m6A: from MeRIP-seq reads to peaks, from peaks to sites, and what the sites are worth
//

include { CALL_PEAKS       } from '../subworkflows/local/call_peaks/main'
include { EVALUATE         } from '../subworkflows/local/evaluate/main'
include { FINETUNE         } from '../subworkflows/local/finetune/main'
include { LABEL_SITES      } from '../subworkflows/local/label_sites/main'
include { MEASURE_QUALITY  } from '../subworkflows/local/measure_quality/main'
include { PREDICT          } from '../subworkflows/local/predict/main'
include { PREPARE_GENOME   } from '../subworkflows/local/prepare_genome/main'
include { PREPARE_READS    } from '../subworkflows/local/prepare_reads/main'
include { PRETRAIN         } from '../subworkflows/local/pretrain/main'
include { REPORT_TRAINING  } from '../modules/local/report/training/main'
include { TOKENIZE_PEAKS   } from '../modules/local/tokenize/peaks/main'

include { checkpointFolder ; hasBamsAlone ; ownPeaks } from '../subworkflows/local/initialise/given_files'
include { corpusReading ; m6aModels                  } from '../subworkflows/local/initialise/model_folders'

workflow M6A {
    take:
    settings            // map: parameters of the run
    steps               // list: steps to run
    code                // map: digest of each command's code

    main:
    ch_multiqc = channel.empty()

    def own_peaks = settings.peaks ? ownPeaks(settings.peaks) : []
    PREPARE_GENOME(
        file(settings.fasta),
        file(settings.gtf),
        settings.spikein_fasta ? file(settings.spikein_fasta) : [],
        own_peaks.collect { _unit, bed -> bed },
        settings.hisat2_index ? file(settings.hisat2_index) : [],
        'align' in steps && !hasBamsAlone(file(settings.input)),
        code.preprocess,
    )

    ch_peaks = channel.fromList(own_peaks)
    ch_strandedness = channel.empty()
    ch_bam = channel.empty()
    ch_units = channel.empty()
    if (steps.intersect(['preprocess', 'align', 'peaks'])) {
        PREPARE_READS(
            file(settings.input),
            PREPARE_GENOME.out.index,
            PREPARE_GENOME.out.splice_sites,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            settings,
            steps,
            code.preprocess,
        )
        ch_bam = PREPARE_READS.out.bam
        ch_units = PREPARE_READS.out.units
        ch_strandedness = PREPARE_READS.out.strandedness
        ch_multiqc = ch_multiqc.mix(PREPARE_READS.out.multiqc)
    }

    ch_summary = channel.empty()
    if ('peaks' in steps) {
        CALL_PEAKS(
            ch_bam,
            ch_units,
            PREPARE_GENOME.out.fasta,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            PREPARE_GENOME.out.json,
            PREPARE_GENOME.out.spikein_contigs,
            settings,
            code.peaks,
        )
        ch_summary = CALL_PEAKS.out.summary
        ch_peaks = CALL_PEAKS.out.bed.filter { unit, _bed -> !unit.replicate }
        ch_multiqc = ch_multiqc.mix(CALL_PEAKS.out.multiqc)
    }

    if ('quality' in steps) {
        MEASURE_QUALITY(
            CALL_PEAKS.out.bed,
            CALL_PEAKS.out.tsv,
            CALL_PEAKS.out.bins,
            CALL_PEAKS.out.summary,
            CALL_PEAKS.out.bams,
            ch_strandedness,
            PREPARE_GENOME.out.fasta,
            PREPARE_GENOME.out.fai,
            PREPARE_GENOME.out.gtf,
            PREPARE_GENOME.out.chrom_sizes,
            code.report,
        )
        ch_multiqc = ch_multiqc.mix(MEASURE_QUALITY.out.multiqc)
    }

    // models: what a user gives, else those fine-tuned here, else the one that comes with ribolm
    def checkpoints = checkpointFolder(settings.checkpoint_dir, 'pretrain' in steps || 'finetune' in steps)
    def init = settings.init_model ? file(settings.init_model) : []
    ch_store = channel.empty()
    ch_logs = channel.empty()
    ch_init = channel.value(init)
    if ('corpus' in steps) {
        ch_beds = ch_peaks.toSortedList { first, second -> first[0].id <=> second[0].id }.map { peaks -> peaks.collect { _unit, bed -> bed } }
        def reading = corpusReading(settings, steps)
        if (reading.model) {
            log.info("chosen: corpus of ${reading.tokenizer} tokens${reading.k ? ", k ${reading.k}" : ''}, windows of ${reading.window_nt} nt that overlap by ${reading.overlap_nt} (so that ${reading.model} can read it)")
        }
        TOKENIZE_PEAKS(ch_beds, reading.subMap(['tokenizer', 'k', 'mapping', 'window_nt', 'overlap_nt']), PREPARE_GENOME.out.fasta, PREPARE_GENOME.out.fai, PREPARE_GENOME.out.gtf, code.tokenize.peaks)
        ch_store = TOKENIZE_PEAKS.out.store
        ch_multiqc = ch_multiqc.mix(TOKENIZE_PEAKS.out.multiqc)
    }
    if ('pretrain' in steps) {
        PRETRAIN(ch_store, init, checkpoints, settings, code.train)
        ch_init = PRETRAIN.out.model
        ch_logs = ch_logs.mix(PRETRAIN.out.logs)
    }
    if ('labels' in steps) {
        LABEL_SITES(file(settings.sites), ch_store, PREPARE_GENOME.out.fasta, PREPARE_GENOME.out.fai, 'm6a', settings, code.labels)
        ch_multiqc = ch_multiqc.mix(LABEL_SITES.out.multiqc)
    }

    ch_fold_models = channel.empty()
    def models = m6aModels(settings, steps)
    ch_models = channel.value(models)
    if ('finetune' in steps) {
        FINETUNE(
            LABEL_SITES.out.store,
            LABEL_SITES.out.folds,
            ch_init,
            settings.random_control && ('pretrain' in steps || settings.init_model),
            'm6a',
            checkpoints,
            settings,
            code.train,
        )
        ch_fold_models = FINETUNE.out.model
        ch_models = models ? ch_models : ch_fold_models
            .filter { meta, _model -> meta.method == 'finetuned' }
            .map { _meta, model -> model }
            .collect(sort: { model -> model.name })
        ch_logs = ch_logs.mix(FINETUNE.out.logs)
    }
    if ('predict' in steps) {
        PREDICT(ch_peaks, ch_models, PREPARE_GENOME.out.fasta, PREPARE_GENOME.out.fai, PREPARE_GENOME.out.gtf, settings, code.predict)
    }
    if ('evaluate' in steps) {
        EVALUATE(
            LABEL_SITES.out.store,
            LABEL_SITES.out.folds,
            ch_fold_models.mix(models ? channel.of([[id: 'given', method: models.size() == 1 ? models[0].name : 'models', fold: '', seed: ''], models]) : channel.empty()),
            'pretrain' in steps ? ch_store.map { store -> [store] } : channel.value([]),
            PREPARE_GENOME.out.gtf,
            'm6a',
            settings,
            code,
        )
        ch_multiqc = ch_multiqc.mix(EVALUATE.out.multiqc)
    }
    if ('pretrain' in steps || 'finetune' in steps) {
        ch_sorted_logs = ch_logs.toSortedList { first, second -> first[0] <=> second[0] }
        REPORT_TRAINING(
            ch_sorted_logs.map { logs -> logs.collect { name, _lines -> name } },
            ch_sorted_logs.map { logs -> logs.collect { _name, lines -> lines } },
            code.report.training,
        )
        ch_multiqc = ch_multiqc.mix(REPORT_TRAINING.out.multiqc)
    }

    // assigned here: `name = value` under emit is lost by the strict parser of 25.04
    multiqc = ch_multiqc
    summary = ch_summary

    emit:
    multiqc // channel: path(file)
    summary // channel: [ val(unit), path(json) ]
}
