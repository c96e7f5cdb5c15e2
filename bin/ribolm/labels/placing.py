"""Sites of one table on the genome: lifted where needed, proven to be adenosines, each outcome counted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.console import choice, notice
from ribolm.errors import DataError
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.chains import Chain
from ribolm.labels.families import SEPARATOR
from ribolm.labels.liftover import LIFT_OUTCOMES, lift_sites
from ribolm.labels.site_formats import M6A_CODES
from ribolm.labels.sites import SiteTable

if TYPE_CHECKING:
    import polars

REACH_NT = 2
CONTEXT_NT = 2 * REACH_NT + 1
LEAST_ADENOSINES = 0.5  # by chance about 0.28
LEAST_PLACED_TO_JUDGE = 10
USUAL_ADENOSINES = 0.95  # of a table of one build; below, some of its rows may be of another
USUAL_KNOWN = 0.5  # share of sites on known bases, below which the others say little about the build
LOST = (
    "other_modification", "level_below", "coverage_below", "lift_unmapped", "lift_several", "contig_not_in_genome",
    "base_unknown", "base_not_a", "duplicate",
)  # fmt: skip
OUTCOMES = ("rows", *LOST, "placed", "lift_other_strand")


@dataclass(frozen=True)
class Limits:
    """Rows with a measured level below `least_level` (0-1) or coverage below `least_coverage` reads are left out."""

    least_level: float = 0.1
    least_coverage: int = 10


@dataclass(frozen=True)
class Placed:
    """Distinct sites of one table: chrom, start0, strand, context (five bases), technique, level, coverage, tissue.

    `outcomes` counts rows: `rows` is the sum of all of `LOST` and of `placed`; `lift_other_strand` is a part of those
    that were lifted. `not_a` counts by technique.
    """

    source: str
    rows: "polars.DataFrame"
    outcomes: dict[str, int]
    not_a: dict[str, int]


def place_sites(table: SiteTable, genome: Genome, chain: Chain | None, limits: Limits) -> Placed:
    """Put the sites of a table on the genome.

    Raises DataError when the contig names have nothing in common, a position lies beyond its contig, and when fewer
    than half of the bases are A: then the table, or the chain, is of another build. Tells when some are no A, which
    rows of another build would be, and when most bases are unknown, so that nobody can tell.
    """
    outcomes = dict.fromkeys(OUTCOMES, 0) | {"rows": len(table.rows)}
    rows = _measured(table.rows, limits, outcomes)
    if chain is not None:
        _require_chain_contigs(table, rows, chain)
        rows, lifted = lift_sites(rows, chain)
        outcomes |= {name: lifted[name] for name in LIFT_OUTCOMES}
    rows, offset = _on_contigs(table, rows, genome, outcomes)
    shift = _frame_shift(table, rows, offset, genome)
    rows, offset = rows.with_columns(start0=rows["start0"] + shift), offset + shift
    _require_inside(table, rows, genome, chain)
    contexts = _contexts(genome, offset, (rows["strand"] == "-").to_numpy(), _contig_codes(rows, genome))
    base = contexts[:, REACH_NT]
    is_a, unknown = base == ord("A"), base == ord("N")
    _tell_unknown(table, genome, int(is_a.sum()), int((~unknown).sum()), len(rows))
    _judge_adenosines(table, genome, int(is_a.sum()), int((~unknown).sum()), chain)
    outcomes |= {"base_unknown": int(unknown.sum()), "base_not_a": int((~is_a & ~unknown).sum())}
    rows = rows.with_columns(context=_texts(contexts))
    not_a = dict(rows.filter(~is_a & ~unknown)["technique"].value_counts().iter_rows())
    distinct = _distinct(rows.filter(is_a))
    outcomes |= {"duplicate": int(is_a.sum()) - len(distinct), "placed": len(distinct)}
    if outcomes["duplicate"]:
        notice(f"{table.source.path.name}: {outcomes['duplicate']:,} rows repeat a site and were united with it.")
    return Placed(table.source.source, distinct, outcomes, not_a)


def _measured(rows: "polars.DataFrame", limits: Limits, outcomes: dict[str, int]) -> "polars.DataFrame":
    """Leave out other modifications and what was measured too low or on too few reads; null is no measurement."""
    rules = (
        ("other_modification", rows["modification"].is_in(M6A_CODES).fill_null(True)),
        ("level_below", (rows["level"] >= limits.least_level).fill_null(True)),
        ("coverage_below", (rows["coverage"] >= limits.least_coverage).fill_null(True)),
    )
    keep = np.ones(len(rows), dtype=bool)
    for name, passes in rules:
        outcomes[name] = int((keep & ~passes.to_numpy()).sum())
        keep &= passes.to_numpy()
    return rows.filter(keep)


def _require_chain_contigs(table: SiteTable, rows: "polars.DataFrame", chain: Chain) -> None:
    contigs = sorted(rows["chrom"].unique().to_list(), key=str.encode)
    require_shared_contigs(
        f"table {table.source.path.name}", contigs, f"chain {chain.path.name}", sorted(chain.contigs)
    )


def _on_contigs(
    table: SiteTable, rows: "polars.DataFrame", genome: Genome, outcomes: dict[str, int]
) -> tuple["polars.DataFrame", Int64]:
    """Rows on contigs of the genome, and the index of each site in the genome's letters (int64)."""
    contigs = sorted(rows["chrom"].unique().to_list(), key=str.encode)
    label = f"table {table.source.path.name}"
    require_shared_contigs(genome.label, genome.names, label, contigs)
    require_one_naming_style(genome.label, genome.names, label, contigs)
    known = rows["chrom"].is_in(genome.names).to_numpy()
    outcomes["contig_not_in_genome"] = int((~known).sum())
    rows = rows.filter(known)
    return rows, genome.offsets[_contig_codes(rows, genome)] + rows["start0"].to_numpy()


