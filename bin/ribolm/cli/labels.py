"""ribolm-labels: m6A and poly(A) sites, structures and values as labels on stored sequences; folds."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ribolm.cli import REQUIRED, Spec, add_command, new_app, run
from ribolm.cli.labels_polya import add_polya, add_polya_tokens
from ribolm.cli.labels_structures import add_structures
from ribolm.cli.labels_values import add_values
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.labels.sites import SiteSource


class Unit(StrEnum):
    """What stays together in one fold."""

    gene = "gene"
    chromosome = "chromosome"
    similarity = "similarity"
    random = "random"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-labels."""
    return run(app, argv, "ribolm-labels")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_sites, _add_tokens, add_polya, add_polya_tokens, add_structures, add_values, _add_folds):
        add(cli)
    return cli


SITES_OPTIONS = (
    Spec("fasta", Path, REQUIRED, "Genome: plain or gzip FASTA."),
    Spec("outdir", Path, REQUIRED, "Folder for sites.bed, evidence.parquet, outcomes.tsv, summary.json, …"),
    Spec("sheet", Path | None, None, "CSV: source, path, technique, build[, format], one table a row."),
    Spec("table", list[Path] | None, None, "Instead of a sheet: a table of sites; repeat."),
    Spec("technique", str, "", "What measured the sites of --table, where it does not tell."),
    Spec("table_build", str, "", "Genome build of --table [default: that of the genome]."),
    Spec("build", str | None, None, "Build of --fasta [default: that of the tables]."),
    Spec("chain", list[str] | None, None, "Chain file from the build of a table.", {"metavar": "BUILD=FILE"}),
    Spec("families", Path | None, None, "TSV with technique and family [default: ribolm's map]."),
    Spec("min_families", str, "auto", "Families that must agree on a site; auto: 2, or 1 where there is one."),
    Spec("min_level", float, 0.1, "Least measured level, where a table has one.", {"min": 0, "max": 1}),
    Spec("min_coverage", int, 10, "Least coverage in reads, where a table has it.", {"min": 0}),
    Spec("organism", str, "", "NCBI taxon for the header of sites.bedrmod."),
)


def _add_sites(cli: "typer.Typer") -> None:
    def sites(fasta: Path, outdir: Path, organism: str, **chosen: Any) -> None:
        """Unite tables of m6A sites (m6A-Atlas v2, GLORI, bedMethyl, BED) into sites that independent families saw."""
        from ribolm.files import atomic_directory
        from ribolm.genome.fasta import Genome
        from ribolm.labels.families import read_families
        from ribolm.labels.label_sites import gather_evidence
        from ribolm.labels.liftover import parse_chains
        from ribolm.labels.placing import Limits
        from ribolm.labels.quality import measure_quality
        from ribolm.labels.site_files import BEDRMOD, write_site_files
        from ribolm.labels.sites import genome_build
        from ribolm.report.m6a_sites.label_quality import write_label_sections

        tables = _tables(**chosen)
        build, families = genome_build(tables, chosen["build"]), read_families(chosen["families"])
        chains, limits = parse_chains(chosen["chain"] or []), Limits(chosen["min_level"], chosen["min_coverage"])
        genome = Genome.open(fasta)
        evidence = gather_evidence(tables, genome, build, chains, families, chosen["min_families"], limits)
        quality = measure_quality(evidence, families)
        with atomic_directory(outdir, optional=(BEDRMOD,)) as folder:
            write_site_files(folder, evidence, quality, build, organism)
            write_label_sections(folder, evidence, quality)
        print(f"{len(evidence.kept):,} of {len(evidence.sites):,} sites kept: {outdir}/sites.bed")

    add_command(cli, "sites", SITES_OPTIONS, sites)


def _tables(
    sheet: Path | None, table: list[Path] | None, technique: str, table_build: str, build: str | None, **_rest: Any
) -> "list[SiteSource]":
    """The tables of the sheet, or those named one by one."""
    from ribolm.labels.sites import read_sheet, sources_of_tables

    if (sheet is None) == (not table):
        raise UsageError("Give either --sheet or --table.")
    if sheet and (technique or table_build):
        unused = "--technique" if technique else "--table-build"
        raise UsageError(f"{unused} has no effect with --sheet, which has a column for it. Fill that, or leave it out.")
    return read_sheet(sheet) if sheet else sources_of_tables(table or [], technique, table_build or build or "")


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
        by: Annotated[
            Unit,
            Option(help="What stays together: overlapping genes, chromosomes, similar sequences; or nothing."),
        ] = Unit.gene,
        folds: Annotated[int, Option(min=2, max=1000, help="Number of folds.")] = 5,
        test_share: Annotated[
            float | None, Option(min=0, max=1, help="Share of fold 0, to be tested; the others share the rest evenly.")
        ] = None,
        seed: Annotated[int, Option(min=0, help="Seed of the deal.")] = 1,
    ) -> None:
        """Deal the sequences of a store into folds of whole genes, chromosomes or families of similar sequences."""
        from ribolm.labels.folds import deal_folds

        print(f"{deal_folds(store, out, by.value, folds, seed, test_share)}: {out}")
