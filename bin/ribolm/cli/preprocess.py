"""ribolm-preprocess: check and normalise what the user gives, before anything is computed from it."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.cli.preprocess_structures import add_structures
from ribolm.console import choice

if TYPE_CHECKING:
    import typer


class Track(StrEnum):
    """Tracks whose samplesheets this version reads."""

    m6a = "m6a"
    resm = "resm"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-preprocess."""
    return run(app, argv, "ribolm-preprocess")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_samplesheet, _add_genome, _add_alignments, _add_strandedness, add_structures):
        add(cli)
    return cli


def _add_samplesheet(cli: "typer.Typer") -> None:
    import typer

    @cli.command()
    def samplesheet(
        sheet: Annotated[Path, typer.Option(help="Samplesheet: CSV, one row per lane of a library, or per file.")],
        outdir: Annotated[Path, typer.Option(help="Folder for lanes.csv and pairs.csv, or datasets.csv (resm).")],
        track: Annotated[Track, typer.Option(help="Track whose columns the sheet has.")] = Track.m6a,
    ) -> None:
        """Check a samplesheet and write its libraries and IP-input pairs, or its data sets."""
        from ribolm.samplesheet.normalise import normalise_m6a, normalise_resm

        if track is Track.resm:
            print(f"{len(normalise_resm(sheet, outdir))} files: {outdir}/datasets.csv")
            return
        libraries, pairs = normalise_m6a(sheet, outdir)
        print(f"{len(libraries)} libraries, {len(pairs)} IP-input pairs: {outdir}/lanes.csv, {outdir}/pairs.csv")


def _add_genome(cli: "typer.Typer") -> None:
    import typer

    @cli.command()
    def genome(
        fasta: Annotated[Path, typer.Option(help="Genome, plain or gzip FASTA.")],
        gtf: Annotated[Path, typer.Option(help="Genes, plain or gzip GTF with exon rows.")],
        outdir: Annotated[Path, typer.Option(help="Folder for genome.fa, genes.gtf and their tables.")],
        spikein_fasta: Annotated[Path | None, typer.Option(help="Spike-in sequences to align against as well.")] = None,
        peaks: Annotated[list[Path] | None, typer.Option(help="BED that must lie on the genome; repeat.")] = None,
    ) -> None:
        """Compare genome and genes, and write both in the form that every later step reads."""
        from ribolm.genome.prepare import prepare_genome

        summary = prepare_genome(fasta, gtf, spikein_fasta, outdir, peaks or [])
        print(
            f"{summary['contigs']} contigs, {summary['length_nt']:,} nt, {summary['genes']} genes: {outdir}/genome.json"
        )


def _add_alignments(cli: "typer.Typer") -> None:
    import typer

    @cli.command()
    def alignments(
        bam: Annotated[Path, typer.Option(help="Alignments of one library.")],
        fai: Annotated[Path, typer.Option(help="Index of the prepared FASTA (genome.fa.fai).")],
        out: Annotated[Path, typer.Option(help="Checked BAM to write; its index is written beside it.")],
        threads: Annotated[int, typer.Option(min=1, help="Threads for samtools.")] = 1,
    ) -> None:
        """Check a BAM against the genome, sort it where needed, and index it."""
        from ribolm.reads.bam_check import prepare_bam

        was_sorted = prepare_bam(bam, fai, out, threads)
        print(f"{out}: {'checked' if was_sorted else 'checked and sorted'}")


def _add_strandedness(cli: "typer.Typer") -> None:
    import typer

    @cli.command()
    def strandedness(
        bam: Annotated[str, typer.Option(metavar="[NAME=]BAM", help="Alignments of one library.")],
        gtf: Annotated[Path, typer.Option(help="Genes, plain or gzip GTF with exon rows.")],
        out: Annotated[Path, typer.Option(help="JSON file to write.")],
    ) -> None:
        """Tell whether read 1 has the strand of its transcript, the other one, or either."""
        from ribolm.files import write_json
        from ribolm.genome.annotation import read_gtf
        from ribolm.genome.contigs import require_shared_contigs
        from ribolm.genome.exon_space import build_exon_space
        from ribolm.reads.bam_stream import open_bam
        from ribolm.reads.libraries import parse_library
        from ribolm.reads.strandedness import infer_strandedness

        library, annotation = parse_library(bam, "bam"), read_gtf(gtf)
        contigs = open_bam(library.path).contigs
        require_shared_contigs(annotation.label, annotation.chroms, f"BAM {library.path.name}", contigs)
        estimate = infer_strandedness(library.path, build_exon_space(annotation, contigs))
        write_json(out, {"library": library.name, **vars(estimate)})
        choice(f"strandedness of {library.name}", estimate.strandedness, estimate.reason)
