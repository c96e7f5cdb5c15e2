"""A MeRIP-seq experiment with known truth: genome, genes, methylated sites, IP and input libraries."""

from pathlib import Path

import numpy as np

from ribolm.console import Progress
from ribolm.errors import UsageError
from ribolm.files import atomic_directory, atomic_path
from ribolm.simulation.m6a_annotation import write_gtf
from ribolm.simulation.m6a_context import plant_context
from ribolm.simulation.m6a_evidence import write_evidence
from ribolm.simulation.m6a_fastq import write_fastq
from ribolm.simulation.m6a_fragments import Experiment, Fragments, draw_fragments, running_gc
from ribolm.simulation.m6a_methylation import draw_abundance, draw_sites
from ribolm.simulation.m6a_options import Library, M6aOptions, libraries
from ribolm.simulation.m6a_reads import make_reads
from ribolm.simulation.m6a_transcriptome import build_transcriptome
from ribolm.simulation.m6a_truth import write_truth
from ribolm.simulation.text_files import write_fasta

FORMATS = ("fastq", "bam", "both")
SHEET_COLUMNS = ("sample", "group", "replicate", "assay", "fastq_1", "fastq_2", "bam", "strandedness")


def make_experiment(options: M6aOptions) -> Experiment:
    """Draw genome, transcripts, expression and sites: everything that the libraries share.

    Raises UsageError when no transcript is long enough for a fragment.
    """
    transcripts = build_transcriptome(options)
    if transcripts.length_nt.max() < options.fragment_length_nt:
        raise UsageError(
            f"--fragment-length {options.fragment_length_nt} is longer than every simulated transcript "
            f"(at most {transcripts.length_nt.max()} nt). Ask for shorter fragments or more --genes."
        )
    abundance = draw_abundance(transcripts, options)
    transcripts, sites = plant_context(transcripts, draw_sites(transcripts, abundance, options), options)
    gc_before = running_gc(transcripts) if options.gc_bias else None
    return Experiment(options, transcripts, abundance, sites, gc_before)


def simulate_m6a(options: M6aOptions, outdir: Path, file_format: str = "fastq") -> str:
    """Write an experiment into a folder: genome, annotation, reads (`fastq`, `bam` or `both`), sheet, truth, evidence.

    Returns one sentence of what it holds. The same options give the same bytes; nothing is left behind when it fails.
    """
    experiment = make_experiment(options)
    with atomic_directory(outdir) as folder:
        _write_genome(folder, experiment)
        drawn: dict[str, Fragments] = {}
        with Progress("simulated", len(libraries(options)), "libraries") as progress:
            for library in libraries(options):
                drawn[library.name] = draw_fragments(experiment, library)
                _write_reads(folder, experiment, library, drawn[library.name], file_format)
                progress.advance()
        write_truth(folder / "truth", experiment, drawn)
        write_evidence(folder / "evidence", experiment)
        _write_sheet(folder / "samplesheet.csv", options, file_format != "bam")
        if file_format == "both":
            _write_sheet(folder / "samplesheet_bam.csv", options, False)
    return f"{_totals(experiment)}: {outdir}/samplesheet.csv"


def _write_genome(folder: Path, experiment: Experiment) -> None:
    transcripts = experiment.transcripts
    edges = zip(transcripts.contig_offset[:-1], transcripts.contig_offset[1:], strict=True)
    contigs = [transcripts.genome[a:b] for a, b in edges]
    first_spike = len(contigs) - transcripts.n_spikein
    names = list(transcripts.contig_names)
    write_fasta(folder / "genome.fa.gz", names[:first_spike], contigs[:first_spike])
    if transcripts.n_spikein:
        write_fasta(folder / "spikein.fa.gz", names[first_spike:], contigs[first_spike:])
    write_gtf(folder / "genes.gtf.gz", transcripts)


def _write_reads(
    folder: Path, experiment: Experiment, library: Library, fragments: Fragments, file_format: str
) -> None:
    reads = make_reads(experiment.transcripts, fragments, library, experiment.options)
    if file_format in ("fastq", "both"):
        for mate in range(reads.mates):
            write_fastq(folder / _fastq(library, mate), reads, mate)
    if file_format in ("bam", "both"):
        from ribolm.simulation.m6a_bam import write_bam

        write_bam(folder / _bam(library), reads)


def _fastq(library: Library, mate: int) -> str:
    return f"fastq/{library.name}_{mate + 1}.fastq.gz"


def _bam(library: Library) -> str:
    return f"bam/{library.name}.bam"


def _write_sheet(path: Path, options: M6aOptions, fastq: bool) -> None:
    """Write the samplesheet; paths are relative to it, strandedness is left for ribolm to infer."""
    mates = 1 if options.single_end else 2
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(",".join(SHEET_COLUMNS) + "\n")
        for library in libraries(options):
            files = [_fastq(library, mate) if fastq and mate < mates else "" for mate in (0, 1)]
            bam = "" if fastq else _bam(library)
            row = (library.sample, library.group, str(library.replicate), library.assay, *files, bam, "auto")
            handle.write(",".join(row) + "\n")


def _totals(experiment: Experiment) -> str:
    transcripts, sites = experiment.transcripts, experiment.sites
    n_transcripts = len(transcripts.transcript_ids) - transcripts.n_spikein
    expressed = float(np.median(transcripts.length_nt))
    return (
        f"{transcripts.n_annotated_genes} genes, {n_transcripts} transcripts (median {expressed:.0f} nt), "
        f"{len(sites)} sites"
    )
