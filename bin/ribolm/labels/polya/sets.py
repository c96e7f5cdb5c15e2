"""Gene-Gene and Gene-Intergene: positives, and as many negatives of the same contigs, no window twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS, CandidateRule
from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import GivenSites
from ribolm.labels.polya.negatives import KINDS, KnownSites, Pool, negative_pools, window_keys
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.strand_letters import Bool, Places, window_letters, window_starts0

MATCHED = "_matched"
CANONICAL = ("AATAAA", "ATTAAA")
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SetRules:
    """How sets are made. `hexamers`: those of negatives; `matched`: a variant with the hexamers of the positives."""

    kinds: tuple[str, ...] = KINDS
    hexamers: tuple[str, ...] = CANONICAL
    width_nt: int = 101
    margin_nt: int = 100
    matched: bool = True
    seed: int = 1


@dataclass(frozen=True)
class LabelledSet:
    """Windows of one set by contig, place, + before -; arrays of one length n.

    `label` float32 (1 site, 0 none); `hexamer`, `distance_nt` uint8 (255, 0 without); `is_primed` bool (sites only);
    `gene` int64: row of `Genes`, -1 without; `cluster` int64: unit of splits, -1 without.
    """

    name: str
    width_nt: int
    places: Places
    label: npt.NDArray[np.float32]
    hexamer: UInt8
    distance_nt: UInt8
    is_primed: Bool
    gene: Int64
    cluster: Int64

    def __len__(self) -> int:
        return len(self.label)

    @property
    def starts0(self) -> Int64:
        """Lowest base of each window, int64 [n]."""
        return window_starts0(self.places, self.width_nt)

    def letters(self, genome: Genome, rows: npt.NDArray | None = None) -> Letters:
        """Windows on their own strand, uint8 [n or rows, width]."""
        return window_letters(genome, self.places if rows is None else self.places.take(rows), self.width_nt)


def search_rule(
    preceding: str, nearest_nt: int, farthest_nt: int, width_nt: int, hexamers: Sequence[str] = ()
) -> CandidateRule:
    """Candidates with any of the 18 hexamers whose window of `width_nt` is free of N.

    `hexamers` that are none of the 18 come before them. Raises UsageError for what is no hexamer or no distance.
    """
    known = (*(hexamer for hexamer in hexamers if hexamer not in HEXAMERS), *HEXAMERS)
    return CandidateRule(known, nearest_nt, farthest_nt, preceding, flank_nt=max(width_nt // 2, farthest_nt))


def build_sets(
    genome: Genome,
    genes: Genes,
    given: GivenSites,
    known: KnownSites,
    rule: CandidateRule,
    rules: SetRules,
    outcomes: Outcomes,
) -> list[LabelledSet]:
    """Draw the negatives of every set, contig by contig, and join them with the positives.

    A window occurs once: of equal positives the first stays, negatives equal to a positive or to one another are left
    out. Both classes have the same size on every contig (and per hexamer in a matched set): what is too much is left
    out by the order of `content_keys`. Raises DataError for a set of one class.
    """
    positives = _positives(genome, given, rules, outcomes)
    names = [kind + suffix for kind in rules.kinds for suffix in (("", MATCHED) if rules.matched else ("",))]
    drawn: dict[str, list[tuple[Int64, Pool]]] = {name: [] for name in names}
    seen = {name: np.sort(positives.key) for name in names}
    contigs = np.unique(positives.places.contig)
    for contig, pool in negative_pools(
        genome, genes, known, rule, rules.width_nt, rules.seed, contigs, outcomes
    ):  # fmt: skip
        mine = np.flatnonzero(positives.places.contig == contig)
        for name in names:
            part = _draw(name, mine, positives, pool, rule, rules, seen, outcomes)
            drawn[name].append(part)
    return [_joined(name, genes, given, positives, drawn[name], rules, outcomes) for name in names]


@dataclass(frozen=True)
class _Positives:
    site: Int64
    places: Places
    key: npt.NDArray[np.uint64]
    hexamer: UInt8


def _positives(genome: Genome, given: GivenSites, rules: SetRules, outcomes: Outcomes) -> _Positives:
    site = given.kept
    key = window_keys(genome, given.places.take(site), rules.width_nt, rules.seed)
    first = np.sort(np.unique(key, return_index=True)[1])
    outcomes.add("positives", "sites", len(site))
    outcomes.add("positives", "repeated_window", len(site) - len(first))
    outcomes.add("positives", "distinct", len(first))
    outcomes.add("positives", "flagged_internal_priming", int(given.is_primed[site[first]].sum()))
    outcomes.add("positives", "flagged_not_a", int((given.base[site[first]] != ord("A")).sum()))
    return _Positives(site[first], given.places.take(site[first]), key[first], given.hexamer[site[first]])


def _draw(
    name: str,
    mine: Int64,
    positives: _Positives,
    pool: Pool,
    rule: CandidateRule,
    rules: SetRules,
    seen: dict[str, npt.NDArray[np.uint64]],
    outcomes: Outcomes,
) -> tuple[Int64, Pool]:
    """Positives and negatives of one contig for one set, as many of each per stratum."""
    matched = name.endswith(MATCHED)
    fits = pool.in_gene == (name.removesuffix(MATCHED) == "gene")
    stratum = pool.hexamer.astype(np.int64) if matched else np.zeros(len(fits), dtype=np.int64)
    if not matched:
        fits = fits & np.isin(pool.hexamer, [rule.hexamers.index(one) for one in rules.hexamers])
    of_positive = positives.hexamer[mine].astype(np.int64) if matched else np.zeros(len(mine), dtype=np.int64)
    rows = np.flatnonzero(fits)
    is_new = ~np.isin(pool.key[rows], seen[name])
    is_first = np.zeros(len(rows), dtype=bool)
    is_first[np.unique(pool.key[rows], return_index=True)[1]] = True
    outcomes.add(name, "negative_repeats_a_window", int((~(is_new & is_first)).sum()))
    rows = rows[is_new & is_first]
    rows = rows[np.argsort(pool.key[rows], kind="stable")]
    taken, kept = [], []
    for value in np.unique(of_positive):
        ours, theirs = mine[of_positive == value], rows[stratum[rows] == value]
        n = min(len(ours), len(theirs))
        kept.append(ours[np.argsort(positives.key[ours], kind="stable")][:n])
        taken.append(theirs[:n])
    outcomes.add(name, "negative_not_drawn", len(rows) - sum(map(len, taken)))
    outcomes.add(name, "positive_without_a_negative", len(mine) - sum(map(len, kept)))
    chosen = np.concatenate(taken) if taken else rows[:0]
    seen[name] = np.union1d(seen[name], pool.key[chosen])
    return (np.concatenate(kept) if kept else mine[:0]), pool.take(chosen)


def _joined(
    name: str,
    genes: Genes,
    given: GivenSites,
    positives: _Positives,
    parts: Sequence[tuple[Int64, Pool]],
    rules: SetRules,
    outcomes: Outcomes,
) -> LabelledSet:
    site = positives.site[np.concatenate([rows for rows, _ in parts])] if parts else positives.site
    pools = [pool for _, pool in parts]
    outcomes.add(name, "positives", len(site))
    outcomes.add(name, "negatives", sum(len(pool.key) for pool in pools))
    if not len(site) and len(positives.site):
        if not name.endswith(MATCHED):
            raise _one_class(name, len(positives.site), rules)
        notice(f"Set '{name}' is valid and empty: no negative has the hexamer of a site on its contig.")
    places = Places.joined([given.places.take(site), *(pool.places for pool in pools)])
    label = np.zeros(len(places), dtype=np.float32)
    label[: len(site)] = 1
    primed = np.zeros(len(places), dtype=bool)
    primed[: len(site)] = given.is_primed[site]
    hexamer = np.concatenate([given.hexamer[site], *(pool.hexamer for pool in pools)])
    distance = np.concatenate([given.distance_nt[site], *(pool.distance_nt for pool in pools)])
    order = places.order()
    places = places.take(order)
    start0 = window_starts0(places, rules.width_nt)
    cluster = genes.cluster_of(places.contig, start0, start0 + rules.width_nt)
    columns = (label[order], hexamer[order], distance[order], primed[order])
    return LabelledSet(name, rules.width_nt, places, *columns, genes.owner(places), cluster)


def _one_class(name: str, n_sites: int, rules: SetRules) -> DataError:
    return DataError(
        f"Set '{name}' has {n_sites:,} sites but no negative: no candidate with {' or '.join(rules.hexamers)} lies "
        f"{'in' if name == 'gene' else 'between'} genes of the same contigs, more than {rules.margin_nt} nt from every "
        "known site. Check the annotation, or lower --margin."
    )
