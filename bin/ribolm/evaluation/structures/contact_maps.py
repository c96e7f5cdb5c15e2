"""Structures read from contacts of pretrained models: a threshold chosen on a validation set, a test set scored once.

Two numbers, never one for the other: F1 per RNA at that threshold, each base with one partner at most, and the pooled
F1 at the best of 1,001 thresholds on the scored RNAs themselves, as zero-shot contacts are published (optimistic).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.console import Progress, choice, notice
from ribolm.errors import DataError
from ribolm.evaluation.bootstrap import DRAWS
from ribolm.evaluation.contact_arms import contact_arms
from ribolm.evaluation.structures.assessment import StructureAssessment, assess_partners
from ribolm.evaluation.structures.pair_counts import Float64
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_reference
from ribolm.evaluation.structures.threshold_curve import STEPS, PooledMax, ThresholdCurve
from ribolm.files import sha256_of
from ribolm.folding.requirements import require_foldable
from ribolm.folding.vienna import ensemble
from ribolm.inference.batches import Forward
from ribolm.inference.calibration import probability
from ribolm.inference.contacts import ContactModel, contact_forward, contact_logits, require_memory
from ribolm.labels.structure.decoding import MIN_LOOP_NT
from ribolm.labels.structure.files import read_structures
from ribolm.labels.structure.greedy import greedy_pairs
from ribolm.labels.structure.pairs import Int64, Structure
from ribolm.labels.structure.stored import SHARED_NT, shared_with
from ribolm.sequences.rna import RnaRecord
from ribolm.training.recipes.pair_decoding import f1_curve

Row = dict[str, Any]

GRID = np.arange(1, STEPS) / STEPS
MFE, MEA = "RNAfold MFE", "RNAfold MEA"


@dataclass(frozen=True)
class ContactPlan:
    """What `ribolm-evaluate contacts` is told; `n_truth`, `n_validation`: RNAs drawn by seed (0: all)."""

    truth: Path
    validation: Path
    models: tuple[Path, ...]
    fit_on: Path | None = None
    families: str | None = None
    n_truth: int = 0
    n_validation: int = 0
    rnafold: bool = True
    split: str = "test"
    draws: int = DRAWS
    seed: int = 1
    device: str = "auto"

    def settings(self) -> Row:
        """All choices, and the files with their digests."""
        files = {name: getattr(self, name).name for name in ("truth", "validation")}
        digests = {name: sha256_of(getattr(self, name)) for name in files}
        names = ("families", "n_truth", "n_validation", "draws", "seed")
        decoding = {"method": "greedy", "min_loop_nt": MIN_LOOP_NT}
        return {**files, "sha256": digests, "decoding": decoding, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class ContactAssessment:
    """The evaluation, and by model: facts of its contact head, threshold, F1 and RNAs of the validation set.

    shared: how many of the tested RNAs resemble those that thresholds, or contact heads, have seen.
    """

    structures: StructureAssessment
    models: dict[str, Row]
    shared: dict[str, int]


def assess_contacts(plan: ContactPlan) -> ContactAssessment:
    """Predict and measure every model, its control with random weights, and RNAfold.

    Raises DataError for files and models that do not fit, a validation set without pairs, an RNA too long to be folded.
    """
    reference = drawn(read_reference(plan.truth, plan.families), plan.n_truth, plan.seed)
    validation = drawn(read_reference(plan.validation), plan.n_validation, plan.seed)
    if not len(validation):
        raise DataError(f"{plan.validation}: no RNA has a pair. Give known structures, on which thresholds are chosen.")
    if plan.rnafold:
        records = [RnaRecord(one.name, one.letters) for one in reference.structures]
        require_foldable(records, "Leave it out, or use --no-rnafold.")
    partners: dict[str, list[Int64]] = {}
    best: dict[str, PooledMax] = {}
    models: dict[str, Row] = {}
    lengths = [len(structure) for one in (reference, validation) for structure in one.structures]
    arms = contact_arms(plan.models, plan.fit_on, plan.seed)
    fitted_on = _fitted_on(plan, [arm.model for arm in arms])
    shared = _shared(reference, {"thresholds": validation.structures, "contact heads": fitted_on})
    for arm in arms:
        forward = contact_forward(arm.model, plan.device)
        require_memory(arm.model, forward, lengths)
        threshold, chosen = choose_threshold(arm.name, arm.model, forward, validation.structures)
        found = _predicted(arm.name, arm.model, forward, reference.structures, threshold)
        partners[arm.name], best[arm.name] = found
        models[arm.name] = {"kind": arm.kind, **arm.model.facts(), "threshold": threshold, "validation": chosen}
    if plan.rnafold:
        partners |= folded(reference.structures)
    assessed = assess_partners(reference, partners, plan.draws, plan.seed, plan.split, best)
    return ContactAssessment(assessed, models, shared)


def drawn(reference: ReferenceSet, n: int, seed: int) -> ReferenceSet:
    """`n` RNAs of a set, drawn by seed and kept in order; all where n is 0 or more than there are."""
    if not 0 < n < len(reference):
        return reference
    rng = np.random.Generator(np.random.Philox(seed))
    kept = np.sort(rng.permutation(len(reference))[:n]).tolist()
    notice(f"{reference.label}: {n:,} of {len(reference):,} RNAs drawn by seed {seed}.")
    families = tuple(reference.families[at] for at in kept) if reference.families else ()
    return ReferenceSet(reference.label, tuple(reference.structures[at] for at in kept), families, ())


def choose_threshold(
    name: str, model: ContactModel, forward: Forward, structures: Sequence[Structure]
) -> tuple[float, Row]:
    """The threshold of largest mean F1 over RNAs (one or more), the highest of equal ones, and what it achieves."""
    total, n = np.zeros(len(GRID)), 0
    for structure, chance in _contacts(f"{name}, validation", model, forward, structures):
        total += f1_curve(chance, structure.partner, GRID)
        n += 1
    mean: Float64 = total / n
    at = len(GRID) - 1 - int(np.argmax(mean[::-1]))
    if not mean[at]:
        notice(f"{name}: no pair of the validation set is right at any threshold; the highest one says nothing.")
    choice(f"threshold of {name}", f"{GRID[at]:g}", f"mean F1 {mean[at]:.4f} over {n:,} RNAs of the validation set")
    return float(GRID[at]), {"f1": float(mean[at]), "n": n}


def folded(structures: Sequence[Structure]) -> dict[str, list[Int64]]:
    """RNAfold's structures of minimum free energy and of maximum expected accuracy."""
    found: dict[str, list[Int64]] = {MFE: [], MEA: []}
    with Progress("folding", len(structures), "RNAs") as progress:
        for structure in structures:
            both = ensemble(structure.letters)
            found[MFE].append(both.mfe.partner)
            found[MEA].append(both.mea.partner)
            progress.advance()
    return found


