"""ribolm-peaks: enriched places of IP over input libraries, and what lies under them."""

import inspect
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ribolm.cli import REQUIRED, Spec, add_command, new_app, run
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.peaks.options import CallOptions


MAX_NT = 1_000_000  # no exon is longer; larger numbers are slips of the keyboard


class Test(StrEnum):
    """Distribution of counts."""

    poisson = "poisson"
    negative_binomial = "negative-binomial"


class Strandedness(StrEnum):
    """Strand of read 1 with respect to its transcript."""

    auto = "auto"
    unstranded = "unstranded"
    forward = "forward"
    reverse = "reverse"


class Multimappers(StrEnum):
    """Which alignments of multi-mapped reads count."""

    primary = "primary"
    unique = "unique"
    all = "all"


class Duplicates(StrEnum):
    """Whether alignments flagged as duplicates count."""

    keep = "keep"
    exclude = "exclude"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-peaks."""
    return run(app, argv, "ribolm-peaks")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_call, _add_size_factors, _add_annotate):
        add(cli)
    return cli


BAMS = list[str] | None
FILTER_OPTIONS = (
    Spec("min_mapq", int, 0, "Least mapping quality.", {"min": 0, "max": 255}),
    Spec(
        "multimappers",
        Multimappers,
        Multimappers.primary,
        "Multi-mapped reads: primary alignment, none, or all of them.",
    ),
    Spec("duplicates", Duplicates, Duplicates.keep, "Alignments flagged as duplicates."),
)
CALL_OPTIONS = (
    Spec("gtf", Path, REQUIRED, "Genes: plain or gzip GTF with exon rows."),
    Spec("outdir", Path, REQUIRED, "Folder for bins.parquet, peaks.bed, peaks.tsv, summary.json."),
    Spec("ip", BAMS, None, "IP library; repeat per replicate.", {"metavar": "[NAME=]BAM"}),
    Spec("control", BAMS, None, "Input library; repeat per replicate.", {"flag": "--input", "metavar": "[NAME=]BAM"}),
    Spec("fasta", Path | None, None, "Genome, for GC correction and the nearest DRACH."),
    Spec("no_gc", bool, False, "Do not correct for GC.", {"flag": "--no-gc"}),
    Spec("name", str | None, None, "Name of the group [default: name of the output folder]."),
    Spec("test", Test, Test.poisson, "Poisson, or negative binomial with estimated dispersion."),
    Spec("p_cutoff", float, 1e-10, "Largest raw p-value of a called bin.", {"min": 0, "max": 1}),
    Spec("fragment_length", int, 100, "nt on each side of a bin whose GC counts.", {"min": 0, "max": MAX_NT}),
    Spec("bin_size", int, 25, "Width of bins in nt.", {"min": 1, "max": MAX_NT}),
    Spec("step_size", int, 25, "Distance between starts of bins in nt.", {"min": 1, "max": MAX_NT}),
    Spec("strandedness", Strandedness, Strandedness.auto, "Strand of read 1; auto infers it per library."),
    Spec(
        "library_strandedness", BAMS, None, "Strandedness of one library, before all else.", {"metavar": "NAME=VALUE"}
    ),
    *FILTER_OPTIONS,
    Spec("size_factors", Path | None, None, "TSV with the header 'name<tab>size_factor', instead of estimates."),
    Spec("threads", int, 1, "Threads for decompression.", {"min": 1}),
    Spec("bins_tsv", bool, False, "Write bins.tsv.gz (BGZF) as well.", {"flag": "--bins-tsv"}),
)


def _add_call(cli: "typer.Typer") -> None:
    def call(**chosen: Any) -> None:
        """Call peaks of IP over input in exon space (exomePeak2's published algorithm)."""
        from ribolm.peaks.caller import call_peaks

        call_peaks(_call_options(**chosen))

    call.__signature__ = inspect.Signature([spec.parameter() for spec in CALL_OPTIONS])  # type: ignore[attr-defined]
    cli.command()(call)


def _call_options(
    *,
    ip: list[str] | None,
    control: list[str] | None,
    name: str | None,
    no_gc: bool,
    library_strandedness: list[str] | None,
    min_mapq: int,
    multimappers: Multimappers,
    duplicates: Duplicates,
    **plain: Any,
) -> "CallOptions":
    """Check what Typer cannot, and gather the parameters of the call."""
    from ribolm.peaks.libraries import parse_assignments, parse_libraries
    from ribolm.peaks.options import CallOptions
    from ribolm.reads.alignments import ReadFilter
    from ribolm.reads.libraries import check_name

    if plain["p_cutoff"] != plain["p_cutoff"]:  # NaN passes every range
        raise UsageError("Invalid value for '--p-cutoff': nan is not a number from 0 to 1.")
    if plain["step_size"] > plain["bin_size"]:
        raise UsageError(
            f"--step-size {plain['step_size']} is above --bin-size {plain['bin_size']}: bases between bins would be "
            "lost. Give a step of at most one bin."
        )
    libraries = parse_libraries(ip or [], control or [])
    texts: dict[str, Any] = {key: str(value) if isinstance(value, StrEnum) else value for key, value in plain.items()}
    values = [str(value) for value in Strandedness]
    names = [library.name for library in libraries]
    return CallOptions(
        libraries=libraries,
        name=check_name(name or plain["outdir"].resolve().name),
        gc_correction=not no_gc,
        library_strandedness=parse_assignments(library_strandedness or [], "--library-strandedness", values, names),
        read_filter=ReadFilter(min_mapq, multimappers.value, duplicates.value),
        **texts,
    )


SIZE_FACTOR_OPTIONS = (
    Spec("contigs", Path, REQUIRED, "Names of the spike-in contigs, one per line."),
    Spec("out", Path, REQUIRED, "TSV to write: name, size_factor."),
    Spec("bam", BAMS, None, "Library; repeat.", {"metavar": "[NAME=]BAM"}),
    *FILTER_OPTIONS,
    Spec("threads", int, 1, "Threads for decompression.", {"min": 1}),
)


def _add_size_factors(cli: "typer.Typer") -> None:
    def size_factors(
        contigs: Path,
        out: Path,
        bam: list[str] | None,
        min_mapq: int,
        multimappers: Multimappers,
        duplicates: Duplicates,
        threads: int,
    ) -> None:
        """Size factors from the fragments on spike-in contigs: counts over their geometric mean."""
        from ribolm.peaks.spike_ins import write_spike_in_factors
        from ribolm.reads.alignments import ReadFilter
        from ribolm.reads.libraries import parse_bams

        chosen = ReadFilter(min_mapq, multimappers.value, duplicates.value)
        write_spike_in_factors(parse_bams(bam or []), contigs, out, chosen, threads)

    add_command(cli, "size-factors", SIZE_FACTOR_OPTIONS, size_factors)


def _add_annotate(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def annotate(
        narrowpeak: Annotated[Path, Option(help="Peaks of MACS3: plain or gzip narrowPeak.")],
        gtf: Annotated[Path, Option(help="Genes: plain or gzip GTF with exon rows.")],
        name: Annotated[str, Option(help="Name of the group.")],
        outdir: Annotated[Path, Option(help="Folder for peaks.bed, peaks.tsv, summary.json.")],
        fasta: Annotated[Path | None, Option(help="Genome, for the nearest DRACH.")] = None,
    ) -> None:
        """Give unstranded peaks of another caller strand, genes and feature by overlapping exons."""
        from ribolm.peaks.narrow_peaks import annotate_narrow_peaks
        from ribolm.reads.libraries import check_name

        annotate_narrow_peaks(narrowpeak, gtf, fasta, check_name(name), outdir)
