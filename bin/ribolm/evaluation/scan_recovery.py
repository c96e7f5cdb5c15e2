"""What a genome scan is worth: known sites that its best candidates meet, beside the 4-mer regression and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.errors import DataError
from ribolm.evaluation.bootstrap import DRAWS, Float64, Interval, drawn_weights, interval_note, percentile_interval
from ribolm.evaluation.sequence_level.binned_kmers import BinnedKmers
from ribolm.evaluation.sequence_level.examples import read_examples
from ribolm.evaluation.sequence_level.regression_files import fit_regression, read_regression
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_directory, write_json
from ribolm.genome.coordinates import Int64
from ribolm.inference.batches import Float32
from ribolm.inference.calibration import Calibration
from ribolm.inference.scan.annotate import KnownSites
from ribolm.inference.scan.calls import CallOptions, make_calls
from ribolm.inference.scan.candidate_files import CandidateBlock
from ribolm.inference.scan.gathered import ScoredCandidates
from ribolm.inference.scan.merge import ScanInputs
from ribolm.inference.scan.recovery import Recovery, met, recoveries
from ribolm.inference.scan.scored import score_block
from ribolm.inference.scan.scorer import WindowFaults, WindowScorer
from ribolm.inference.window_models import Anchor, Padding
from ribolm.sequences.store import TokenStore

REGRESSION = "4-mer regression"
APART_NT = 5_000  # sites nearer than this are drawn together
BLOCK = 1 << 16
Row = dict[str, Any]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RegressionScorer:
    """The 4-mer regression put on the same windows as a model."""

    regression: BinnedKmers
    anchor: Anchor
    window_nt: int
    anchor_offset0: int
    padding: Padding = "N"

    def score(self, letters: Letters) -> Float32:
        """Log-odds of windows, float32 [n]."""
        return self.regression.logits(letters).astype(np.float32)

    def provenance(self) -> dict[str, Any]:
        """What it is."""
        return {"models": [REGRESSION], "window_nt": self.window_nt}


@dataclass(frozen=True)
class ScanComparison:
    """Recoveries per method, and the paired differences of the first to each other one; a note on rough intervals.

    `account`: known sites listed, left out (not scanned, unknown bases) and asked for.
    """

    methods: list[Row]
    differences: list[Row]
    account: dict[str, int]
    n_candidates: int
    interval_note: str | None = None

    @property
    def n_known(self) -> int:
        """Known sites that the scan was asked for."""
        return self.account["asked"]


def regression_beside(model: WindowScorer, given: Path, task: str) -> RegressionScorer:
    """The regression put where a model is: read from a file, or fitted on the windows of a store with labels `task`.

    Raises DataError where its windows have another width than the model's, and for what reading and fitting refuse.
    """
    if given.is_dir():
        examples = read_examples(TokenStore.open(given), task)
        if examples.letters is not None:
            _require_width(given, examples.letters.shape[1], model)
        stored = fit_regression(examples, given.name)
    else:
        stored = read_regression(given)
        _require_width(given, stored.window_nt, model)
    return RegressionScorer(stored.regression, model.anchor, model.window_nt, model.anchor_offset0)


def _require_width(given: Path, window_nt: int, model: WindowScorer) -> None:
    if window_nt != model.window_nt:
        raise DataError(
            f"{given.name}: holds windows of {window_nt} nt, the model reads {model.window_nt} nt. Give the windows, "
            "or the regression, that the model learnt from."
        )


def rescored(scorer: WindowScorer, inputs: ScanInputs) -> ScoredCandidates:
    """The same candidates with the logits of another scorer."""
    found = inputs.scored
    names = np.array(found.names, dtype=object)
    logits = np.empty(len(found), dtype=np.float32)
    for begin in range(0, len(found), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(found)))
        block = CandidateBlock(found.places.take(rows), names[found.name[rows]])
        logits[rows] = score_block(scorer, inputs.genome, block, inputs.rule, "scan", WindowFaults())
    return ScoredCandidates(found.places, found.name, found.names, logits)


def compare_scans(
    methods: Sequence[tuple[str, WindowScorer, ScoredCandidates, Calibration]],
    inputs: ScanInputs,
    known: KnownSites,
    options: CallOptions,
    draws: int = DRAWS,
) -> ScanComparison:
    """Recovery of the known sites by every method at the same shares of the same candidates.

    Intervals (95 %) from drawing clusters of sites less than 5 kb apart, the same draws for all methods. Of a scan
    without a candidate nothing is defined, and it is asked for no site.
    """
    sites = inputs.scope.asked(known.places)
    if not len(inputs.scored):
        sites = sites.take(np.zeros(0, dtype=np.int64))
    clusters = _clusters(sites.contig, sites.at0)
    hits: dict[str, list[tuple[Recovery, Bool]]] = {}
    for name, scorer, scored, calibration in methods:
        result = make_calls(scorer, inputs.genome, scored, inputs.rule, calibration, options)
        found = recoveries(inputs.scope, result, known, scored.logit)[:-1]  # the last is no fixed share
        hits[name] = [(one, met(sites, result, one.threshold)) for one in found]
    first, *others = hits
    pairs = [(other, *pair) for other in others for pair in zip(hits[first], hits[other], strict=True)]
    marks = [hit.astype(np.float64) for found in hits.values() for _, hit in found]
    marks += [hit.astype(np.float64) - other_hit for _, (_, hit), (_, other_hit) in pairs]
    intervals = iter(_intervals(marks, clusters, draws, options.seed))
    rows = [
        {"method": name, **one.facts(), **_bounds("recovered", next(intervals))}
        for name, found in hits.items()
        for one, _ in found
    ]
    differences = [
        {"method": first, "other": other, "kept": one.kept, **_difference(next(intervals))}
        for other, (one, _), _ in pairs
    ]
    note = interval_note(draws, int(clusters.max(initial=-1)) + 1, "clusters of sites")
    return ScanComparison(rows, differences, inputs.scope.account(known.places), len(inputs.scored), note)


def write_comparison(outdir: Path, found: ScanComparison, settings: Row) -> None:
    """Write metrics.json, recovery.tsv and differences.tsv."""
    content = {"candidates": found.n_candidates, "known_sites": found.n_known, "account": found.account}
    content |= {"settings": settings, "interval_note": found.interval_note}
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", {**content, "recovery": found.methods, "differences": found.differences})
        write_tsv(out / "recovery.tsv", found.methods)
        write_tsv(out / "differences.tsv", found.differences)


def sentences(found: ScanComparison) -> list[str]:
    """The numbers for the log, both nulls with them; what is missing where no known site or candidate is."""
    if not found.n_candidates:
        return [f"The scan holds no candidate: recovery of the {found.n_known:,} sites is not defined."]
    if not found.n_known:
        listed = found.account["listed"]
        return [
            f"None of {listed:,} known sites lies in what was scanned, with known bases around it: nothing to compare."
        ]
    lines = [
        f"{row['method']}, {row['kept']}: {_share(row, 'recovered')} of {found.n_known:,} sites within "
        f"{row['within_nt']} nt, {_told(row['by_chance'], 3)} of shifted ones; {row['n_calls']:,} calls, false "
        f"discovery rate beside shuffled candidates {_told(row['fdr'], 2)}"
        for row in found.methods
    ]
    account = found.account
    if left := account["not_scanned"] + account["unknown_bases"]:
        lines.append(
            f"{left:,} of {account['listed']:,} known sites not asked for: {account['not_scanned']:,} not scanned, "
            f"{account['unknown_bases']:,} beside unknown bases"
        )
    for row in found.differences:
        lines.append(f"{row['method']} minus {row['other']}, {row['kept']}: {_share(row, 'difference')}")
    return [*lines, found.interval_note] if found.interval_note else lines


def _share(row: Row, key: str) -> str:
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    return _told(row[key], 3) + (f" ({low:.3f} to {high:.3f})" if low is not None else " (no interval)")


def _told(value: float | None, digits: int) -> str:
    return "not defined" if value is None or value != value else f"{value:.{digits}f}"


def _clusters(contig: Int64, at0: Int64) -> Int64:
    """Number of the cluster of each site, from 0; both strands together."""
    order = np.lexsort((at0, contig))
    apart = (np.diff(contig[order]) != 0) | (np.diff(at0[order]) >= APART_NT)
    found = np.zeros(len(at0), dtype=np.int64)
    found[order] = np.cumsum(np.r_[0, apart]) if len(at0) else 0
    return found


def _intervals(marks: Sequence[Float64], cluster: Int64, draws: int, seed: int) -> list[Interval]:
    """Mean of each mark (float64 [sites]) with its interval from drawing clusters, the same draws for all.

    Draws meet sums over clusters, one draw at a time. Memory: one number per cluster and mark.
    """
    n = int(cluster.max(initial=-1)) + 1
    summed = [np.bincount(cluster, mark, n) for mark in (np.ones(len(cluster)), *marks)]  # sites first
    sums = np.stack(summed, axis=1)
    drawn = np.stack([np.zeros(len(summed)), *(weights @ sums for weights in drawn_weights(n, draws, seed))])[1:]
    shares = drawn[:, 1:] / np.maximum(drawn[:, :1], 1)
    means = [float(mark.mean()) if len(mark) else float("nan") for mark in marks]
    return [percentile_interval(mean, shares[:, k]) for k, mean in enumerate(means)]


def _bounds(key: str, found: Interval) -> Row:
    return {f"{key}_low": found.low, f"{key}_high": found.high}


def _difference(found: Interval) -> Row:
    return {"difference": found.value, **_bounds("difference", found)}
