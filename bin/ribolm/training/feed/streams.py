"""Named streams of random numbers: pure functions of (seed, name, counters), so that no state has to be saved.

Every use of chance draws from a stream of its own name (init, order, mask, step): more draws in one shift no other.
"""

import hashlib
import random

import numpy as np


def stream_key(seed: int, name: str, *counters: int) -> int:
    """128-bit key of a stream: the head of sha256 over the seed, the name and the counters."""
    text = "\n".join((str(int(seed)), name, *(str(int(counter)) for counter in counters)))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:16], "little")


def generator(seed: int, name: str, *counters: int) -> np.random.Generator:
    """A Philox generator for one purpose, e.g. `generator(seed, "order", epoch)`."""
    return np.random.Generator(np.random.Philox(key=stream_key(seed, name, *counters)))


def seed_global_generators(seed: int, name: str, *counters: int) -> None:
    """Set the generators of Python, numpy and torch (all devices) to a stream's beginning.

    Called at the start of every optimiser step: dropout, and whatever else draws from a global generator, depends on
    the step's number alone, so that a resumed run draws the same without any saved state.
    """
    import torch

    key = stream_key(seed, name, *counters)
    random.seed(key)
    np.random.seed(key & 0xFFFFFFFF)
    torch.manual_seed(key & 0x7FFFFFFFFFFFFFFF)
