"""Gated feed-forward layers: one product gives two halves, one of which goes through the activation as the gate.

Which half that is cannot be seen in the shape of a weight file. It is taken from upstream's code, and published weights
would tell at once, by the loss of masked tokens; one constant per family, so that there is one place to change.
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

Half = Literal[0, 1]
NUCLEOTIDE_TRANSFORMER_GATE: Half = 0  # modeling_esm.py: silu(first half) * second half
MOSAICBERT_GATE: Half = 0  # bert_layers.py: gelu(first half) * second half


def gated(x: Tensor, gate: Half, activation: Callable[[Tensor], Tensor]) -> Tensor:
    """activation(one half of x) · the other half; x [T, 2 · n], returns [T, n]."""
    halves = x.chunk(2, dim=-1)
    return activation(halves[gate]) * halves[1 - gate]
