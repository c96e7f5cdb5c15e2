"""Few-shot classification of a store by a model directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.few_shot import FewShot, few_shot
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows
from ribolm.labels.folds import Folds, read_folds
from ribolm.models.weights import load_model
from ribolm.sequences.store import TokenStore

TOKENS_PER_BATCH = {"cpu": 8_192, "cuda": 262_144}


def few_shot_of_model(
    store: Path, model: Path, folds: Path, task: str, shots: int, draws: int, seed: int, with_special: bool, device: Any
) -> tuple[FewShot, dict[str, Any]]:
    """Embed the labelled rows once and classify them; the result and what it depends on.

    Raises DataError for labels that are not one per sequence and for a store with another tokenizer than the model's.
    """
    opened, loaded = TokenStore.open(store), load_model(model, head=None)
    spec = opened.label_spec(task)
    if spec.rank != "sequence":
        raise DataError(f"{store}: labels of '{task}' are per {spec.rank}, not per sequence.")
    if opened.tokenizer != loaded.tokenizer:
        raise DataError(
            f"{store}: its tokenizer '{opened.tokenizer.kind}' is not the model's '{loaded.tokenizer.kind}'. "
            "Tokenize the sequences again with that one."
        )
    labels = np.asarray(opened.label(task))
    known = np.flatnonzero(np.isfinite(labels))
    dealt = read_folds(folds, len(opened))
    forward = Forward.prepare((loaded.network,), loaded.tokenizer, str(getattr(device, "value", device)), "fp32", 0)
    forward.tokens_per_batch = TOKENS_PER_BATCH[forward.device.kind]
    embeddings = embed_rows(forward, np.asarray(opened.tokens), opened.offsets, with_special)[known]
    kept = Folds(dealt.fold[known], dealt.unit[known])
    settings = {"task": task, "shots": shots, "draws": draws, "seed": seed, "with_special_tokens": with_special}
    identity = {"store_sha256": opened.digest, "model_sha256": loaded.sha256, "n_folds": dealt.n_folds}
    return few_shot(embeddings, labels[known] == 1, kept, shots, draws, seed), {**settings, **identity}
