"""Attention maps of one layer: what every token attends to, head by head."""

import torch
from torch import Tensor

from ribolm.errors import UsageError
from ribolm.models.encoder import Encoder
from ribolm.models.mosaicbert import MosaicBert
from ribolm.models.network import Network
from ribolm.models.ragged import Ragged


def has_attention(network: Network) -> bool:
    """Whether the backbone has attention to look at."""
    return isinstance(network.encoder, Encoder | MosaicBert)


def attending(network: Network) -> Encoder | MosaicBert:
    """The backbone of a network. Raises UsageError where it has no attention."""
    backbone = network.encoder
    if not isinstance(backbone, Encoder | MosaicBert):
        raise UsageError(
            "The model has no attention, so that there are no maps. Use a transformer, or what needs "
            "no maps: embeddings, gradients or mutagenesis."
        )
    return backbone


@torch.no_grad()
def attention_maps(network: Network, batch: Ragged, layer: int = -1) -> list[Tensor]:
    """Attention probabilities of a layer (counted from 0, or backwards from −1): per sequence [heads, L, L].

    Row i of a map holds what token i attends to and sums to 1. All layers are computed eagerly, in evaluation mode as
    the network is set; only the wanted layer's maps are kept. Raises UsageError for a backbone without attention and
    for a layer that it has not.
    """
    backbone = attending(network)
    n_layers = network.config.n_layers
    if not -n_layers <= layer < n_layers:
        raise UsageError(f"layer {layer} is not one of the model's {n_layers}. Count from 0, or backwards from -1.")
    wanted = layer % n_layers
    maps: list[Tensor] = []

    def keep(number: int, _sequence: int, probabilities: Tensor) -> None:
        if number == wanted:
            maps.append(probabilities)

    backbone(batch, on_attention=keep)
    return maps
