"""The L1 regression from attention to contacts, fitted as published on a few RNAs of known structure.

Features are the corrected symmetric attention maps of all layers and heads, unscaled, at pairs of bases that are far
enough apart; the label is whether the two pair. Source: the code of RESM (Zhang et al. 2025), which fits scikit-learn's
logistic regression with L1, C = 0.15, liblinear, seed 0, at j − i ≥ 6, on RNAs whose number it does not tell.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ribolm.console import Progress, choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.files import require_file, sha256_of
from ribolm.genome.coordinates import Int64
from ribolm.labels.structure.files import read_structures
from ribolm.labels.structure.pairs import Structure
from ribolm.models.attention_features import attention_features
from ribolm.models.attention_maps import attending
from ribolm.models.contact_head import BACKBONE, RECORD, backbone_digest, contact_encoder, set_contact_head
from ribolm.models.directories import CARD, MANIFEST, WEIGHTS, read_json
from ribolm.models.token_dropout import use_token_dropout
from ribolm.models.weights import LoadedModel, load_model, save_model
from ribolm.training.checkpoints.folder import difference
from ribolm.training.log import TrainingLog
from ribolm.training.machine.memory import PROCESS_BYTES, available_bytes
from ribolm.training.machine.precision import choose_device

SEPARATION = 6
C = 0.15
BYTES_PER_FEATURE = 4 + 4 + 16  # kept, joined, and liblinear's own index and value [estimated]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ContactOptions:
    """What `ribolm-train contacts` is told. separation: least j − i of a pair; c: inverse strength of L1."""

    model: Path
    structures: Path
    out: Path
    n: int = 20
    seed: int = 0
    separation: int = SEPARATION
    c: float = C
    token_dropout: bool = False
    device: str = "auto"


def fit_contacts(options: ContactOptions) -> dict[str, Any]:
    """Fit the head and write the model with it; returns the record of the fit.

    Raises UsageError for a backbone without attention, for a folder that holds another model and where memory will not
    do; DataError for structures that are too few, have no pair that far apart, or nothing else.
    """
    require_file(options.structures)
    model = load_model(options.model)
    contact_encoder(model)
    asked = _asked(options, model)
    _require_replaceable(options.out, model, asked, options.n)
    device = choose_device(options.device, "fp32", 0, TrainingLog(None))
    model.network.to(device.name)
    chosen = choose_structures(read_structures(options.structures), options.n, options.seed, options.separation)
    _require_memory(model, chosen, options.separation)
    features, is_pair = training_pairs(model, chosen, options.separation)
    weights, bias = fit_regression(features, is_pair, options.c, options.seed)
    kept = int(np.count_nonzero(weights))
    if not kept:
        notice("all weights are 0: the attention of this model tells nothing of pairs, and all are equally likely.")
    fit = {
        "rnas": [structure.name for structure in chosen],
        **asked,
        "structures": {"file": options.structures.name, **asked["structures"]},
        "pairs": len(is_pair),
        "positives": int(is_pair.sum()),
        "maps": len(weights),
        "maps_used": kept,
    }
    manifest = set_contact_head(model, torch.from_numpy(weights), bias, fit)
    card = model.directory / CARD
    text = card.read_text("utf-8") if card.exists() else None
    save_model(options.out, model.network.cpu(), model.tokenizer, model.task, manifest, text)
    return fit


def _asked(options: ContactOptions, model: LoadedModel) -> dict[str, Any]:
    """What the fit depends on besides the backbone, as its record tells it."""
    return {
        "structures": {"sha256": sha256_of(options.structures)},
        "separation": options.separation,
        "c": options.c,
        "seed": options.seed,
        "token_dropout": use_token_dropout(model.network, options.token_dropout),
    }


def _require_replaceable(out: Path, model: LoadedModel, asked: dict[str, Any], n: int) -> None:
    """Refuse a folder with any model but that of this very fit. Raises UsageError."""
    if not (out / WEIGHTS).exists():
        return
    found = read_json(out / MANIFEST) if (out / MANIFEST).exists() else {}
    record = found.get(RECORD)
    if not isinstance(record, dict) or record.get(BACKBONE) != backbone_digest(model.network):
        told = "it is another model, or one without a contact head"
    else:
        theirs = {**record, "n": len(record["rnas"]), "structures": {"sha256": record["structures"]["sha256"]}}
        ours = {**asked, "n": n}
        if all(theirs[name] == value for name, value in ours.items()):
            return
        told = difference({name: theirs[name] for name in ours}, ours)
    raise UsageError(
        f"--out {out} holds a model already, not that of this fit ({told}). Choose another folder, or remove that one."
    )


def choose_structures(structures: Sequence[Structure], n: int, seed: int, separation: int) -> list[Structure]:
    """The first n, in an order of the seed, of those with a pair of known bases that far apart; in the file's order.

    Raises DataError where there are fewer.
    """
    useful = [i for i, one in enumerate(structures) if _has_example(one, separation)]
    if len(useful) < n:
        raise DataError(
            f"{len(useful):,} of {len(structures):,} structures have a pair of known bases at least {separation} bases "
            f"apart, fewer than --n {n}. Give more structures or a smaller --n."
        )
    order = np.random.default_rng(seed).permutation(len(useful))[:n]
    return [structures[useful[i]] for i in np.sort(order).tolist()]


def training_pairs(
    model: LoadedModel, structures: Sequence[Structure], separation: int
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Features [P, layers · heads] and labels [P] of the resolved pairs of all RNAs; one RNA is run at a time."""
    features, labels = [], []
    device = next(model.network.parameters()).device
    with Progress("reading attention", len(structures), "RNAs") as progress:
        for structure in structures:
            pairs = resolved_pairs(structure, separation)
            tokens = torch.from_numpy(_with_special(model, structure)).to(device)
            found = attention_features(model.network, tokens, torch.from_numpy(pairs).to(device))
            features.append(found.float().cpu().numpy())
            labels.append(structure.partner[pairs[:, 0]] == pairs[:, 1])
            progress.advance()
    return np.concatenate(features), np.concatenate(labels)


