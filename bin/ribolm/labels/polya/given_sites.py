"""Every given site on its anchor, with its base, signal, gene and flags, and whether it can be a positive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import CandidateRule
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.anchors import Anchors, find_anchors
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.internal_priming import DOWNSTREAM_NT, may_be_primed_inside
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.signals import signals_of
from ribolm.labels.polya.site_lists import SiteList
from ribolm.labels.polya.strand_letters import (
    Bool,
    Places,
    contains_unknown,
    letters_around,
    window_letters,
    window_starts0,
)

KEPT = "kept"
# The first that holds is the outcome of a row
LOST = (
    "not_a_site", "same_anchor", "base_unknown", "base_not_a", "window_beyond_contig", "window_with_n",
    "internally_primed",
)  # fmt: skip


@dataclass(frozen=True)
class SiteRules:
    """What a positive must be. `keep_not_a`: anchors that are no A stay, flagged; `keep_primed`: so do primed ones."""

    width_nt: int = 101
    base: str = "auto"
    keep_not_a: bool = False
    keep_primed: bool = True


@dataclass(frozen=True)
class GivenSites:
    """Sites of a list on a genome, by contig, place, + before -; arrays of one length n.

    `row` int64: index in the list; `base` uint8; `hexamer`, `distance_nt` uint8 (255, 0 without); `is_primed` bool;
    `gene` int64: row of `Genes`, -1 without; `outcome`: `kept` or the reason why the row is no positive.
    """

    list: SiteList
    anchors: Anchors
    row: Int64
    places: Places
    base: Letters
    hexamer: npt.NDArray[np.uint8]
    distance_nt: npt.NDArray[np.uint8]
    is_primed: Bool
    gene: Int64
    outcome: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def kept(self) -> Int64:
        """Index of the sites that can be positives, ascending."""
        return np.flatnonzero(self.outcome == KEPT)


def place_sites(
    sites: SiteList, genome: Genome, genes: Genes, rule: CandidateRule, rules: SiteRules, outcomes: Outcomes
) -> GivenSites:
    """Find the anchors of a list and judge each; every row is counted once under `sites`.

    Raises DataError where a list with rows holds no site, and where none of its sites can be a positive.
    """
    anchors = find_anchors(sites, genome, rules.base)
    order = anchors.places.order()
    order = order[np.argsort(~sites.is_site[anchors.row[order]], kind="stable")]  # signals do not hide sites
    row, places = anchors.row[order], anchors.places.take(order)
    base, is_site = anchors.base[order], sites.is_site[anchors.row[order]]
    primed = may_be_primed_inside(letters_around(genome, places, 0, DOWNSTREAM_NT - 1))
    outcome = _outcomes(genome, places, base, is_site, primed, rules)
    hexamer, distance = signals_of(genome, places, rule)
    found = GivenSites(
        sites, anchors, row, places, base, hexamer, distance, primed, genes.owner(places), outcome
    )  # fmt: skip
    outcomes.add("sites", "contig_not_in_genome", anchors.contig_missing)
    for reason in (*LOST, KEPT):
        outcomes.add("sites", reason, int((outcome == reason).sum()))
    _require_some(sites, outcomes)
    return _sorted(found)


def _outcomes(
    genome: Genome, places: Places, base: Letters, is_site: Bool, primed: Bool, rules: SiteRules
) -> npt.NDArray[np.str_]:
    key = np.stack([places.contig, places.at0, places.strand.astype(np.int64)], axis=1)
    first = np.zeros(len(places), dtype=bool)
    first[np.unique(key, axis=0, return_index=True)[1]] = True
    start0 = window_starts0(places, rules.width_nt)
    beyond = (start0 < 0) | (start0 + rules.width_nt > np.diff(genome.offsets)[places.contig])
    tests = {
        "not_a_site": ~is_site,
        "same_anchor": ~first,
        "base_unknown": base == ord("N"),
        "base_not_a": (base != ord("A")) & (not rules.keep_not_a),
        "window_beyond_contig": beyond,
        "window_with_n": contains_unknown(window_letters(genome, places, rules.width_nt)),
        "internally_primed": primed & (not rules.keep_primed),
    }
    return np.select([tests[reason] for reason in LOST], LOST, KEPT) if len(places) else np.zeros(0, dtype="<U20")


def _require_some(sites: SiteList, outcomes: Outcomes) -> None:
    counts = outcomes.of("sites")
    if not len(sites) or counts[KEPT]:
        return
    told = ", ".join(f"{name}: {n:,}" for name, n in counts.items() if n)
    raise DataError(
        f"{sites.path.name}: none of its {len(sites):,} rows can be a positive ({told}). Check that list, --base and "
        "genome belong together."
    )


def _sorted(found: GivenSites) -> GivenSites:
    """Sites by place; rows that are no sites (signals, pseudo-sites) are left out from here on."""
    keep = np.flatnonzero(found.outcome != "not_a_site")
    order = keep[found.places.take(keep).order()]
    columns = {
        name: value[order]
        for name, value in vars(found).items()
        if name not in ("list", "anchors", "places")
    }  # fmt: skip
    return GivenSites(found.list, found.anchors, places=found.places.take(order), **columns)
