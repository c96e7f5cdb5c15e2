"""Every method in every universe: values, intervals, differences, strata, calibration and curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.bootstrap import DRAWS, Draws, Interval, bootstrap
from ribolm.evaluation.calibration import calibration
from ribolm.evaluation.candidates import Bool, Candidates
from ribolm.evaluation.methods import SHUFFLED, SHUFFLED_NAME, Method, Scores, missing
from ribolm.evaluation.metrics import RankedCounts, Ranking, precision_recall_points, rank, roc_points
from ribolm.sequences.universes import members

Float64 = npt.NDArray[np.float64]
Row = dict[str, Any]

RECALLS = (0.1, 0.25, 0.5)


def _at_recall(recall: float) -> Callable[[RankedCounts], float]:
    return lambda counts: counts.precision_at_recall(recall)


METRICS: dict[str, Callable[[RankedCounts], float]] = {
    "average_precision": RankedCounts.average_precision,
    "roc_auc": RankedCounts.roc_auc,
    **{f"precision_at_recall_{round(100 * recall)}": _at_recall(recall) for recall in RECALLS},
}


@dataclass(frozen=True)
class Compared:
    """All methods over the candidates of one universe. `rankings[name]` has one entry per seed."""

    universe: str
    candidates: Candidates
    methods: tuple[Method, ...]
    rankings: Mapping[str, tuple[Ranking, ...]]
    draws: Draws

    @property
    def prevalence(self) -> float:
        """Share of candidates that are sites."""
        return float(self.candidates.is_site.mean()) if len(self.candidates) else float("nan")


def compare(
    universe: str,
    candidates: Candidates,
    methods: Sequence[Method],
    reference: str,
    n_draws: int = DRAWS,
    seed: int = 1,
) -> Compared:
    """Rank the candidates of a universe by every method that serves it and resample genes for the intervals.

    The control "shuffled labels" is the reference method against permuted labels: it shows what no knowledge gives.
    """
    inside = members(candidates.contexts, universe)
    here = candidates.take(inside)
    mine = [_inside(method, inside) for method in methods if method.serves(universe)]
    rankings = {
        method.name: tuple(rank(here.is_site, scores.score, here.cluster) for scores in method.seeds) for method in mine
    }
    first = next(method for method in mine if method.name == reference)
    control = Method(SHUFFLED_NAME, SHUFFLED, first.seeds[:1])
    permuted = np.random.Generator(np.random.Philox(seed)).permutation(here.is_site)
    rankings[SHUFFLED_NAME] = (rank(permuted, first.seeds[0].score, here.cluster),)
    draws = bootstrap(rankings, here.n_clusters, METRICS, n_draws, seed)
    return Compared(universe, here, (*mine, control), rankings, draws)


def _inside(method: Method, inside: Bool) -> Method:
    return replace(method, seeds=tuple(scores.take(inside) for scores in method.seeds))


def method_rows(compared: Compared) -> list[Row]:
    """The table of methods: one row per method with n, sites, genes, prevalence, metrics, intervals, size, speed."""
    here, rows = compared.candidates, []
    for method in compared.methods:
        row: Row = {"universe": compared.universe, "method": method.name, "kind": method.kind}
        row |= {"n": len(here), "n_sites": int(here.is_site.sum()), "n_genes": here.n_clusters}
        row |= {"prevalence": compared.prevalence, "seeds": len(method.seeds), "n_seen": method.n_seen}
        row["n_missing"] = missing(method, np.ones(len(here), dtype=bool))
        for metric in ("average_precision", "roc_auc"):
            row |= _interval_columns(metric, compared.draws.interval(method.name, metric))
            values = compared.draws.values[method.name][:, compared.draws.metrics.index(metric)]
            row[f"{metric}_seed_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
        for metric in list(METRICS)[2:]:
            row[metric] = compared.draws.interval(method.name, metric).value
        speed = len(here) / method.seconds if method.seconds else method.sites_per_s
        row |= {"parameters": method.n_parameters, "sites_per_s": speed}
        rows.append(row)
    return rows


def metric_rows(compared: Compared, split: str) -> list[Row]:
    """Every number with its universe, split, n, prevalence, interval and values by seed: the rows of metrics.json."""
    here, rows = compared.candidates, []
    for method in compared.methods:
        for at, metric in enumerate(METRICS):
            found = compared.draws.interval(method.name, metric)
            by_seed = {s.seed or "1": float(v[at]) for s, v in _by_seed(compared, method)}
            row: Row = {"metric": metric, "method": method.name, "kind": method.kind, "universe": compared.universe}
            row |= {"split": split, "value": found.value, "low": found.low, "high": found.high}
            row |= {"n": len(here), "n_sites": int(here.is_site.sum()), "n_genes": here.n_clusters}
            rows.append({**row, "prevalence": compared.prevalence, "n_seen": method.n_seen, "by_seed": by_seed})
    return rows


def _by_seed(compared: Compared, method: Method) -> list[tuple[Scores, Float64]]:
    return list(zip(method.seeds, compared.draws.values[method.name], strict=True))


def difference_rows(compared: Compared, reference: str) -> list[Row]:
    """Reference minus every other method, from the same draws of genes."""
    rows = []
    for method in compared.methods:
        if method.name != reference:
            for metric in ("average_precision", "roc_auc"):
                found = compared.draws.difference(reference, method.name, metric)
                row: Row = {"universe": compared.universe, "metric": metric, "method": reference, "other": method.name}
                row |= {"difference": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}
                rows.append(row)
    return rows


def calibration_rows(compared: Compared) -> tuple[list[Row], list[Row]]:
    """Summary (Brier, log loss, expected error) and bins of every method that gives probabilities, first seed."""
    summary, bins = [], []
    for method in compared.methods:
        probability = method.seeds[0].probability
        if probability is None or method.kind == SHUFFLED:
            continue
        known = np.isfinite(probability)
        if not known.any():  # as a peer of another universe
            continue
        found = calibration(compared.candidates.is_site[known], probability[known])
        row: Row = {"universe": compared.universe, "method": method.name}
        numbers = {"brier": found.brier, "log_loss": found.log_loss, "expected_error": found.expected_error}
        summary.append({**row, **numbers, "n": int(known.sum())})
        bins += [{**row, "bin": i, **vars(b)} for i, b in enumerate(found.bins)]
    return summary, bins


def curve_rows(compared: Compared) -> list[Row]:
    """Points of both curves; of several seeds the one with the median average precision is drawn."""
    rows = []
    for method in compared.methods:
        ranking = _median_seed(compared, method)
        for curve, points in (("pr", precision_recall_points(ranking)), ("roc", roc_points(ranking))):
            row: Row = {"universe": compared.universe, "curve": curve, "method": method.name, "kind": method.kind}
            rows += [{**row, "x": float(x), "y": float(y)} for x, y in zip(*points, strict=True)]
    return rows


def _median_seed(compared: Compared, method: Method) -> Ranking:
    values = compared.draws.values[method.name][:, 0]
    return compared.rankings[method.name][int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])]


def stratum_rows(compared: Compared, kind: str, strata: npt.NDArray[np.str_], n_draws: int, seed: int) -> list[Row]:
    """Metrics within each stratum ("context", "feature"): `strata` [n] names the stratum of every candidate.

    Methods other than the shuffled control; rarer strata last. A stratum without both classes has no AUC.
    """
    names, counts = np.unique(strata, return_counts=True)
    rows = []
    for name in names[np.argsort(-counts, kind="stable")]:
        at = np.flatnonzero(strata == name)
        here = compared.candidates.take(at)
        rankings = {
            method.name: tuple(rank(here.is_site, s.score[at], here.cluster) for s in method.seeds)
            for method in compared.methods
            if method.kind != SHUFFLED
        }
        two = {metric: METRICS[metric] for metric in ("average_precision", "roc_auc")}
        draws = bootstrap(rankings, here.n_clusters, two, n_draws, seed)
        row: Row = {"universe": compared.universe, "stratum": kind, "name": str(name)}
        row |= {"n": len(here), "n_sites": int(here.is_site.sum()), "prevalence": float(here.is_site.mean())}
        for method in rankings:
            intervals = [_interval_columns(metric, draws.interval(method, metric)) for metric in two]
            rows.append({**row, "method": method, **intervals[0], **intervals[1]})
    return rows


def _interval_columns(metric: str, found: Interval) -> Row:
    return {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
