"""What a family of backbones brings along, and what every configuration tells: the seam between network and backbone.

A backbone is a module whose `forward(batch, embedded=None)` turns a `Ragged` batch into hidden states [T, D], whose
`embed(batch)` gives its token embeddings [T, D], and whose `token_embeddings` is the matrix they are read from.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from ribolm.models.state import State


class BackboneConfig(Protocol):
    """What networks, heads, tokenizers and training ask of any backbone's configuration.

    `max_tokens`: longest sequence with its special tokens, None without a bound; `causal`: a token's state depends on
    itself and what stands before it only; `gated`: the feed-forward layer has a third matrix, a gate;
    `n_attention_maps`: heads of all layers, 0 without attention; `bos_token_id`,
    `eos_token_id`: put around a sequence, left out by pooling.
    """

    @property
    def vocab_size(self) -> int: ...
    @property
    def pad_token_id(self) -> int: ...
    @property
    def mask_token_id(self) -> int: ...
    @property
    def bos_token_id(self) -> int | None: ...
    @property
    def eos_token_id(self) -> int | None: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def intermediate_size(self) -> int: ...
    @property
    def n_layers(self) -> int: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def causal(self) -> bool: ...
    @property
    def gated(self) -> bool: ...
    @property
    def n_attention_maps(self) -> int: ...
    @property
    def hidden_dropout_prob(self) -> float: ...
    @property
    def initializer_range(self) -> float: ...
    @property
    def layer_norm_eps(self) -> float: ...
    def to_dict(self) -> dict[str, Any]: ...


# From a configuration and a `heads.HeadSpec` to a head
HeadBuilder = Callable[[Any, Any], nn.Module]


@dataclass
class Fates:
    """What became of the weights of a file: names read, left out, and set because the file has none."""

    renamed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


def nothing_to_reset(_backbone: nn.Module) -> None:
    """For a backbone all of whose tensors are learnt."""


def stored_names(stored: Mapping[str, torch.Tensor], _config: Any) -> tuple[State, Fates]:
    """For a family whose published files have the names of the network already."""
    return dict(stored), Fates()


@dataclass(frozen=True)
class Family:
    """One kind of backbone.

    prefix: the attribute of `Network` that holds the backbone, so the first part of its weights' names upstream.
    heads: by kind of head, the name of its weights and what builds it from (configuration, specification), where they
    are not those of `heads.HEADS`. architectures: by kind of head ("" for none) the class of transformers or upstream
    that a config.json names. reset: sets tensors that are computed, not learnt. adapted: regular expression of what
    stands between the prefix and the last names (`lora_targets`) of the linear layers that take LoRA. untrained: parts
    of the backbone that are carried along and never trained. embedded, layered, last_norm: regular expressions,
    searched in the names of weights, of what stands below the first layer, of the layers (their number, from 0, is a
    group) and of the norm above the last one. rename: names of published files to ours. tokenizer: kind of the
    published models' tokenizer, and the file of their folders that holds its vocabulary (None: always the same).
    bases: ids of A, C, G, T, N where every base is one token and a causal state may be read later, see `look_ahead`.
    parity: the upstream file that outputs were compared with, and whether on published weights. licence: what users of
    published weights must know.
    """

    name: str
    prefix: str
    config: type[Any]
    recognises: Callable[[Mapping[str, Any]], bool]
    read_config: Callable[[Mapping[str, Any], str], Any]
    build: Callable[[Any], nn.Module]
    initialise: Callable[[nn.Module, Any, torch.Generator], None]
    architectures: Mapping[str, str]
    parity: str
    heads: Mapping[str, tuple[str, HeadBuilder]] = field(default_factory=dict)
    language_model: str = "masked_lm"
    reset: Callable[[Any], None] = nothing_to_reset
    rename: Callable[[Mapping[str, torch.Tensor], Any], tuple[State, Fates]] = stored_names
    lora_targets: tuple[str, ...] = ("query", "key", "value", "dense")
    adapted: str = r"encoder\.layer\..*"
    untrained: tuple[str, ...] = ()
    embedded: str = r"\bembeddings\."
    layered: str = r"\blayers?\.(\d+)\."
    last_norm: str = r"\b(emb_layer_norm_after|ln_f)\."
    tokenizer: tuple[str, str | None] = ("esm", None)
    bases: tuple[int, int, int, int, int] | None = None
    licence: str | None = None

    def depth(self, name: str, n_layers: int) -> int:
        """Depth of a weight by its name: embeddings 0, layer i (from 0) i + 1, the last norm and heads n_layers + 1."""
        found = re.search(self.layered, name)
        if found:
            return int(found.group(1)) + 1
        return 0 if re.search(self.embedded, name) else n_layers + 1

    def is_last_norm(self, name: str) -> bool:
        """Whether a weight is of the norm above the last layer, which belongs to the backbone like the layers."""
        return re.search(self.last_norm, name) is not None
