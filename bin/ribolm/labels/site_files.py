"""What `ribolm-labels sites` leaves behind: BED, parquet, tables of outcomes and quality, bedRMod where measured."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ribolm.errors import DataError
from ribolm.files import atomic_path, require_file, write_json
from ribolm.genome.regions import Region, read_bed, write_bed6
from ribolm.labels.evidence import Evidence
from ribolm.labels.quality import TechniqueQuality, family_histogram, is_drach

if TYPE_CHECKING:
    import polars

BED_COLUMNS = (
    "chrom", "start0", "end0", "name", "score", "strand", "families", "n_families", "techniques", "sources", "level",
    "tissues", "context",
)  # fmt: skip  # thirteen, for twelve would be read as BED12
BEDRMOD = "sites.bedrmod"
OUTCOME_COLUMNS = ("source", "outcome", "count")
QUALITY_COLUMNS = (
    "technique", "family", "sites", "not_a", "not_a_share", "drach_share", "backed_share", "families_per_site",
    "median_level", "n_tissues", "tissues",
)  # fmt: skip
BEDRMOD_HEADER = (
    "fileformat=bedRModv1.8", "organism={organism}", "modification_type=RNA", "assembly={build}", "annotation_source=",
    "annotation_version=", "sequencing_platform=", "basecalling=", "bioinformatics_workflow=ribolm-labels sites",
    "experiment={sources}", "external_source=",
)  # fmt: skip
BEDRMOD_COLUMNS = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb", "coverage",
    "frequency",
)  # fmt: skip


def write_site_files(
    folder: Path, evidence: Evidence, quality: Sequence[TechniqueQuality], build: str, organism: str
) -> None:
    """Write sites.bed, evidence.parquet, outcomes.tsv, label_quality.tsv, summary.json into a folder.

    sites.bedrmod is written as well where a kept site has a measured level and coverage: it is for measured sites only.
    """
    kept = evidence.kept
    n_tables = len(evidence.placed)
    header = "\t".join(BED_COLUMNS)
    write_bed6(folder / "sites.bed", (_region(row, n_tables) for row in kept.iter_rows(named=True)), header)
    with atomic_path(folder / "evidence.parquet") as temporary:
        evidence.sites.write_parquet(temporary)
    _write_table(folder / "outcomes.tsv", OUTCOME_COLUMNS, evidence.outcome_rows())
    others = [f"shared_with.{one.technique}" for one in quality]
    rows = (_quality_row(one, [each.technique for each in quality]) for one in quality)
    _write_table(folder / "label_quality.tsv", (*QUALITY_COLUMNS, *others), rows)
    measured = kept.filter(kept["level"].is_not_null() & (kept["coverage"] > 0))
    if len(measured):
        _write_bedrmod(folder / BEDRMOD, measured, evidence, build, organism)
    write_json(folder / "summary.json", _summary(evidence, quality, build, len(measured)))


def read_site_bed(path: Path) -> list[Region]:
    """Read known sites: BED6 of single bases with a strand. Raises DataError naming the first that is not."""
    sites = read_bed(require_file(path))
    for site in sites:
        if site.strand not in ("+", "-"):
            raise DataError(f"{path.name}: site {site.chrom}:{site.start0} has no strand. Write + or - in column 6.")
        if site.end0 != site.start0 + 1:
            raise DataError(f"{path.name}: {site.chrom}:{site.start0}-{site.end0} is not one base. Give single sites.")
    return sites


def _region(row: dict[str, Any], n_tables: int) -> Region:
    level = "." if row["level"] is None else f"{row['level']:.4f}"
    seen = (row["families"], str(row["n_families"]), row["techniques"], row["sources"])
    extra = (*seen, level, row["tissues"] or ".", row["context"])
    name, score = f"{row['n_tables']}of{n_tables}", min(1000, 100 * row["n_tables"])
    return Region(row["chrom"], row["start0"], row["end0"], name, score, row["strand"], (), extra)


def _quality_row(one: TechniqueQuality, names: Sequence[str]) -> tuple[str, ...]:
    numbers = (one.not_a_share, one.drach_share, one.backed_share, one.families_per_site, one.median_level)
    texts = tuple("" if value is None else f"{value:.4f}" for value in numbers)
    overlaps = tuple(str(one.sites if name == one.technique else one.shared_with[name]) for name in names)
    head = (one.technique, one.family, str(one.sites), str(one.not_a), *texts)
    return (*head, str(len(one.tissues)), ";".join(one.tissues), *overlaps)


def _write_bedrmod(path: Path, sites: "polars.DataFrame", evidence: Evidence, build: str, organism: str) -> None:
    """bedRMod 1.8 (EUF specification): frequency in whole per cent; score 100 per table that saw the site."""
    sources = ",".join(one.source for one in evidence.placed)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        for line in BEDRMOD_HEADER:
            handle.write(f"#{line.format(organism=organism, build=build, sources=sources)}\n")
        handle.write("#" + "\t".join(BEDRMOD_COLUMNS) + "\n")
        for row in sites.iter_rows(named=True):
            place = (row["chrom"], row["start0"], row["end0"], "m6A", min(1000, 100 * row["n_tables"]), row["strand"])
            more = (row["start0"], row["end0"], 0, row["coverage"], round(100 * row["level"]))
            handle.write("\t".join(map(str, (*place, *more))) + "\n")


def _summary(evidence: Evidence, quality: Sequence[TechniqueQuality], build: str, n_measured: int) -> dict[str, object]:
    kept = evidence.kept
    return {
        "build": build,
        "tables": {one.source: one.outcomes for one in evidence.placed},
        "techniques": [one.technique for one in quality],
        "families": sorted({one.family for one in quality}),
        "min_families": evidence.min_families,
        "sites_distinct": len(evidence.sites),
        "sites_kept": len(kept),
        "sites_measured": n_measured,
        "sites_by_families": {str(k): n for k, n in family_histogram(evidence).items()},
        "drach_share_kept": float(np.mean(is_drach(kept["context"]))) if len(kept) else None,
    }


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        writer.writerow(columns)
        writer.writerows(rows)
