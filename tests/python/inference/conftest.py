"""A small genome with spliced genes on both strands, peaks, and tiny models with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.tokenizers import make_tokenizer

CONTIG_NT = {"chr1": 4000, "chr2": 900}
GENES = {  # name: contig, strand, exons (start0, end0)
    "GA": ("chr1", "+", ((100, 300), (500, 900), (1000, 1100))),
    "GB": ("chr1", "-", ((850, 1400), (1600, 1900))),
    "GC": ("chr1", "-", ((2500, 2540),)),
    "GD": ("chr2", "+", ((10, 700),)),
}
WINDOW_NT, OVERLAP_NT = 120, 40


@pytest.fixture(scope="session")
def genome_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """genome.fa and genes.gtf."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(5)
    lines = []
    for name, length in CONTIG_NT.items():
        text = "".join(rng.choice(list("ACGT"), length))
        lines.append(f">{name}\n{text[:300]}{'N' * 20}{text[320:]}\n")
    (folder / "genome.fa").write_text("".join(lines))
    rows = []
    for gene, (chrom, strand, exons) in GENES.items():
        for start0, end0 in exons:
            about = f'gene_id "{gene}"; transcript_id "{gene}.1";'
            rows.append(f"{chrom}\ttest\texon\t{start0 + 1}\t{end0}\t.\t{strand}\t.\t{about}\n")
    (folder / "genes.gtf").write_text("".join(rows))
    return folder


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tiny token model; keywords change its task."""

    def make(seed: int = 1, tokenizer: str = "nucleotide", **changes: Any) -> Path:
        vocabulary = make_tokenizer(tokenizer)
        task = {
            "task": "m6a_sites",
            "level": "token",
            "labels": ["m6a"],
            "window_nt": WINDOW_NT,
            "overlap_nt": OVERLAP_NT,
            "pooling": None,
            "universe": "drach",
            "threshold": 0.5,
            "calibration": {"method": "platt", "slope": 0.5 + seed, "intercept": -0.25},
        } | changes
        head = HeadSpec(task["level"], len(task["labels"]), task["pooling"])
        network = new_network(preset_config("tiny", vocabulary), head, seed)
        with torch.no_grad():
            for weight in network.parameters():
                weight.mul_(8 if weight.ndim == 2 else 1)  # logits that differ from base to base
        return save_model(tmp_path_factory.mktemp("model") / "m", network, vocabulary, task)

    return make


@pytest.fixture(scope="session")
def model(make_model: Callable[..., Path]) -> Path:
    return make_model()
