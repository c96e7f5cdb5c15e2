"""The model that comes with ribolm loads, is small, and finds the planted site."""

from pathlib import Path

import numpy as np
import pytest

from ribolm.inference.batches import Forward
from ribolm.inference.ensemble import load_ensemble
from ribolm.models.weights import read_manifest

MODELS = Path(__file__).resolve().parents[3] / "assets" / "models"
MODEL = MODELS / "m6a-sites-small"
LIMIT_BYTES = 10_000_000


def logits_of(letters: str) -> np.ndarray:
    """Logit of every base of one sequence."""
    ensemble = load_ensemble([MODEL])
    forward = Forward.prepare(tuple(m.network for m in ensemble.models), ensemble.tokenizer, device="cpu")
    tokens = ensemble.tokenizer.encode(np.frombuffer(letters.encode(), np.uint8))
    wanted = np.ones(len(tokens), dtype=bool)
    return forward.logits(tokens, np.array([0, len(tokens)], dtype=np.int64), wanted)[:, 0]


@pytest.mark.parametrize("model", sorted(path.parent.name for path in MODELS.glob("*/manifest.json")))
def test_a_default_model_is_whole_and_small_and_its_manifest_names_every_array(model: str) -> None:
    files = read_manifest(MODELS / model)["files"]
    assert {path.name for path in (MODELS / model).glob("*.safetensors")} <= set(files)
    assert sum(path.stat().st_size for path in (MODELS / model).iterdir()) <= LIMIT_BYTES


@pytest.mark.parametrize("motif", ["GGACT", "GGACA"])
def test_a_strong_motif_stands_out_of_its_surroundings(motif: str) -> None:
    rng = np.random.Generator(np.random.Philox(3))
    letters = "".join(rng.choice(list("CGT"), 301))  # no other adenosine
    planted = letters[:148] + motif + letters[153:]
    assert int(np.argmax(logits_of(planted))) == 150


def test_the_best_context_outranks_a_weak_one() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    letters = "".join(rng.choice(list("CGT"), 301))
    planted = letters[:98] + "GGACT" + letters[103:198] + "TAACC" + letters[203:]
    logits = logits_of(planted)
    assert logits[100] > logits[200] > np.median(logits)
