"""ESM-2's token dropout, set for a use: as in training where masked tokens are scored, off for embeddings and maps.

It scales the embeddings of unmasked tokens by (1 - 0.12) / (1 - share masked) and zeroes <mask>. What was in force
belongs into every output.
"""

from dataclasses import replace

from ribolm.models.encoder import Embeddings, Encoder
from ribolm.models.network import Network


def use_token_dropout(network: Network, wanted: bool) -> bool | None:
    """Switch token dropout on or off and return what is in force; None for a backbone that has no such rule.

    The configuration, which says how the model was trained, stays as it is.
    """
    embeddings = getattr(network.encoder, "embeddings", None)
    if not isinstance(embeddings, Embeddings):
        return None
    embeddings.token_dropout = wanted
    return wanted


def trained_with_token_dropout(network: Network) -> bool | None:
    """Whether the configuration asks for token dropout; None for a backbone that has no such rule."""
    found = getattr(network.config, "token_dropout", None)
    return None if found is None else bool(found)


def train_with_token_dropout(network: Network, wanted: bool) -> None:
    """Switch token dropout in the configuration too: the network is to be trained so. Nothing where there is none."""
    if isinstance(network.encoder, Encoder):
        use_token_dropout(network, wanted)
        network.config = network.encoder.config = replace(network.encoder.config, token_dropout=wanted)
