"""Effects of variants as a table: one line per candidate that a variant makes, breaks or shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ribolm.console import Progress
from ribolm.files import atomic_path
from ribolm.genome.vcf import Variant
from ribolm.inference.calibration import Calibration, probability
from ribolm.inference.variants.effects import Effect, Site

COLUMNS = (
    "chrom", "pos", "id", "ref", "alt", "effect", "start0", "strand", "name_ref", "name_alt", "logit_ref", "logit_alt",
    "delta_logit", "probability_ref", "probability_alt", "delta_probability",
)  # fmt: skip
MISSING = "."


def write_effects(
    path: Path, effects: Iterable[tuple[Variant, list[Effect]]], calibration: Calibration, least_change: float = 0.0
) -> Counter[str]:
    """Write the effects with a header; returns how many variants, and how many candidates of each kind.

    `pos` is 1-based as in the VCF, `start0` 0-based. Probabilities are the model's calibrated ones; a candidate that is
    not there has none, and counts as 0 in `delta_probability`. Shifts of less than `least_change` are left out, unless
    the name changes too.
    """
    counts: Counter[str] = Counter()
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as handle,
        Progress("scoring", unit="alleles") as progress,
    ):
        handle.write("\t".join(COLUMNS) + "\n")
        for _, found in effects:
            counts["variants"] += 1
            progress.advance()
            for effect in found:
                if _is_slight(effect, least_change):
                    counts["slight"] += 1
                    continue
                counts[effect.kind] += 1
                handle.write("\t".join(_line(effect, calibration)) + "\n")
    return counts


def _is_slight(effect: Effect, least_change: float) -> bool:
    before, after = effect.reference, effect.alternative
    both = before is not None and after is not None and before.name == after.name
    return bool(both and abs(after.logit - before.logit) < least_change)  # type: ignore[union-attr]


def _line(effect: Effect, calibration: Calibration) -> list[str]:
    variant, sites = effect.variant, (effect.reference, effect.alternative)
    chances = [_chance(site, calibration) for site in sites]
    change = MISSING if None in sites else _number(sites[1].logit - sites[0].logit)  # type: ignore[union-attr]
    return [
        variant.chrom,
        str(variant.start0 + 1),
        variant.name,
        variant.ref,
        variant.alt,
        effect.kind,
        str(effect.start0),
        effect.strand,
        *(site.name if site else MISSING for site in sites),
        *(_number(site.logit) if site else MISSING for site in sites),
        change,
        *(_number(chance) if site else MISSING for site, chance in zip(sites, chances, strict=True)),
        _number(chances[1] - chances[0]),
    ]


def _chance(site: Site | None, calibration: Calibration) -> float:
    return float(probability(calibration.apply(np.array([site.logit])))[0]) if site else 0.0


def _number(value: float) -> str:
    return f"{round(value, 6) + 0.0:.6f}"
