"""Files of an evaluation of values: metrics.json, the tables that reports draw from, every prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ribolm.console import notice
from ribolm.evaluation.tables import write_tsv
from ribolm.evaluation.values.agreement import METRICS
from ribolm.evaluation.values.assessment import UNIVERSE, Row, ValueAssessment, intervals_of, size_of
from ribolm.files import atomic_directory, write_json

STRATA_COLUMNS = ("universe", "stratum", "name", "n", "n_clusters", "mean", "sd", "method")


def write_value_assessment(outdir: Path | str, found: ValueAssessment, settings: dict[str, Any]) -> None:
    """Write metrics.json, methods.tsv, differences.tsv, strata.tsv and predictions.tsv; tell the numbers."""
    content = {
        "reference": found.reference,
        "split": found.split,
        "scale": found.scale,
        "settings": settings,
        "metrics": metric_rows(found),
        "interval_note": found.interval_note,
        "differences": difference_rows(found),
        "not_run": found.not_run,
    }
    strata = [*STRATA_COLUMNS, *(name for metric in METRICS for name in (metric, f"{metric}_low", f"{metric}_high"))]
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", content)
        write_tsv(out / "methods.tsv", method_rows(found))
        write_tsv(out / "differences.tsv", difference_rows(found))
        write_tsv(out / "strata.tsv", found.strata, strata)
        write_tsv(out / "predictions.tsv", prediction_rows(found))
    _tell(found)


def method_rows(found: ValueAssessment) -> list[Row]:
    """One row per method: what it reads, rows, metrics with intervals, spread over seeds."""
    rows = []
    for method in found.methods:
        row: Row = {"universe": UNIVERSE, "method": method.name, "kind": method.kind, "features": method.features}
        row |= {**size_of(found.measured), "seeds": len(method.seeds), "n_seen": method.n_seen}
        values = found.draws.values[method.name][:, 0]
        row |= intervals_of(found.draws, method.name)
        rows.append(row | {"r2_seed_sd": float(values.std(ddof=1)) if len(values) > 1 else None})
    return rows


def metric_rows(found: ValueAssessment) -> list[Row]:
    """Every number with its split, interval and values by seed, of all rows and of every stratum: metrics.json."""
    rows: list[Row] = []
    for method in found.methods:
        about: Row = {"method": method.name, "kind": method.kind, "universe": UNIVERSE, "split": found.split}
        about |= {**size_of(found.measured), "n_seen": method.n_seen}
        for at, metric in enumerate(METRICS):
            interval = found.draws.interval(method.name, metric)
            by_seed = found.draws.values[method.name][:, at].tolist()
            seeds = {seed or "1": value for (seed, _), value in zip(method.seeds, by_seed, strict=True)}
            bounds = {"value": interval.value, "low": interval.low, "high": interval.high}
            rows.append({**about, "metric": metric, "stratum": "all", **bounds, "by_seed": seeds})
    for row in found.strata:
        about = {key: row[key] for key in ("method", "universe", "n", "n_clusters", "mean", "sd")}
        for metric in METRICS:
            bounds = {"value": row[metric], "low": row[f"{metric}_low"], "high": row[f"{metric}_high"]}
            rows.append({**about, "split": found.split, "metric": metric, "stratum": row["name"], **bounds})
    return rows


def difference_rows(found: ValueAssessment) -> list[Row]:
    """Reference minus every other method, from the same draws."""
    rows: list[Row] = []
    for method in found.methods:
        if method.name == found.reference:
            continue
        for metric in METRICS:
            interval = found.draws.difference(found.reference, method.name, metric)
            about = {"method": found.reference, "other": method.name, "metric": metric, "difference": interval.value}
            rows.append({**about, "low": interval.low, "high": interval.high, "p_value": interval.p_value})
    return rows


def prediction_rows(found: ValueAssessment) -> list[Row]:
    """Every sequence with its fold, stratum, measured value and the mean over seeds of each method."""
    measured = found.measured
    columns = {m.name: np.mean(np.stack([values for _, values in m.seeds]), axis=0) for m in found.methods}
    return [
        {
            "name": name,
            "fold": int(measured.fold[row]),
            "upstream_aug": str(measured.stratum[row]),
            "measured": float(measured.truth[row]),
            **{method: float(values[row]) for method, values in columns.items()},
        }
        for row, name in enumerate(measured.names)
    ]


def _tell(found: ValueAssessment) -> None:
    """The numbers, for who reads the log."""
    if found.interval_note:
        notice(found.interval_note)
    for row in method_rows(found):
        shown = ", ".join(f"{name} {_shown(row, metric)}" for name, metric in (("R²", "r2"), ("Spearman", "spearman")))
        notice(f"{row['method']}: {shown}, n = {row['n']:,}, {row['n_clusters']:,} groups")
    for arm, why in found.not_run.items():
        notice(f"{arm}: {why}")


def _shown(row: Row, metric: str) -> str:
    if row[metric] is None:
        return "undefined"
    low, high = row[f"{metric}_low"], row[f"{metric}_high"]
    return f"{row[metric]:.3f}" + (" (no interval)" if low is None else f" ({low:.3f} to {high:.3f})")