def _contig_codes(rows: "polars.DataFrame", genome: Genome) -> Int64:
    number = {name: k for k, name in enumerate(genome.names)}
    return np.array([number[name] for name in rows["chrom"]], dtype=np.int64)


def _require_inside(table: SiteTable, rows: "polars.DataFrame", genome: Genome, chain: Chain | None) -> None:
    lengths = genome.lengths
    length_nt = np.array([lengths[name] for name in rows["chrom"]], dtype=np.int64)
    start0 = rows["start0"].to_numpy()
    beyond = np.flatnonzero((start0 >= length_nt) | (start0 < 0))
    if len(beyond):
        k = int(beyond[0])
        how = f" after lifting with {chain.path.name}" if chain else ""
        raise DataError(
            f"{table.source.path.name} line {rows['line'][k]}: {rows['chrom'][k]}:{start0[k]}{how} lies beyond the "
            f"{length_nt[k]:,} nt of that contig in {genome.label} (as do {len(beyond) - 1:,} other sites). "
            f"{_remedy(chain)}"
        )


def _frame_shift(table: SiteTable, rows: "polars.DataFrame", offset: Int64, genome: Genome) -> int:
    """0, or 1 where GLORI's positions turn out to be 0-based: whether they count from 1 is nowhere stated."""
    if table.format != "glori" or not len(rows):
        return 0
    is_minus = (rows["strand"] == "-").to_numpy()
    n = [int((_bases(genome, offset + shift, is_minus) == ord("A")).sum()) for shift in (0, 1)]
    shift = int(n[1] > n[0])
    reason = f"{n[shift]:,} of {len(rows):,} bases are A then, {n[1 - shift]:,} otherwise"
    choice(f"first position of {table.source.path.name}", 1 - shift, reason)
    return shift


def _bases(genome: Genome, offset: Int64, is_minus: npt.NDArray[np.bool_]) -> Letters:
    inside = (offset >= 0) & (offset < len(genome.data))
    letters = np.full(len(offset), ord("N"), dtype=np.uint8)
    letters[inside] = genome.data[offset[inside]]
    return np.where(is_minus, COMPLEMENT[letters], letters).astype(np.uint8)


def _contexts(genome: Genome, offset: Int64, is_minus: npt.NDArray[np.bool_], contig: Int64) -> Letters:
    """The five bases around each site on its strand, uint8 [n, 5]; N beyond the ends of the contig."""
    found = np.full((len(offset), CONTEXT_NT), ord("N"), dtype=np.uint8)
    sign = np.where(is_minus, -1, 1)
    for column, step in enumerate(range(-REACH_NT, REACH_NT + 1)):
        at = offset + sign * step
        inside = (at >= genome.offsets[contig]) & (at < genome.offsets[contig + 1])
        found[inside, column] = _bases(genome, at[inside], is_minus[inside])
    return found


def _texts(contexts: Letters) -> npt.NDArray[np.str_]:
    return np.ascontiguousarray(contexts).view(f"S{CONTEXT_NT}").ravel().astype(str)


def _tell_unknown(table: SiteTable, genome: Genome, n_a: int, n_known: int, n: int) -> None:
    """Say when most sites lie where the genome has no letter: what the others are says little about the build."""
    if n and n_known < USUAL_KNOWN * n:
        notice(
            f"{table.source.path.name}: {n - n_known:,} of {n:,} sites lie on unknown bases (N) of {genome.label}, and "
            f"{n_a:,} of the other {n_known:,} are A. Check that all rows are of this build, and the FASTA whole."
        )


def _judge_adenosines(table: SiteTable, genome: Genome, n_a: int, n_known: int, chain: Chain | None) -> None:
    share = n_a / n_known if n_known else 1.0
    if share >= USUAL_ADENOSINES:
        return
    text = f"{table.source.path.name}: {n_a:,} of {n_known:,} sites are A in {genome.label} ({share:.0%}). "
    if n_known < LEAST_PLACED_TO_JUDGE:
        if share < LEAST_ADENOSINES:
            notice(text + "Too few to judge; check the build of the table.")
        return
    if share < LEAST_ADENOSINES:
        raise DataError(text + _remedy(chain))
    notice(text + "Some rows may be of another genome build, or a base off; what is no A is left out.")


def _remedy(chain: Chain | None) -> str:
    if chain:
        return (
            f"The chain {chain.path.name} does not lead from the build of the table to that of the genome; check both."
        )
    return "The table is of another genome build; state its build and give a chain (--chain BUILD=FILE)."


def joined_names(column: str) -> "polars.Expr":
    """All names in the cells of a group, each once, sorted, joined by ';'; null where there is none."""
    import polars

    names = polars.col(column).drop_nulls().str.split(SEPARATOR).explode().str.strip_chars()
    joined = names.filter(names.str.len_bytes() > 0).unique().sort().str.join(SEPARATOR)
    return polars.when(joined == "").then(None).otherwise(joined)


def _distinct(rows: "polars.DataFrame") -> "polars.DataFrame":
    """One row per place: techniques and tissues united, the highest level, the coverage that belongs to it."""
    import polars

    ordered = rows.sort(["level", "line"], descending=[True, False], nulls_last=True)
    united = [joined_names(name).alias(name) for name in ("technique", "tissue")]
    first = [polars.col(name).first() for name in ("context", "level", "coverage")]
    keys = ["chrom", "start0", "strand"]
    return ordered.group_by(keys, maintain_order=True).agg(*first, *united).sort(keys)