def _predicted(
    name: str, model: ContactModel, forward: Forward, structures: Sequence[Structure], threshold: float
) -> tuple[list[Int64], PooledMax]:
    curve, partners = ThresholdCurve(), []
    for structure, chance in _contacts(name, model, forward, structures):
        curve.add_matrix(structure.partner, chance)
        partners.append(greedy_pairs(chance, threshold).partners(len(structure)))
    return partners, curve.best()


def _contacts(
    name: str, model: ContactModel, forward: Forward, structures: Sequence[Structure]
) -> Iterator[tuple[Structure, Float64]]:
    """Probabilities [L, L] of every RNA; 0 for pairs that leave a hairpin no room."""
    with Progress(name, len(structures), "RNAs") as progress:
        for structure in structures:
            chance = probability(contact_logits(model, forward, structure.letters).astype(np.float64))
            base = np.arange(len(structure))
            chance[np.abs(base[:, None] - base) <= MIN_LOOP_NT] = 0
            yield structure, chance
            progress.advance()


def _shared(reference: ReferenceSet, seen: Mapping[str, Sequence[Structure]]) -> dict[str, int]:
    """How many tested RNAs share their sequence or 31 nt with what was seen before, by what that was for; told."""
    found = {name: len(shared_with(reference.structures, rows)) for name, rows in seen.items()}
    for name, n in found.items():
        if n:
            notice(f"{n:,} RNAs of {reference.label} share their sequence or {SHARED_NT} nt with those for {name}.")
    return found


def _fitted_on(plan: ContactPlan, models: Iterable[ContactModel]) -> list[Structure]:
    """The RNAs that any contact head was fitted on; none where their file is not given."""
    if plan.fit_on is None:
        return []
    names = {name for model in models for name in model.record["rnas"]}
    return [one for one in read_structures(plan.fit_on) if one.name in names]
