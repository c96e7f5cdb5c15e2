"""ribolm-labels: evidence of m6A sites from any tables, labels on stored sequences, and folds of whole genes."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer


class Unit(StrEnum):
    """What stays together in one fold."""

    gene = "gene"
    chromosome = "chromosome"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-labels."""
    return run(app, argv, "ribolm-labels")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_sites, _add_tokens, _add_folds):
        add(cli)
    return cli


def _add_sites(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def sites(
        fasta: Annotated[Path, Option(help="Genome: plain or gzip FASTA.")],
        outdir: Annotated[Path, Option(help="Folder for sites.bed, evidence.parquet, outcomes.tsv, summary.json, …")],
        sheet: Annotated[
            Path | None, Option(help="CSV: source, path, technique, build[, format], one table a row.")
        ] = None,
        table: Annotated[list[Path] | None, Option(help="Instead of a sheet: a table of sites; repeat.")] = None,
        technique: Annotated[str, Option(help="What measured the sites of --table, where it does not tell.")] = "",
        table_build: Annotated[str, Option(help="Genome build of --table [default: that of the genome].")] = "",
        build: Annotated[str | None, Option(help="Build of --fasta [default: that of the tables].")] = None,
        chain: Annotated[list[str] | None, Option(metavar="BUILD=FILE", help="Chain from a build of a table.")] = None,
        families: Annotated[Path | None, Option(help="TSV technique, family [default: ribolm's map].")] = None,
        min_families: Annotated[
            str, Option(help="Families that must agree on a site; auto: 2 where there are.")
        ] = "auto",
        min_level: Annotated[float, Option(min=0, max=1, help="Least measured level, where a table has one.")] = 0.1,
        min_coverage: Annotated[int, Option(min=0, help="Least coverage, where a table has it.")] = 10,
        organism: Annotated[str, Option(help="NCBI taxon for the header of sites.bedrmod.")] = "",
    ) -> None:
        """Unite tables of m6A sites (m6A-Atlas v2, GLORI, bedMethyl, BED) into sites that independent families saw."""
        from ribolm.files import atomic_directory
        from ribolm.genome.fasta import Genome
        from ribolm.labels.families import read_families
        from ribolm.labels.label_sites import gather_evidence
        from ribolm.labels.liftover import parse_chains
        from ribolm.labels.placing import Limits
        from ribolm.labels.quality import measure_quality
        from ribolm.labels.site_files import write_site_files
        from ribolm.labels.sites import genome_build, read_sheet, sources_of_tables
        from ribolm.report.label_quality import write_label_sections

        if (sheet is None) == (not table):
            raise UsageError("Give either --sheet or --table.")
        named = read_sheet(sheet) if sheet else sources_of_tables(table or [], technique, table_build or build or "")
        of = genome_build(named, build)
        groups, limits = read_families(families), Limits(min_level, min_coverage)
        chains = parse_chains(chain or [])
        evidence = gather_evidence(named, Genome.open(fasta), of, chains, groups, min_families, limits)
        quality = measure_quality(evidence, groups)
        with atomic_directory(outdir) as folder:
            write_site_files(folder, evidence, quality, of, organism)
            write_label_sections(folder, evidence, quality)
        print(f"{len(evidence.kept):,} of {len(evidence.sites):,} sites kept: {outdir}/sites.bed")


def _add_tokens(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def tokens(
        store: Annotated[Path, Option(help="Token store with places (ribolm-tokenize peaks).")],
        sites: Annotated[Path, Option(help="Known sites: BED6 of single bases with a strand.")],
        out: Annotated[Path, Option(help="Folder for the labelled copy of the store.")],
        task: Annotated[str, Option(help="Name of the labels inside the store.")] = "m6a",
    ) -> None:
        """Label every token: 1 a known site, 0 no adenosine, unknown where an A is not known to be a site."""
        from ribolm.labels.token_labels import label_tokens
        from ribolm.sequences.store import TokenStore

        print(f"{label_tokens(TokenStore.open(store), sites, task, out).text()}: {out}")


def _add_folds(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def folds(
        store: Annotated[Path, Option(help="Token store.")],
        out: Annotated[Path, Option(help="TSV to write: row, name, chrom, cluster, fold.")],
        by: Annotated[Unit, Option(help="What stays together: genes that overlap, or chromosomes.")] = Unit.gene,
        folds: Annotated[int, Option(min=2, max=1000, help="Number of folds.")] = 5,
        seed: Annotated[int, Option(min=0, help="Seed of the deal.")] = 1,
    ) -> None:
        """Deal the sequences of a store into folds of whole genes or chromosomes, never of single peaks."""
        from ribolm.labels.folds import deal_folds

        print(f"{deal_folds(store, out, by.value, folds, seed)}: {out}")