def _has_example(structure: Structure, separation: int) -> bool:
    pairs = structure.pairs()
    known = np.array([structure.letters[i] != "N" != structure.letters[j] for i, j in pairs.tolist()], dtype=bool)
    return bool((known & (np.diff(pairs, axis=1)[:, 0] >= separation)).any())


def resolved_pairs(structure: Structure, separation: int) -> Int64:
    """All pairs i < j at least so far apart whose bases are known, int64 [P, 2]: no pair of an N is a negative."""
    known = np.frombuffer(structure.letters.encode("ascii"), dtype=np.uint8) != ord("N")
    left, right = np.triu_indices(len(structure), separation)
    kept = known[left] & known[right]
    return np.stack([left[kept], right[kept]], axis=1).astype(np.int64)


def fit_regression(features: Float32, is_pair: npt.NDArray[np.bool_], c: float, seed: int) -> tuple[Float32, float]:
    """Weights [layers · heads] and bias of the L1 logistic regression, unscaled features as published.

    Raises DataError where all examples are alike.
    """
    if is_pair.all() or not is_pair.any():
        told = f"{'all' if is_pair.any() else 'none'} of {len(is_pair):,} examples are pairs"
        raise DataError(f"The regression has one class: {told} of the structures. Give more or longer RNAs.")
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(l1_ratio=1, C=c, solver="liblinear", random_state=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        regression.fit(features, is_pair)
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        notice(f"the regression stopped after {int(regression.n_iter_[0])} rounds without settling.")
    return regression.coef_[0].astype(np.float32), float(regression.intercept_[0])


def _with_special(model: LoadedModel, structure: Structure) -> Int64:
    letters = np.frombuffer(structure.letters.encode("ascii"), dtype=np.uint8)
    before, after = model.tokenizer.prefix_ids, model.tokenizer.suffix_ids
    return np.concatenate([before, model.tokenizer.encode(letters), after]).astype(np.int64)


def _require_memory(model: LoadedModel, structures: Sequence[Structure], separation: int) -> None:
    n_pairs = sum(max(0, len(one) - separation) * (len(one) - separation + 1) // 2 for one in structures)
    n_maps = attending(model.network).config.n_attention_maps
    need = PROCESS_BYTES["cpu"] + n_pairs * n_maps * BYTES_PER_FEATURE
    free, bound = available_bytes("cpu")
    reason = f"{n_pairs:,} pairs of {n_maps:,} maps"
    choice("memory", f"{need / 1e9:.2f} of {free / 1e9:.2f} GB", reason)
    if free and need > free:
        raise UsageError(
            f"The regression will need {need / 1e9:.1f} GB ({reason}), but {free / 1e9:.1f} GB are free ({bound}). "
            "Give a smaller --n, or shorter RNAs."
        )
