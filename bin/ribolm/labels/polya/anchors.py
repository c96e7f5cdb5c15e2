"""From rows of a site list to anchors: the A right behind the cleavage, one base of the plus strand.

A list may give the last base of the RNA, the A behind it, the pair of both or a whole cluster, counted from 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ribolm.alphabet import Letters
from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs, shown
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.site_lists import SiteList
from ribolm.labels.polya.strand_letters import Places, letters_around

BASES = "ACGTN"
TABLE_REACH_NT = 5
# Meaning of a single base: steps downstream from it to the anchor, and the change of frame of a 1-based place.
MEANINGS: dict[str, tuple[int, int]] = {
    "before": (1, 0),
    "anchor": (0, 0),
    "before1": (1, -1),
    "anchor1": (0, -1),
}
MEANING_TEXT = {
    "before": "the last base before the A, from 0",
    "anchor": "the A itself, from 0",
    "before1": "the last base before the A, from 1",
    "anchor1": "the A itself, from 1",
}
USUAL = "before"
LEAST_JUDGED = 20
LEAST_SHARE, LEAST_LEAD = 0.35, 1.3  # chance gives 0.19 at every offset
CLUSTER_PLACE = 0.65  # in 269 clusters of a real list the representative lies so far downstream in the median


@dataclass(frozen=True)
class Anchors:
    """Anchors of the rows of a list that lie on the genome, in file order; arrays of one length n.

    `row` int64: index into the list. `places`: the anchor, or the place where it would be; `base` uint8: the letter
    there on its strand. `known_low0`, `known_high0` int64: the bases that negatives keep away from, both inclusive.
    """

    row: Int64
    places: Places
    base: Letters
    known_low0: Int64
    known_high0: Int64
    meaning: str
    contig_missing: int

    def __len__(self) -> int:
        return len(self.row)


def find_anchors(sites: SiteList, genome: Genome, base: str = "auto") -> Anchors:
    """Place every row on the genome and find its anchor; no base is ever edited.

    `base` says what a single given base is: `before` (the last base before the A, as in PolyASite), `anchor`, or
    `auto`: told from the bases of the genome, and printed. Raises DataError for contigs named in another style, rows
    beyond the end of their contig; UsageError for an unknown `base`.
    """
    if base not in ("auto", *MEANINGS):
        raise UsageError(f"--base {base} is not known. Choose auto or one of {', '.join(MEANINGS)}.")
    row, contig = _on_genome(sites, genome)
    at0 = np.where(sites.representative0[row] >= 0, sites.representative0[row], sites.start0[row])
    given = Places(contig, at0, sites.strand[row])
    meaning = "before"
    if sites.shape == "base":
        meaning = _meaning(sites, given, genome, base)
        step, frame = MEANINGS[meaning]
        anchor = Places(contig, at0 + frame, given.strand).shifted(step)
    elif sites.shape == "pair":
        anchor = _a_of_pair(sites, row, given, genome)
    else:
        anchor = _a_of_cluster(sites, row, given, genome)
    letters = letters_around(genome, anchor, 0, 0)[:, 0]
    low0 = np.minimum(sites.start0[row], anchor.at0)
    high0 = np.maximum(np.maximum(sites.end0[row] - 1, sites.start0[row]), anchor.at0)
    return Anchors(row, anchor, letters, low0, high0, meaning, len(sites) - len(row))


def _on_genome(sites: SiteList, genome: Genome) -> tuple[Int64, Int64]:
    """Rows on contigs of the genome and the index of the contig; refuses rows beyond its end."""
    names = list(genome.names)
    require_shared_contigs(genome.label, names, sites.label, sites.chroms)
    require_one_naming_style(genome.label, names, sites.label, sites.chroms)
    index = {name: k for k, name in enumerate(names)}
    contig = np.array([index.get(chrom, -1) for chrom in sites.chrom], dtype=np.int64)
    row = np.flatnonzero(contig >= 0)
    if len(row) < len(sites):
        missing = [chrom for chrom in sites.chroms if chrom not in index]
        text = f"{len(sites) - len(row):,} rows on contigs that {genome.label} lacks are left out"
        notice(f"{sites.path.name}: {text} ({shown(missing)}).")
    lengths = np.diff(genome.offsets)[contig[row]]
    beyond = np.flatnonzero(np.maximum(sites.end0[row], sites.representative0[row] + 1) > lengths)
    if len(beyond):
        k = int(row[beyond[0]])
        end = max(int(sites.end0[k]), int(sites.representative0[k]) + 1)
        more = f" (and {len(beyond) - 1:,} rows more)" if len(beyond) > 1 else ""
        raise DataError(
            f"{sites.path.name} line {int(sites.line[k])}: place {end:,} lies beyond contig '{sites.chrom[k]}', which "
            f"is {int(lengths[beyond[0]]):,} nt long in {genome.path.name}{more}. Use sites and a FASTA of one build."
        )
    return row, contig[row]


def _meaning(sites: SiteList, given: Places, genome: Genome, base: str) -> str:
    """What the given base is, by the share of sites with an A behind a base that is none, for every meaning."""
    if base != "auto" or not len(given):
        return USUAL if base == "auto" else base
    shares, n_known = anchor_shares(given, genome)
    best = max(MEANINGS, key=lambda name: shares[name])
    runner_up = max((share for share in shares.values() if share < shares[best]), default=0.0)
    is_clear = shares[best] >= LEAST_SHARE and shares[best] >= LEAST_LEAD * runner_up and n_known >= LEAST_JUDGED
    what, share = f"base given by {sites.path.name}", f"{shares[best]:.0%} of the sites of either strand"
    if (sites.representative0 >= 0).any() or not is_clear:
        if is_clear and best != USUAL:
            notice(
                f"{what}: is {MEANING_TEXT[best]} in {share}; the format says {MEANING_TEXT[USUAL]}. Check the list."
            )
        reason = "what the format says" if n_known >= LEAST_JUDGED and is_clear else f"an A is new at {share} at best"
        choice(what, MEANING_TEXT[USUAL], f"{reason}; --base sets it")
        return USUAL
    choice(what, MEANING_TEXT[best], f"makes {share} an A behind another base")
    if best.endswith("1"):
        notice(f"{sites.path.name}: places counted from 1 are moved to 0-based ones.")
    return best


def anchor_shares(given: Places, genome: Genome) -> tuple[dict[str, float], int]:
    """Share of known places where each meaning gives an A behind a base that is none; number of known places.

    Where both strands have enough sites it is the lower share of the two: a shift of the frame is right on one alone.
    """
    shares, n_known = {}, 0
    for name, (step, frame) in MEANINGS.items():
        moved = Places(given.contig, given.at0 + frame, given.strand).shifted(step)
        pair = letters_around(genome, moved, 1, 0)
        known = ~(pair == ord("N")).any(axis=1)
        is_new_a = (pair[:, 1] == ord("A")) & (pair[:, 0] != ord("A"))
        strands = [known & (given.strand == strand) for strand in (1, -1)]
        judged = [one for one in strands if one.sum() >= LEAST_JUDGED // 2] or [known]
        shares[name] = min(float(is_new_a[one].mean()) if one.any() else 0.0 for one in judged)
        n_known = max(n_known, int(known.sum()))
    return shares, n_known


def _a_of_pair(sites: SiteList, row: Int64, given: Places, genome: Genome) -> Places:
    """The first A of the two bases in the direction of the RNA; the second base where there is none."""
    upstream = np.where(given.strand > 0, sites.start0[row], sites.end0[row] - 1)
    first = Places(given.contig, upstream, given.strand)
    last_step = sites.end0[row] - sites.start0[row] - 1
    is_a = letters_around(genome, first, 0, 0)[:, 0] == ord("A")
    return first.shifted(np.where(is_a, 0, last_step))


def _a_of_cluster(sites: SiteList, row: Int64, given: Places, genome: Genome) -> Places:
    """The A behind another base that is nearest to the usual place in each cluster, else that place."""
    upstream = np.where(given.strand > 0, sites.start0[row], sites.end0[row] - 1)
    width = np.maximum(sites.end0[row] - sites.start0[row], 1)
    wanted = np.rint(CLUSTER_PLACE * (width - 1)).astype(np.int64)
    step = wanted + 1
    for at in np.unique(width):
        mine = np.flatnonzero(width == at)
        first = Places(given.contig[mine], upstream[mine], given.strand[mine])
        letters = letters_around(genome, first, 0, int(at))  # the base behind the cluster may be the A
        is_new_a = (letters[:, 1:] == ord("A")) & (letters[:, :-1] != ord("A"))
        far = np.abs(np.arange(int(at)) - wanted[mine][:, None]) + np.where(is_new_a, 0, 1 << 40)
        has = is_new_a.any(axis=1)
        step[mine[has]] = far[has].argmin(axis=1) + 1
    return Places(given.contig, upstream, given.strand).shifted(step)


def base_table(genome: Genome, places: Places, reach_nt: int = TABLE_REACH_NT) -> list[tuple[int, dict[str, int]]]:
    """Counts of ACGTN at every offset from the anchors on their strand, from -reach to +reach."""
    letters = letters_around(genome, places, reach_nt, reach_nt)
    return [
        (offset, {base: int((letters[:, k] == ord(base)).sum()) for base in BASES})
        for k, offset in enumerate(range(-reach_nt, reach_nt + 1))
    ]


def base_table_text(table: Sequence[tuple[int, dict[str, int]]]) -> str:
    """The table of bases as lines for a log, shares in per cent of the known bases."""
    lines = ["bases around the anchor, % of known, on the strand of the site:"]
    for offset, counts in table:
        known = sum(counts[base] for base in "ACGT")
        cells = "  ".join(f"{base} {100 * counts[base] / max(known, 1):4.0f}" for base in "ACGT")
        lines.append(f"  {offset:+3d}  {cells}")
    return "\n".join(lines)
