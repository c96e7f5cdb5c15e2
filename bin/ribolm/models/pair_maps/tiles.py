"""The map of a long RNA computed in tiles, so that no more than one is in memory: equal to the whole map."""

from __future__ import annotations

import torch
from torch import Tensor

from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.pair_maps.head import PairMapHead
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities

TILE_NT = 512  # bases per side; a quarter of the work of a tile of 256 is in its halo
# per pair of bases: logits, their mirror, probabilities, what scoring looks at; measured at 1,000 and 2,000 nt
MAP_BYTES = 52
TILE_WIDTHS = 8


def tiled(
    head: PairMapHead,
    hidden: Tensor,
    tokens: Tensor,
    probabilities: PairProbabilities | None = None,
    tile_nt: int = TILE_NT,
    attended: Tensor | None = None,
) -> PairLogits:
    """Logits of one RNA as `head(hidden, tokens, probabilities, attended)` gives them, within rounding.

    Every tile is computed with `halo` bases around it; at the border of the map there are none, there as in the whole
    map zeros follow. `tile_nt` is rounded up to whole cells. Memory: 8 bytes per pair of bases, and one tile.
    """
    factor, halo = head.shape.downsampling, head.shape.halo
    prepared, unpaired = head.prepare(hidden, tokens, probabilities, attended)
    n = len(prepared.left) * factor
    step = -(-tile_nt // factor) * factor
    raw = torch.empty(n, n, device=hidden.device)
    stretches = [(begin, min(begin + step, n)) for begin in range(0, n, step)]
    for top, bottom in stretches:
        rows = max(0, top - halo), min(n, bottom + halo)
        for first, end in stretches:
            columns = max(0, first - halo), min(n, end + halo)
            found = head.region(prepared, rows, columns)
            raw[top:bottom, first:end] = found[top - rows[0] : bottom - rows[0], first - columns[0] : end - columns[0]]
    return PairLogits(head.finish(raw, prepared), unpaired)


def tiled_bytes(shape: PairMapConfig, n_nt: int, tile_nt: int = TILE_NT) -> int:
    """Estimate of what the map of an RNA of so many bases, computed in tiles and scored, holds at once, in bytes."""
    side = min(n_nt, tile_nt + 2 * shape.halo)
    tile = 4 * side**2 * TILE_WIDTHS * (shape.map_width + shape.width / shape.downsampling**2)
    attended = 4 * shape.map_width * n_nt**2 if shape.attention else 0
    # attention is summed and then corrected into a second sum; one of them stays beside tiles and maps
    return int(max(2 * attended, attended + tile + MAP_BYTES * n_nt**2))
