"""A tiny model of contacts with random weights, and the hairpins that its head was fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.recipes.contacts import ContactOptions, fit_contacts

COMPLEMENT = str.maketrans("ACGU", "UGCA")


def random_rna(length: int, rng: np.random.Generator) -> str:
    """Letters ACGU, each as likely."""
    return "".join(rng.choice(list("ACGU"), length))


def reverse_complement(letters: str) -> str:
    """What pairs with the letters, base by base."""
    return letters[::-1].translate(COMPLEMENT)


def write_hairpins(path: Path, n: int, seed: int) -> Path:
    """Stems of six pairs around loops, between flanks, as dot-bracket."""
    rng, lines = np.random.default_rng(seed), []
    for number in range(n):
        before, loop, after = (int(length) for length in rng.integers(4, 9, 3))
        stem = random_rna(6, rng)
        parts = (random_rna(before, rng), stem, random_rna(loop, rng), reverse_complement(stem), random_rna(after, rng))
        pairs = f"{'.' * before}(((((({'.' * loop})))))){'.' * after}"
        lines.append(f">h{seed}.{number}\n{''.join(parts)}\n{pairs}\n")
    path.write_text("".join(lines))
    return path


def write_contact_model(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """A model directory with a fitted contact head, and the structures of the fit."""
    tokenizer = make_tokenizer("esm")
    network = new_network(preset_config("tiny", tokenizer), MASKED_LM, seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(12 if weight.ndim == 2 else 1)  # attention that differs from token to token
    plain = save_model(folder / "plain", network, tokenizer, manifest={"preset": "tiny"})
    structures = write_hairpins(folder / "fit.dbn", 8, 5)
    fit_contacts(ContactOptions(plain, structures, folder / "fitted", n=6, c=50.0, device="cpu"))
    return folder / "fitted", structures
