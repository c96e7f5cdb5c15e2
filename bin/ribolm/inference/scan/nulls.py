"""What chance gives: scores of candidates whose surroundings were shuffled, and known sites moved aside.

The composition-matched null asks how many calls a genome would give in which every candidate keeps its signal
hexamers, its cleavage bases and the dinucleotides of its surroundings, but nothing of their order. It treats a whole
group of candidates that suppression unites, because a call has the best of several scores, and so must its null. It
takes no share of true sites off, so that the rate is rather too high than too low; it says nothing about sequences
that are no sites for other reasons than order (repeats, and what the model was never shown).

The shifted null asks how many known sites calls would meet by chance: the same sites moved along their strand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT, CandidateRule
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32
from ribolm.inference.calibration import Float64
from ribolm.inference.scan.gathered import ScoredCandidates
from ribolm.inference.scan.scorer import HEXAMER_ANCHOR_NT, WINDOWS_AT_ONCE, WindowScorer, hexamers_in_reach
from ribolm.inference.scan.suppression import RADIUS_NT
from ribolm.labels.polya.strand_letters import Bool, Places, content_keys, letters_around
from ribolm.sequences.kmer_hashes import UInt64, mixed
from ribolm.sequences.shuffling import shuffle_dinucleotides

GROUPS_AT_ONCE = 1 << 10
KEY_REACH_NT = RADIUS_NT + 50  # letters that decide whether a group is drawn
SHIFTS_NT = (-5000, -2000, -1000, -500, -200, 200, 500, 1000, 2000, 5000)


def draw_groups(genome: Genome, found: ScoredCandidates, owner: Int64, n: int, seed: int) -> tuple[Int64, UInt64]:
    """(row of the call, 64-bit key) of at most n groups, drawn by their letters: strand and order do not matter.

    `owner`: the result of `suppress`. Every group has the same chance. int64 [m], uint64 [m].
    """
    call = np.flatnonzero(owner == np.arange(len(owner)))
    keys = np.empty(len(call), dtype=np.uint64)
    for begin in range(0, len(call), WINDOWS_AT_ONCE):
        part = slice(begin, begin + WINDOWS_AT_ONCE)
        around = letters_around(genome, found.places.take(call[part]), KEY_REACH_NT, KEY_REACH_NT)
        keys[part] = content_keys(around, seed)
    chosen = np.sort(np.argsort(keys, kind="stable")[:n])
    return call[chosen], keys[chosen]


def composition_null(
    scorer: WindowScorer,
    genome: Genome,
    found: ScoredCandidates,
    owner: Int64,
    drawn: tuple[Int64, UInt64],
    rule: CandidateRule,
    radius_nt: int = RADIUS_NT,
    advance: Callable[[int], None] = lambda _: None,
) -> Float32:
    """Best logit of each drawn group after its surroundings were shuffled, float32 [m]."""
    calls, keys = drawn
    is_drawn = np.zeros(len(owner), dtype=bool)
    is_drawn[calls] = True
    members = np.flatnonzero(is_drawn[owner])
    group = np.searchsorted(calls, owner[members])
    by_group = np.argsort(group, kind="stable")
    members, group = members[by_group], group[by_group]
    bounds = np.searchsorted(group, np.arange(len(calls) + 1))
    best = np.empty(len(calls), dtype=np.float32)
    for begin in range(0, len(calls), GROUPS_AT_ONCE):
        end = min(begin + GROUPS_AT_ONCE, len(calls))
        rows = slice(int(bounds[begin]), int(bounds[end]))
        centre = found.places.take(calls[begin:end])
        row = group[rows] - begin
        step = (found.places.at0[members[rows]] - centre.at0[row]) * centre.strand[row]
        best[begin:end] = _null_of(scorer, genome, centre, row, step, mixed(keys[begin:end]), rule, radius_nt)
        advance(end - begin)
    return best


def _null_of(
    scorer: WindowScorer,
    genome: Genome,
    centre: Places,
    row: Int64,
    step: Int64,
    keys: UInt64,
    rule: CandidateRule,
    radius_nt: int,
) -> Float32:
    """`row`: group of each candidate; `step`: its place downstream of the group's centre."""
    before = radius_nt + rule.farthest_nt + scorer.anchor_offset0
    after = radius_nt + scorer.window_nt - 1 - scorer.anchor_offset0
    letters = letters_around(genome, centre, before, max(after, radius_nt))
    at = before + step
    upstream = letters[row[:, None], at[:, None] - rule.farthest_nt + np.arange(rule.farthest_nt + 1)]
    hit, distance = hexamers_in_reach(upstream, rule)
    is_fixed = np.zeros(letters.shape, dtype=bool)
    is_fixed[row, at] = is_fixed[row, at - 1] = True
    for k in range(HEXAMER_NT):
        is_fixed[row[hit], at[hit] - distance + k] = True
    shuffled = shuffle_dinucleotides(letters, is_fixed, keys)
    if scorer.anchor == "hexamer":
        upstream = shuffled[row[:, None], at[:, None] - rule.farthest_nt + np.arange(rule.farthest_nt + 1)]
        hit, distance = hexamers_in_reach(upstream, rule)
        row, at = row[hit], at[hit] - distance + HEXAMER_ANCHOR_NT
    pair = np.unique(row * shuffled.shape[1] + at)
    row, at = np.divmod(pair, shuffled.shape[1])
    best = np.full(len(centre), -np.inf, dtype=np.float32)
    np.maximum.at(best, row, _score_cut(scorer, shuffled, row, at))
    return best


