"""From hidden states of one RNA to logits of its base pairs.

Each RNA is computed by itself, without padding. What depends on one base is computed over the whole sequence; the map
of pairs may be computed in tiles, see `tiles`. Symmetric: the map at (i, j) and at (j, i) are added up in the end.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.errors import DataError
from ribolm.folding.pair_lists import LEAST
from ribolm.models.family import BackboneConfig
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.pair_maps.convolution import convolve_relu
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities, scaled_log
from ribolm.models.pair_maps.layers import Block, SideLayer, fold_cells, initialise, unfold_cells

DISTANCES, PER_DOUBLING = 40, 4.4  # classes of distance: of equal width in its logarithm, the last from 470 bases on
FORBIDDEN = -1e4  # logit of a pair that cannot be
BASES = 5  # A, C, G, U and N
SIDE_FEATURES = 4  # log of being unpaired, paired to the right, to the left, and whether these are known
ALONE_SCALE = 0.3  # brings that logarithm, -9.2 to 0, to the order of the features beside it
PER_SCALED = round(-math.log(LEAST) / 2, 1)  # from `scaled_log` back to logits; rounded, as models were trained with


class Prepared(NamedTuple):
    """What the map needs of the bases: code int64 [L] (0 to 3, N 4); at the resolution of the cells [l, width]:
    two factors of a symmetric product, and a term of its own; probabilities with their logarithm, scaled [P]; what the
    attention maps add to the features [L, L, channels].
    """

    code: Tensor
    left: Tensor
    right: Tensor
    own: Tensor
    probabilities: PairProbabilities | None
    scaled: Tensor | None
    attended: Tensor | None


class PairMapHead(nn.Module):
    """Logits of pairs and of being unpaired; works with and without the probabilities of a folding program."""

    def __init__(self, config: BackboneConfig, shape: PairMapConfig) -> None:
        super().__init__()
        self.shape = shape
        width, side, channels = shape.width, shape.side_width, shape.map_width
        cell = shape.downsampling**2 * channels
        self.enter = nn.Linear(config.hidden_size, side)
        self.side = nn.ModuleList([SideLayer(side, shape.side_kernel) for _ in range(shape.side_depth)])
        self.side_norm = nn.LayerNorm(side)
        self.factors = nn.Linear(side, 3 * width)
        self.unpaired = nn.Linear(side, 1)
        # a given weight is not initialised: torch's normal_ on the meta device would import its compiler (3 s)
        self.pair_types = nn.Embedding(BASES * BASES, channels, _weight=torch.empty(BASES * BASES, channels))
        self.distances = nn.Embedding(DISTANCES, channels, _weight=torch.empty(DISTANCES, channels))
        self.gather = nn.Linear(cell, width)
        self.blocks = nn.ModuleList([Block(width, dilation) for dilation in shape.dilations])
        self.spread = nn.Linear(width, cell)
        self.last = nn.Conv2d(channels, channels, 3, padding=1)
        self.out = nn.Linear(channels, 1)
        if shape.thermodynamic:
            self.side_features = nn.Linear(SIDE_FEATURES, side, bias=False)
            self.known = nn.Linear(3, channels)
            self.shares = nn.Parameter(torch.empty(2))  # of the folding program's answer in ours, at the start
        if shape.attention:
            if not config.n_attention_maps:
                raise DataError("a backbone without attention has no maps to read. Leave --attention out.")
            self.attended = nn.Linear(config.n_attention_maps, channels, bias=False)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Set all weights, a pure function of the generator."""
        initialise(self, generator)
        if self.shape.thermodynamic:
            self.shares.copy_(torch.tensor([0.5, 1.0]))
        if self.shape.attention:
            self.attended.weight.zero_()  # the maps of an untrained encoder say nothing at first

    def forward(
        self,
        hidden: Tensor,
        tokens: Tensor,
        probabilities: PairProbabilities | None = None,
        attended: Tensor | None = None,
    ) -> PairLogits:
        """Logits of one RNA from hidden states [L, D] and tokens int64 [L], special tokens left out of both.

        attended [L, L, channels]: see `attention.attended`, for a head that reads attention maps.
        """
        prepared, unpaired = self.prepare(hidden, tokens, probabilities, attended)
        n = len(prepared.left) * self.shape.downsampling
        return PairLogits(self.finish(self.region(prepared, (0, n), (0, n)), prepared), unpaired)

    def prepare(
        self, hidden: Tensor, tokens: Tensor, probabilities: PairProbabilities | None, attended: Tensor | None = None
    ) -> tuple[Prepared, Tensor]:
        """What the map needs of the bases, and the logit of each to be unpaired [L]."""
        if self.shape.attention != (attended is not None):
            raise ValueError("attention maps belong to a head that reads them, and to no other")
        if not self.shape.thermodynamic:
            probabilities = None
        x = self.enter(hidden)
        alone: Tensor | float = 0.0
        if probabilities is not None:
            alone = (1 - probabilities.sums.sum(dim=1)).clamp(LEAST, 1.0).log()
            features = [ALONE_SCALE * alone, *probabilities.sums.unbind(dim=1), torch.ones_like(alone)]
            x = x + self.side_features(torch.stack(features, dim=1))
        for layer in self.side:
            x = layer(x)
        x = self.side_norm(x)
        unpaired = self.unpaired(x)[:, 0].float()
        if probabilities is not None:
            unpaired = unpaired + self.shares[1] * alone
        left, right, own = self.factors(_cells(x, self.shape.downsampling)).chunk(3, dim=1)
        bases = torch.tensor(self.shape.bases, device=tokens.device)
        code = torch.cat([tokens[:, None] == bases, torch.ones_like(tokens[:, None], dtype=torch.bool)], dim=1)
        scaled = None if probabilities is None else scaled_log(probabilities.probability)
        return Prepared(code.int().argmax(dim=1), left, right, own, probabilities, scaled, attended), unpaired

    def region(self, prepared: Prepared, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
        """Logits of the pairs of two stretches, fp32 [rows, columns], not yet symmetric.

        Bounds are multiples of the downsampling, the last cell may reach beyond the sequence. Where a bound is inside
        the sequence, what lies within `halo` of it is not what the whole map has there.
        """
        factor = self.shape.downsampling
        features = functional.relu(self._features(prepared, rows, columns))
        up, across = (slice(begin // factor, end // factor) for begin, end in (rows, columns))
        x = self.gather(fold_cells(features, factor))
        product = prepared.left[up, None] * prepared.right[None, across]
        product = product + prepared.right[up, None] * prepared.left[None, across]
        x = x + product + prepared.own[up, None] + prepared.own[None, across]
        for block in self.blocks:
            x = block(x)
        y = unfold_cells(self.spread(functional.relu(x)), factor) + features
        z: Tensor = self.out(convolve_relu(y, self.last))[:, :, 0]
        return z.float()

    def finish(self, raw: Tensor, prepared: Prepared) -> Tensor:
        """The symmetric map of logits [L, L]: what the network and the folding program say, impossible pairs out."""
        n = len(prepared.code)
        z = raw[:n, :n] + raw[:n, :n].T
        if prepared.probabilities is not None and prepared.scaled is not None:
            i, j = prepared.probabilities.i, prepared.probabilities.j
            added = self.shares[0] * PER_SCALED * prepared.scaled
            z = z.index_put_((torch.cat([i, j]), torch.cat([j, i])), added.repeat(2), accumulate=True)
        impossible = torch.zeros(n, n, device=z.device)
        for distance in range(min(self.shape.min_distance, n)):
            impossible.diagonal(distance).fill_(FORBIDDEN)
            impossible.diagonal(-distance).fill_(FORBIDDEN)
        return z.add_(impossible)

    def _features(self, prepared: Prepared, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
        """Kind of pair, distance and known probability [rows, columns, channels]; zero beyond the sequence."""
        n = len(prepared.code)
        (top, bottom), (first, end) = ((begin, min(end, n)) for begin, end in (rows, columns))
        kind = prepared.code[top:bottom, None] * BASES + prepared.code[first:end]
        place = torch.arange(n, device=kind.device)
        distance = (place[top:bottom, None] - place[first:end]).abs()
        classes = (torch.arange(n, device=kind.device).clamp(min=1).log2() * PER_DOUBLING).long()
        found = self.pair_types(kind) + self.distances(classes.clamp(max=DISTANCES - 1)[distance])
        if prepared.probabilities is not None and prepared.scaled is not None:
            found = found + self.known.bias
            found = self._add_known(found, prepared, (top, bottom), (first, end))
        if prepared.attended is not None:
            found = found + prepared.attended[top:bottom, first:end]
        beyond = (0, 0, 0, columns[1] - end, 0, rows[1] - bottom)
        return functional.pad(found, beyond) if any(beyond) else found

    def _add_known(self, found: Tensor, prepared: Prepared, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
        assert prepared.probabilities is not None and prepared.scaled is not None
        i, j, p, _ = prepared.probabilities
        i, j, p, scaled = torch.cat([i, j]), torch.cat([j, i]), p.repeat(2), prepared.scaled.repeat(2)
        inside = (i >= rows[0]) & (i < rows[1]) & (j >= columns[0]) & (j < columns[1])
        i, j, p, scaled = i[inside] - rows[0], j[inside] - columns[0], p[inside], scaled[inside]
        values = functional.linear(torch.stack([scaled, p, p.sqrt()], dim=1), self.known.weight)
        flat = found.reshape(-1, found.shape[2]).index_add(0, i * found.shape[1] + j, values.to(found.dtype))
        return flat.view(found.shape)


def _cells(x: Tensor, factor: int) -> Tensor:
    """Means of `factor` neighbouring states [⌈L / factor⌉, D]; beyond the sequence states are zero."""
    beyond = -len(x) % factor
    x = functional.pad(x, (0, 0, 0, beyond)) if beyond else x
    return x.view(-1, factor, x.shape[1]).mean(dim=1)
