"""Named random streams: every purpose draws from its own, so that changing one option does not reshuffle the rest."""

import hashlib

import numpy as np


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Return the random generator of one purpose, a pure function of `seed` and the names in `purpose`."""
    digest = hashlib.sha256("/".join([str(seed), *purpose]).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