def _score_cut(scorer: WindowScorer, letters: Letters, row: Int64, at: Int64) -> Float32:
    logits = np.empty(len(row), dtype=np.float32)
    for begin in range(0, len(row), WINDOWS_AT_ONCE):
        part = slice(begin, begin + WINDOWS_AT_ONCE)
        columns = at[part, None] - scorer.anchor_offset0 + np.arange(scorer.window_nt)
        logits[part] = scorer.score(letters[row[part, None], columns])
    return logits


def false_discovery_rates(calls: Float32, null: Float32) -> Float64:
    """Estimated share of false ones among the calls that score at least as high, of each call, float64 [n].

    FDR(t) = N · (1 + nulls >= t) / (1 + nulls) / (calls >= t), at most 1, and no call has a higher one than a call
    with a lower score (q-value; Storey and Tibshirani 2003, doi 10.1073/pnas.1530509100, with their share of nulls set
    to 1). The ones count the calls themselves among the nulls, so that few nulls cannot give a rate of 0. 1 without a
    null.
    """
    if not len(calls) or not len(null):
        return np.ones(len(calls))
    levels, inverse = np.unique(calls, return_inverse=True)
    n_calls = len(calls) - np.searchsorted(np.sort(calls), levels, side="left")
    n_null = len(null) - np.searchsorted(np.sort(null), levels, side="left")
    rate = np.minimum(len(calls) * (1 + n_null) / (1 + len(null)) / n_calls, 1.0)
    return np.asarray(np.minimum.accumulate(rate)[inverse], dtype=np.float64)


def distances_to(places: Places, targets: Places) -> tuple[Int64, Int64]:
    """(row of the nearest target of the same contig and strand, signed distance downstream of it), int64 [n] each.

    Row -1 without one. Of two equally near, the upstream one.
    """
    best, row = np.full(len(places), np.iinfo(np.int64).max), np.full(len(places), -1, dtype=np.int64)
    signed = np.zeros(len(places), dtype=np.int64)
    for strand in (1, -1):
        mine = np.flatnonzero(places.strand == strand)
        there = np.flatnonzero(targets.strand == strand)
        if not len(mine) or not len(there):
            continue
        low = int(min(targets.at0[there].min(), places.at0[mine].min()))
        span = 4 * (int(max(targets.at0[there].max(), places.at0[mine].max())) - low + 1)
        key = targets.contig[there] * span + (targets.at0[there] - low) * strand
        order = np.argsort(key, kind="stable")
        asked = places.contig[mine] * span + (places.at0[mine] - low) * strand
        after = np.searchsorted(key[order], asked, side="right")
        for at in (after - 1, after):  # upstream first: a tie keeps it
            target = there[order[np.clip(at, 0, len(there) - 1)]]
            apart = (places.at0[mine] - targets.at0[target]) * strand
            valid = (at >= 0) & (at < len(there)) & (targets.contig[target] == places.contig[mine])
            nearer = valid & (np.abs(apart) < best[mine])
            best[mine[nearer]], row[mine[nearer]] = np.abs(apart[nearer]), target[nearer]
            signed[mine[nearer]] = apart[nearer]
    return row, signed


def near(places: Places, targets: Places, within_nt: int) -> Bool:
    """Which places have a target of their strand at most `within_nt` away, bool [n]."""
    row, distance = distances_to(places, targets)
    return np.asarray((row >= 0) & (np.abs(distance) <= within_nt))
