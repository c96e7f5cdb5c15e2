"""A genome with candidates on both strands, and a scorer whose logits are easy to foretell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ribolm.alphabet import Letters, letters, reverse_complement
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.output import write_candidates
from ribolm.genome.fasta import Genome

NT = {"one": 6000, "two": 2500}


@dataclass(frozen=True)
class WeighedLetters:
    """Sum of a random weight for every letter at every place of a window; asymmetric, so that frames matter."""

    anchor: str = "cleavage"
    window_nt: int = 61
    anchor_offset0: int = 25
    padding: str = "N"
    seed: int = 8

    def score(self, windows: Letters) -> np.ndarray:
        table = np.random.default_rng(self.seed).normal(size=(self.window_nt, 256)).astype(np.float32)
        logits = np.zeros(len(windows), dtype=np.float32)
        for place in range(self.window_nt):  # one place after the other: the sum does not depend on company
            logits += table[place, windows[:, place]]
        return logits

    def provenance(self) -> dict[str, Any]:
        return {"task": "polya", "models": [f"stub-{self.seed}"], "anchor": self.anchor, "window_nt": self.window_nt}


@dataclass(frozen=True)
class Scanned:
    """A genome as a FASTA file, read, and its candidates as a file."""

    fasta: Path
    genome: Genome
    candidates: Path


def random_genome(seed: int = 2) -> dict[str, str]:
    """AT-rich records with some lower case and N."""
    rng = np.random.default_rng(seed)
    records = {name: "".join(rng.choice(list("AATTCG"), n)) for name, n in NT.items()}
    records["one"] = records["one"][:1000] + "N" * 40 + records["one"][1040:3000] + records["one"][3000:].lower()
    return records


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Scanned]:
    """Write a genome (the other strand of every record where asked) and search it."""

    def make(mirrored: bool = False, records: dict[str, str] | None = None) -> Scanned:
        folder = tmp_path_factory.mktemp("scan")
        chosen = records or random_genome()
        if mirrored:
            chosen = {name: reverse_complement(letters(text)).tobytes().decode() for name, text in chosen.items()}
        fasta = folder / "g.fa"
        fasta.write_text("".join(f">{name}\n{text}\n" for name, text in chosen.items()))
        genome = Genome.open(fasta)
        write_candidates(folder / "c.bed.gz", genome, CandidateRule())
        return Scanned(fasta, genome, folder / "c.bed.gz")

    return make
