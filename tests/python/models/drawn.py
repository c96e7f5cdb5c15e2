"""Weights and tokens drawn from a seed alone, so that reference outputs of other code need no weights beside them.

Philox's raw numbers are used, whose stream numpy promises to keep.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor


def uniform(name: str, seed: int, n: int) -> np.ndarray:
    """n numbers from −1 to 1, a function of a name and a seed."""
    raw = np.random.Philox(key=[seed, zlib.crc32(name.encode())]).random_raw(n)
    return (raw >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0


def drawn_state(shapes: Mapping[str, Sequence[int]], seed: int, scale: float = 0.5) -> dict[str, Tensor]:
    """A tensor for every name: ± `scale`, and 1 ± `scale` for the weights of LayerNorms."""
    state = {}
    for name, shape in shapes.items():
        values = scale * uniform(name, seed, int(np.prod(shape))) + float("norm" in name.lower() and "weight" in name)
        state[name] = torch.from_numpy(values.astype(np.float32)).reshape(tuple(shape))
    return state


def drawn_rows(lengths: Sequence[int], low: int, high: int, seed: int) -> list[np.ndarray]:
    """Token ids from `low` to `high` − 1, one row per length."""
    return [
        (low + np.floor((uniform(f"row {i}", seed, n) + 1) / 2 * (high - low))).astype(np.int64)
        for i, n in enumerate(lengths)
    ]
