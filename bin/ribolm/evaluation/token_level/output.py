"""Files of an evaluation of bases: metrics.json and the tables that reports draw from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ribolm.console import notice
from ribolm.evaluation.bootstrap import Interval, interval_note
from ribolm.evaluation.methods import Method
from ribolm.evaluation.metrics import precision_recall_points, roc_points
from ribolm.evaluation.sequence_level.assessment import interval_columns
from ribolm.evaluation.sequence_level.thresholds import METRICS as AT_THRESHOLD
from ribolm.evaluation.sequence_level.thresholds import averaging
from ribolm.evaluation.tables import write_tsv
from ribolm.evaluation.token_level.assessment import RANKING, SPLIT, AtTolerance, TokenAssessment
from ribolm.files import atomic_directory, write_json

Row = dict[str, Any]
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
DIFFERENCE_COLUMNS = ("tolerance_nt", "metric", "method", "other", "difference", "low", "high", "p_value")


def write_token_assessment(outdir: Path | str, found: TokenAssessment, settings: Row) -> None:
    """Write metrics.json, methods.tsv, differences.tsv and curves.tsv."""
    differences = difference_rows(found)
    note = interval_note(int(settings["draws"]), found.bases.n_clusters, "clusters of overlapping genes")
    content = {
        "kind": "tokens",
        "reference": found.reference,
        "split": SPLIT,
        "settings": settings,
        "sites": dict(found.sites),
        "labelled_bases": dict(found.labelled_bases),
        "interval_note": note,
        "metrics": metric_rows(found),
        "differences": differences,
    }
    rows = method_rows(found)
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", content)
        write_tsv(out / "methods.tsv", rows)
        write_tsv(out / "differences.tsv", differences, DIFFERENCE_COLUMNS)
        write_tsv(out / "curves.tsv", curve_rows(found), ("tolerance_nt", "curve", "method", "kind", "x", "y"))
    for row in rows:
        notice(
            f"{row['method']}, ±{row['tolerance_nt']} nt: average precision {_told(row, 'average_precision')}, "
            f"ROC-AUC {_told(row, 'roc_auc')}; n = {row['n']:,}, {row['n_sites']:,} sites"
        )
    if note:
        notice(note)


def method_rows(found: TokenAssessment) -> list[Row]:
    """One row per tolerance and method: windows, genes, prevalence, metrics with intervals, counts of the calls."""
    return [_method_row(at, method) for at in found.by_tolerance for method in found.methods]


def _method_row(at: AtTolerance, method: Method) -> Row:
    row: Row = {"tolerance_nt": at.windows.tolerance_nt, "method": method.name, "kind": method.kind, **_size(at)}
    row |= {"seeds": len(method.seeds), "n_seen": method.n_seen}
    for metric in RANKING:
        row |= interval_columns(metric, at.draws.interval(method.name, metric))
    nothing = Interval(None, None, None)
    for metric in AT_THRESHOLD:
        row |= interval_columns(metric, at.called.get(method.name, {}).get(metric, nothing))
    seeds = at.calls.get(method.name, ())
    means = np.mean([one.counts.sum(axis=0) for one in seeds], axis=0).tolist() if seeds else [None] * len(COUNTS)
    return {**row, **dict(zip(COUNTS, means, strict=True)), "parameters": method.n_parameters}


def _size(at: AtTolerance) -> Row:
    cut = at.windows
    return {
        "n": len(cut),
        "n_sites": int(cut.is_site.sum()),
        "n_genes": len(np.unique(cut.cluster)),
        "prevalence": float(cut.is_site.mean()) if len(cut) else None,
    }


def metric_rows(found: TokenAssessment) -> list[Row]:
    """Every number with its averaging, universe, split, interval and values by seed: the rows of metrics.json."""
    rows: list[Row] = []
    for at in found.by_tolerance:
        tolerance = at.windows.tolerance_nt
        universe = "nucleotides" if not tolerance else f"windows of {2 * tolerance + 1} nucleotides"
        for method in found.methods:
            about: Row = {"method": method.name, "kind": method.kind, "tolerance_nt": tolerance}
            about |= {"universe": universe, "split": SPLIT, **_size(at)}
            for column, metric in enumerate(RANKING):
                values = at.draws.values[method.name][:, column].tolist()
                by_seed = {s.seed or "1": value for s, value in zip(method.seeds, values, strict=True)}
                bounds = _bounds(at.draws.interval(method.name, metric))
                rows.append({**about, "metric": metric, "averaging": "ranking", **bounds, "by_seed": by_seed})
            for metric, interval in at.called.get(method.name, {}).items():
                rows.append({**about, "metric": metric, "averaging": averaging(metric), **_bounds(interval)})
    return rows


def _bounds(found: Interval) -> Row:
    return {"value": found.value, "low": found.low, "high": found.high}


def difference_rows(found: TokenAssessment) -> list[Row]:
    """Reference minus every other method at each tolerance, from the same draws of genes."""
    rows: list[Row] = []
    for at in found.by_tolerance:
        for method in found.methods:
            if method.name != found.reference:
                for metric in RANKING:
                    d = at.draws.difference(found.reference, method.name, metric)
                    row: Row = {"tolerance_nt": at.windows.tolerance_nt, "metric": metric}
                    row |= {"method": found.reference, "other": method.name, "difference": d.value}
                    rows.append({**row, "low": d.low, "high": d.high, "p_value": d.p_value})
    return rows


def curve_rows(found: TokenAssessment) -> list[Row]:
    """Points of both curves at each tolerance; of several seeds the first is drawn."""
    rows = []
    for at in found.by_tolerance:
        for method in found.methods:
            ranking = at.rankings[method.name][0]
            for curve, points in (("pr", precision_recall_points(ranking)), ("roc", roc_points(ranking))):
                row: Row = {"tolerance_nt": at.windows.tolerance_nt, "curve": curve}
                row |= {"method": method.name, "kind": method.kind}
                rows += [{**row, "x": float(x), "y": float(y)} for x, y in zip(*points, strict=True)]
    return rows


def _told(row: Row, metric: str) -> str:
    value, low, high = (row[key] for key in (metric, f"{metric}_low", f"{metric}_high"))
    if value is None:
        return "undefined"
    return f"{value:.4f} " + ("(no interval)" if low is None else f"({low:.4f} to {high:.4f})")
