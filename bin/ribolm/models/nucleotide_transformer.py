"""Nucleotide Transformer (Dalla-Torre et al. 2023): ESM's encoder on 6-mers, in two versions.

The first has learned positions and is stock ESM; the second has rotary positions and a gated feed-forward layer without
biases. Sequences begin with <cls> and have no end token. The published weights are for non-commercial use only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from ribolm.errors import DataError
from ribolm.models.configuration import FIXED, TELLING, EncoderConfig, fill, require_fixed, stored_fields
from ribolm.models.encoder import Encoder
from ribolm.models.esm import ESM
from ribolm.models.family import Family
from ribolm.models.heads import MaskedLMHead, in_fp32
from ribolm.models.linear import linear_gelu

GATED_TYPE = "nucleotide_transformer_v2"  # our model_type: as "esm", transformers would read it without the gate
PLACES = ("absolute", "rotary")


@dataclass(frozen=True)
class NucleotideTransformerConfig(EncoderConfig):
    """ESM's configuration with what Nucleotide Transformer chooses, defaults as in `500m-human-ref`.

    position_embedding_type: absolute (learned rows) or rotary; gated_feed_forward: the second version's; add_bias_fnn:
    biases of the feed-forward matrices; max_position_embeddings: rows of the position table, of which the first two
    are never read. Raises DataError for a shape that cannot be built.
    """

    pad_token_id: int = 1
    mask_token_id: int = 2
    bos_token_id: int | None = 3
    eos_token_id: int | None = None
    max_position_embeddings: int = 1002
    layer_norm_eps: float = 1e-12
    token_dropout: bool = True
    position_embedding_type: Literal["absolute", "rotary"] = "absolute"
    gated_feed_forward: bool = False
    add_bias_fnn: bool = True
    tie_word_embeddings: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.position_embedding_type not in PLACES:
            raise DataError(
                f"position_embedding_type is {self.position_embedding_type!r}, but Nucleotide Transformer has "
                f"{' or '.join(PLACES)}. Use its own config.json."
            )

    @property
    def learned_positions(self) -> bool:
        """Whether positions are learned rows added to the embeddings; else they are rotary."""
        return self.position_embedding_type == "absolute"

    @property
    def gated(self) -> bool:
        """Whether the feed-forward layer is gated."""
        return self.gated_feed_forward

    @property
    def feed_forward_bias(self) -> bool:
        """Whether the feed-forward matrices have biases."""
        return self.add_bias_fnn

    @property
    def tied(self) -> bool:
        """Whether the decoder of the masked LM is the embedding matrix."""
        return self.tie_word_embeddings

    @property
    def max_tokens(self) -> int | None:
        """Rows of the position table behind the padding's; no bound where positions are rotary."""
        return self.max_position_embeddings - self.pad_token_id - 1 if self.learned_positions else None

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`; of the first version complete enough for transformers' `EsmConfig`."""
        return {**FIXED, **stored_fields(self), "model_type": GATED_TYPE if self.gated else "esm"}


def is_nucleotide_transformer(content: Mapping[str, Any]) -> bool:
    """Whether a `config.json` is of this family: ESM with learned positions, or the second version's own fields.

    The published files of the second version name no model_type, but the bias of their feed-forward layers.
    """
    if content.get("model_type") == GATED_TYPE or "add_bias_fnn" in content:
        return True
    return content.get("model_type") == "esm" and content.get("position_embedding_type") == "absolute"


def read_config(content: Mapping[str, Any], source: str) -> NucleotideTransformerConfig:
    """Read a parsed `config.json`, published or ours; DataError for another architecture and for missing fields."""
    varying = {"model_type", "position_embedding_type", "tie_word_embeddings"}
    fixed = {name: value for name, value in FIXED.items() if name not in varying}
    require_fixed(content, fixed, source, "a Nucleotide Transformer")
    missing = sorted(name for name in TELLING if content.get(name) is None)
    if missing:
        raise DataError(f"{source}: lacks {', '.join(missing)}. Use the config.json that came with the weights.")
    gated = bool(content.get("gated_feed_forward", "add_bias_fnn" in content))
    return fill(NucleotideTransformerConfig, content, source, gated_feed_forward=gated)


class UntiedMaskedLMHead(MaskedLMHead):
    """ESM's head of the masked language model with a decoder of its own."""

    def __init__(self, config: NucleotideTransformerConfig) -> None:
        super().__init__(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, hidden: Tensor, _embeddings: Tensor) -> Tensor:
        """Logits [N, vocabulary] of the selected hidden states [N, D]."""
        x = self.layer_norm(linear_gelu(hidden, self.dense))
        return in_fp32(self.decoder, x) + self.bias.float()


def _masked_lm_head(config: NucleotideTransformerConfig, _spec: Any) -> nn.Module:
    return MaskedLMHead(config) if config.tied else UntiedMaskedLMHead(config)


NUCLEOTIDE_TRANSFORMER = Family(
    name="Nucleotide Transformer",
    prefix="esm",
    config=NucleotideTransformerConfig,
    recognises=is_nucleotide_transformer,
    read_config=read_config,
    build=Encoder,
    initialise=ESM.initialise,
    reset=ESM.reset,
    rename=ESM.rename,
    untrained=ESM.untrained,
    architectures=ESM.architectures,
    heads={"masked_lm": ("lm_head", _masked_lm_head)},
    tokenizer=("chunk", "vocab.txt"),
    licence="InstaDeep's weights are CC BY-NC-SA 4.0: not for commercial use, and neither is what is trained from them",
    parity=(
        "first version: transformers 5, models/esm/modeling_esm.py; second: the published modeling_esm.py; both on "
        "random weights, unverified against published weights"
    ),
)
