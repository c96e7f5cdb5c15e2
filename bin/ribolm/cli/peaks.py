"""ribolm-peaks: enriched places of IP over input libraries, and what lies under them."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer


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


def _add_call(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def call(
        gtf: Annotated[Path, Option(help="Genes: plain or gzip GTF with exon rows.")],
        outdir: Annotated[Path, Option(help="Folder for bins.parquet, peaks.bed, peaks.tsv, summary.json.")],
        ip: Annotated[list[str] | None, Option(metavar="[NAME=]BAM", help="IP library; repeat per replicate.")] = None,
        control: Annotated[
            list[str] | None, Option("--input", metavar="[NAME=]BAM", help="Input library; repeat per replicate.")
        ] = None,
        fasta: Annotated[Path | None, Option(help="Genome, for GC correction and DRACH; without it GC stays.")] = None,
        no_gc: Annotated[bool, Option("--no-gc", help="Do not correct for GC.")] = False,
        name: Annotated[str | None, Option(help="Name of the group [default: name of the output folder].")] = None,
        test: Annotated[Test, Option(help="Poisson, or negative binomial with estimated dispersion.")] = Test.poisson,
        p_cutoff: Annotated[float, Option(min=0, max=1, help="Largest raw p-value of a called bin.")] = 1e-10,
        fragment_length: Annotated[
            int, Option(min=0, max=MAX_NT, help="nt on each side of a bin whose GC counts.")
        ] = 100,
        bin_size: Annotated[int, Option(min=1, max=MAX_NT, help="Width of bins in nt.")] = 25,
        step_size: Annotated[int, Option(min=1, max=MAX_NT, help="Distance between starts of bins in nt.")] = 25,
        strandedness: Annotated[
            Strandedness, Option(help="Strand of read 1; auto infers it per library.")
        ] = Strandedness.auto,
        library_strandedness: Annotated[
            list[str] | None, Option(metavar="NAME=VALUE", help="Strandedness of one library, before all else.")
        ] = None,
        min_mapq: Annotated[int, Option(min=0, max=255, help="Least mapping quality.")] = 0,
        multimappers: Annotated[
            Multimappers, Option(help="Multi-mapped reads: primary alignment, none, or all alignments.")
        ] = Multimappers.primary,
        duplicates: Annotated[Duplicates, Option(help="Alignments flagged as duplicates.")] = Duplicates.keep,
        size_factors: Annotated[
            Path | None, Option(help="TSV with the header 'name<tab>size_factor', instead of estimates.")
        ] = None,
        threads: Annotated[int, Option(min=1, help="Threads for decompression.")] = 1,
        bins_tsv: Annotated[bool, Option("--bins-tsv", help="Write bins.tsv.gz (BGZF) as well.")] = False,
    ) -> None:
        """Call peaks of IP over input in exon space (exomePeak2's published algorithm)."""
        from ribolm.peaks.caller import call_peaks
        from ribolm.peaks.libraries import check_name, parse_assignments, parse_libraries
        from ribolm.peaks.options import CallOptions
        from ribolm.reads.alignments import ReadFilter

        if p_cutoff != p_cutoff:  # NaN passes every range
            raise UsageError("Invalid value for '--p-cutoff': nan is not a number from 0 to 1.")
        libraries = parse_libraries(ip or [], control or [])
        names = [library.name for library in libraries]
        values = [str(value) for value in Strandedness]
        strands = parse_assignments(library_strandedness or [], "--library-strandedness", values, names)
        call_peaks(
            CallOptions(
                libraries=libraries,
                gtf=gtf,
                outdir=outdir,
                name=check_name(name or outdir.resolve().name),
                fasta=fasta,
                gc_correction=not no_gc,
                test=str(test),
                p_cutoff=p_cutoff,
                fragment_length=fragment_length,
                bin_size=bin_size,
                step_size=step_size,
                strandedness=str(strandedness),
                library_strandedness=strands,
                read_filter=ReadFilter(min_mapq, multimappers.value, duplicates.value),
                size_factors=size_factors,
                threads=threads,
                bins_tsv=bins_tsv,
            )
        )


def _add_size_factors(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def size_factors(
        contigs: Annotated[Path, Option(help="Names of the spike-in contigs, one per line.")],
        out: Annotated[Path, Option(help="TSV to write: name, size_factor.")],
        bam: Annotated[list[str] | None, Option(metavar="[NAME=]BAM", help="Library; repeat.")] = None,
        threads: Annotated[int, Option(min=1, help="Threads for decompression.")] = 1,
    ) -> None:
        """Size factors from the fragments on spike-in contigs: counts over their geometric mean."""
        from ribolm.peaks.spike_ins import write_spike_in_factors
        from ribolm.reads.libraries import parse_bams

        write_spike_in_factors(parse_bams(bam or []), contigs, out, threads)


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
        from ribolm.peaks.libraries import check_name
        from ribolm.peaks.narrow_peaks import annotate_narrow_peaks

        annotate_narrow_peaks(narrowpeak, gtf, fasta, check_name(name), outdir)
