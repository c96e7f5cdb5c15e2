"""A small token source in memory: rows of random bases, some N among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer


@dataclass(frozen=True)
class Rows:
    """What the feed asks of a store."""

    tokens: np.ndarray
    offsets: np.ndarray
    tokenizer: Tokenizer


@pytest.fixture
def make_rows() -> Callable[..., Rows]:
    """Rows of the given lengths, or of n random lengths from 3 to 60; 4 % of the bases are N."""

    def make(n: int = 200, lengths: list[int] | None = None, seed: int = 0) -> Rows:
        random = np.random.default_rng(seed)
        sizes = random.integers(3, 61, n) if lengths is None else np.array(lengths)
        tokenizer = make_tokenizer("nucleotide")
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        ids = [*tokenizer.base_ids, tokenizer.tokens.index("N")]
        tokens = random.choice(ids, offsets[-1], p=[0.24, 0.24, 0.24, 0.24, 0.04]).astype(np.uint8)
        return Rows(tokens, offsets, tokenizer)

    return make
