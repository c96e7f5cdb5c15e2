"""The whole evaluation of predicted structures: intervals over RNAs, strata, differences, the best pooled threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.errors import UsageError
from ribolm.evaluation.bootstrap import DRAWS, Draws, interval_note
from ribolm.evaluation.structures.measures import AVERAGING, METRICS, resample
from ribolm.evaluation.structures.pair_counts import PairCounts, count_pairs
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_prediction, read_reference
from ribolm.evaluation.structures.threshold_curve import PooledMax, ThresholdCurve
from ribolm.files import sha256_of
from ribolm.labels.structure.decoding import DecodingRule, decode
from ribolm.labels.structure.pair_files import read_pairs
from ribolm.labels.structure.pairs import Int64

Row = dict[str, Any]
UNIVERSE = "all pairs, pseudoknots included, of RNAs with reference pairs"
STRATUM_METRICS = ("f1", "precision", "recall", "pooled_f1")
DIFFERENCES = ("f1", "f1_within_1", "pooled_f1", "family_f1")


@dataclass(frozen=True)
class StructurePlan:
    """What to evaluate: files, how listed pairs are decoded, families ("prefix" or a table), draws.

    `split` says what the RNAs were to the predictions ("test"), as far as the user knows.
    """

    truth: Path
    predictions: Sequence[Path]
    pairs: Path | None = None
    rule: DecodingRule = field(default_factory=DecodingRule)
    families: str | None = None
    split: str = "not stated"
    draws: int = DRAWS
    seed: int = 1

    def settings(self) -> Row:
        """All choices and the files with their digests, as they are recorded."""
        digests: Row = {"truth": sha256_of(self.truth), "predictions": [sha256_of(path) for path in self.predictions]}
        return {
            "truth": self.truth.name,
            "predictions": [path.name for path in self.predictions],
            "pairs": self.pairs.name if self.pairs else None,
            "decoding": vars(self.rule) if self.pairs else None,
            "families": self.families,
            "draws": self.draws,
            "seed": self.seed,
            "sha256": {**digests, "pairs": sha256_of(self.pairs) if self.pairs else None},
        }


@dataclass(frozen=True)
class StructureAssessment:
    """Counts and draws of every prediction (the first is compared with the others), strata, best pooled threshold."""

    reference: ReferenceSet
    split: str
    counts: Mapping[str, PairCounts]
    draws: Draws
    strata: list[Row]
    pooled_max: Mapping[str, PooledMax]
    interval_note: str | None

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the predictions."""
        return tuple(self.counts)

    def metric_rows(self) -> list[Row]:
        """Every number with its interval, averaging, n, universe and split: the rows of metrics.json."""
        n_families = len(set(self.reference.families))
        about: Row = {"universe": UNIVERSE, "split": self.split, "n": len(self.reference), "n_families": n_families}
        rows: list[Row] = []
        for method in self.methods:
            for metric in METRICS:
                found = self.draws.interval(method, metric)
                row: Row = {"metric": metric, "method": method, "averaging": AVERAGING[metric], **about}
                rows.append({**row, "value": found.value, "low": found.low, "high": found.high})
        for method, best in self.pooled_max.items():
            row = {"metric": "pooled_max_f1", "method": method, "averaging": "pooled over RNAs", **about}
            row |= {"value": best.f1, "low": None, "high": None, "threshold": best.threshold}
            rows.append({**row, "note": "optimistic: its threshold is the best one for the very RNAs that are scored"})
        return rows

    def difference_rows(self) -> list[Row]:
        """The first prediction minus every other, from the same draws of RNAs."""
        first, *others = self.methods or ("",)
        rows: list[Row] = []
        for other in others:
            for metric in DIFFERENCES:
                found = self.draws.difference(first, other, metric)
                row: Row = {"metric": metric, "method": first, "other": other, "difference": found.value}
                rows.append({**row, "low": found.low, "high": found.high, "p_value": found.p_value})
        return rows


def assess_structures(plan: StructurePlan) -> StructureAssessment:
    """Read, match and measure. DataError where records are missing, unknown or of another sequence."""
    if not plan.predictions and plan.pairs is None:
        raise UsageError("There is nothing to evaluate. Give --pred or --pairs.")
    reference = read_reference(plan.truth, plan.families)
    partners = dict(
        zip(_names(plan.predictions), (read_prediction(p, reference) for p in plan.predictions), strict=True)
    )
    pooled_max = {}
    if plan.pairs is not None:
        name = f"{_stem(plan.pairs)} {plan.rule.words}"
        partners[name], pooled_max[name] = _decoded(plan.pairs, reference, plan.rule)
    return assess_partners(reference, partners, plan.draws, plan.seed, plan.split, pooled_max)


def assess_partners(
    reference: ReferenceSet,
    partners: Mapping[str, Sequence[Int64]],
    draws: int = DRAWS,
    seed: int = 1,
    split: str = "not stated",
    pooled_max: Mapping[str, PooledMax] | None = None,
) -> StructureAssessment:
    """Measure predictions in memory: partners int64 [L] of the reference's RNAs, in its order, by name of method."""
    counts = {name: count_pairs(reference.partners, predicted) for name, predicted in partners.items()}
    groups = reference.groups()
    found = resample(counts, groups, draws, seed)
    kinds = {"length_nt": reference.length_bins()}
    if reference.families:
        kinds["family"] = np.array(reference.families)
    strata = [
        row for kind, names in kinds.items() for row in _stratum_rows(kind, names, reference, counts, draws, seed)
    ]
    note = interval_note(draws, groups.n_clusters, "distinct sequences")
    return StructureAssessment(reference, split, counts, found, strata, pooled_max or {}, note)


def _decoded(path: Path, reference: ReferenceSet, rule: DecodingRule) -> tuple[list[Int64], PooledMax]:
    lengths = {one.name: len(one) for one in (*reference.structures, *reference.without_pairs)}
    listed, curve = read_pairs(path, lengths), ThresholdCurve()
    for one in reference.structures:
        curve.add(one.partner, listed[one.name])
    return [decode(one.letters, listed[one.name], rule) for one in reference.structures], curve.best()


def _stratum_rows(
    kind: str,
    names: npt.NDArray[np.str_],
    reference: ReferenceSet,
    counts: Mapping[str, PairCounts],
    draws: int,
    seed: int,
) -> list[Row]:
    """Metrics within each stratum, with intervals from draws of its own RNAs; length bins in their order."""
    groups, rows = reference.groups(), []
    ordered = sorted(
        set(names.tolist()), key=lambda name: (int(name.split("-")[0]), "") if kind == "length_nt" else (0, name)
    )
    for name in ordered:
        here = np.flatnonzero(names == name)
        inside = {method: one.take(here) for method, one in counts.items()}
        found = resample(inside, type(groups)(groups.cluster[here], groups.family[here]), draws, seed)
        for method in counts:
            row: Row = {"stratum": kind, "name": name, "n": len(here), "method": method}
            for metric in STRATUM_METRICS:
                interval = found.interval(method, metric)
                row |= {metric: interval.value, f"{metric}_low": interval.low, f"{metric}_high": interval.high}
            rows.append(row)
    return rows


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def _names(paths: Sequence[Path]) -> list[str]:
    """Names of predictions: those of their files, with their endings or numbers where that is needed to tell them."""
    for names in ([_stem(path) for path in paths], [path.name for path in paths]):
        if len(set(names)) == len(names):
            return names
    return [f"{path.name} ({number})" for number, path in enumerate(paths, start=1)]
