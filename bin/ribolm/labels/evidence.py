"""Sites of all tables together: which independent families of techniques saw each, and which are believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ribolm.console import choice, notice
from ribolm.errors import UsageError
from ribolm.files import is_whole_number
from ribolm.labels.families import SEPARATOR, Families
from ribolm.labels.placing import LOST, OUTCOMES, Placed, joined_names

if TYPE_CHECKING:
    import polars

KEYS = ("chrom", "start0", "strand")
AUTO = "auto"
PREFERRED_FAMILIES = 2


@dataclass(frozen=True)
class Evidence:
    """Distinct sites over all tables, sorted by contig (bytes), position, strand.

    `sites`: chrom, start0, end0, strand, context, n_tables, sources, techniques, n_families, families, level (mean over
    tables that measured it, 0-1 or null), coverage (sum), tissues, kept. `min_families` decides `kept`.
    """

    sites: "polars.DataFrame"
    min_families: int
    placed: tuple[Placed, ...]

    @property
    def kept(self) -> "polars.DataFrame":
        """Sites that enough families saw."""
        return self.sites.filter(self.sites["kept"])

    def outcome_rows(self) -> list[tuple[str, str, int]]:
        """(source, outcome, count) of every table, then of all tables together under the name 'all'."""
        rows = [(one.source, name, one.outcomes[name]) for one in self.placed for name in OUTCOMES]
        n, kept = len(self.sites), int(self.sites["kept"].sum())
        return [*rows, ("all", "distinct", n), ("all", "too_few_families", n - kept), ("all", "kept", kept)]


def tell_losses(placed: Sequence[Placed]) -> None:
    """One notice for every table that lost rows: how many are placed, and why the others are not."""
    for one in placed:
        lost = [f"{one.outcomes[name]:,} {name}" for name in LOST if one.outcomes[name]]
        if lost:
            n, rows = one.outcomes["placed"], one.outcomes["rows"]
            notice(f"{one.source}: {n:,} of {rows:,} rows are placed; left out: {', '.join(lost)}.")


def combine(placed: Sequence[Placed], families: Families, min_families: str) -> Evidence:
    """Unite the tables by (chrom, start0, strand) and count families.

    `min_families` is a whole number from 1, or "auto": 2, or 1 where the tables hold a single family. Raises UsageError
    for anything else.
    """
    import polars

    tell_losses(placed)
    parts = [one.rows.with_columns(polars.lit(one.source).alias("source")) for one in placed]
    united = polars.concat(parts)
    present = families.of({name for cell in united["technique"].unique() for name in _split(cell)})
    least = _least(min_families, present)
    pairs = (("source", "sources"), ("technique", "techniques"), ("tissue", "tissues"))
    text = [joined_names(old).alias(new) for old, new in pairs]
    sites = united.group_by(KEYS, maintain_order=True).agg(
        polars.col("context").first(),
        polars.len().cast(polars.Int64).alias("n_tables"),
        *text,
        polars.col("level").mean(),
        polars.col("coverage").sum().cast(polars.Int64),
    )
    family_of = {cell: families.of(_split(cell)) for cell in sites["techniques"].unique()}
    cells = sites["techniques"]
    sites = sites.with_columns(
        polars.Series("families", [SEPARATOR.join(family_of[cell]) for cell in cells], dtype=polars.String),
        polars.Series("n_families", [len(family_of[cell]) for cell in cells], dtype=polars.Int64),
        end0=polars.col("start0") + 1,
    ).with_columns(kept=polars.col("n_families") >= least)
    _tell_when_empty(sites, least, present)
    order = ["chrom", "start0", "end0", "strand", "context", "n_tables", "sources", "techniques", "n_families",
             "families", "level", "coverage", "tissues", "kept"]  # fmt: skip
    return Evidence(sites.select(order).sort(KEYS), least, tuple(placed))


def _split(cell: str) -> list[str]:
    return [name for name in str(cell).split(SEPARATOR) if name]


def _least(min_families: str, present: Sequence[str]) -> int:
    if min_families == AUTO:
        least = max(1, min(PREFERRED_FAMILIES, len(present)))
        shown = ", ".join(present) or "none"
        choice("families that must agree on a site", least, f"families in the tables: {shown}")
        return least
    if not is_whole_number(min_families) or int(min_families) < 1:
        raise UsageError(f"--min-families {min_families} is neither 'auto' nor a whole number from 1.")
    return int(min_families)


def _tell_when_empty(sites: "polars.DataFrame", least: int, present: Sequence[str]) -> None:
    if not len(sites):
        notice("No site lies on the genome: the results are valid but empty.")
    elif not sites["kept"].any():
        notice(f"No site was seen by {least} families (present: {', '.join(present)}): sites.bed is valid but empty.")
