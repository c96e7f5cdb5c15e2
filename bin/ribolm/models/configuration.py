"""What defines an encoder: the fields of transformers' `EsmConfig` that ribolm supports, under the same names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from ribolm.errors import DataError


def require_special_ids(vocab_size: int, **ids: int) -> None:
    """Raise DataError when a special token, given by the name of its field, lies outside the vocabulary."""
    for name, value in ids.items():
        if not 0 <= value < vocab_size:
            raise DataError(
                f"{name} {value} lies outside the vocabulary of {vocab_size} tokens. "
                "Use the config.json and the vocabulary of one model."
            )


class BackboneRules:
    """What a configuration tells of its backbone where it does not say otherwise."""

    @property
    def gated(self) -> bool:
        """Whether the feed-forward layer is gated."""
        return False

    @property
    def causal(self) -> bool:
        """Whether a token sees itself and what stands before it alone; else it sees all others."""
        return False

    @property
    def n_attention_maps(self) -> int:
        """Heads of all layers; none without attention."""
        return 0


class TransformerRules(BackboneRules):
    """The same of a stack of attention layers whose shape has the names of transformers."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.num_hidden_layers

    @property
    def n_attention_maps(self) -> int:
        """Heads of all layers."""
        return self.num_hidden_layers * self.num_attention_heads

    @property
    def max_tokens(self) -> int | None:
        """No bound: positions are computed, rotary or as distances."""
        return None


@dataclass(frozen=True)
class EncoderConfig(TransformerRules):
    """Shape and rules of an encoder, as in the `config.json` of an ESM-2 checkpoint.

    `token_dropout`: embeddings of <mask> are zero and the others are scaled by (1 − 0.12) / (1 − share masked), per
    sequence (ESM-2). `nucleotide_mapping`: the amino acids whose rows spell A, U, C, G (`sequences.mappings`), or the
    rows that those of a compact vocabulary began as. Dropout shares act in training only. Raises DataError for a shape
    that cannot be built.
    """

    vocab_size: int
    pad_token_id: int = 1
    mask_token_id: int = 9
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2
    hidden_size: int = 192
    num_hidden_layers: int = 4
    num_attention_heads: int = 6
    intermediate_size: int = 768
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    max_position_embeddings: int = 1026
    rope_theta: float = 10000.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    token_dropout: bool = False
    nucleotide_mapping: str | None = None

    def __post_init__(self) -> None:
        if self.hidden_size % (2 * self.num_attention_heads):
            raise DataError(
                f"hidden_size {self.hidden_size} is not an even multiple of num_attention_heads "
                f"{self.num_attention_heads}, which rotary positions need. Change one of them."
            )
        require_special_ids(self.vocab_size, pad_token_id=self.pad_token_id, mask_token_id=self.mask_token_id)

    @property
    def learned_positions(self) -> bool:
        """Whether positions are learned rows added to the embeddings; else they are rotary."""
        return False

    @property
    def feed_forward_bias(self) -> bool:
        """Whether the feed-forward matrices have biases."""
        return True

    @property
    def tied(self) -> bool:
        """Whether the decoder of the masked LM is the embedding matrix."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`, complete enough for transformers' `EsmConfig`."""
        return {**FIXED, **stored_fields(self)}


def stored_fields(config: EncoderConfig) -> dict[str, Any]:
    """The fields of a configuration; a mapping only where there is one, so that others' settings stay the same."""
    found = asdict(config)
    if config.nucleotide_mapping is None:
        del found["nucleotide_mapping"]
    return found


# What ESM-2 is and ribolm's encoder is too; a config that says otherwise is another architecture.
FIXED: dict[str, Any] = {
    "model_type": "esm",
    "position_embedding_type": "rotary",
    "emb_layer_norm_before": False,
    "is_decoder": False,
    "add_cross_attention": False,
    "is_folding_model": False,
    "tie_word_embeddings": True,
}
TELLING = {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"}


def config_from_dict(content: Mapping[str, Any], source: str = "config.json") -> EncoderConfig:
    """Read an encoder's configuration from a parsed `config.json`; fields that do not change the encoder are ignored.

    Raises DataError for another architecture than ESM-2's and for missing fields.
    """
    require_fixed(content, FIXED, source, "an ESM-2 model")
    missing = sorted(name for name in TELLING if content.get(name) is None)
    if missing or content.get("model_type") != "esm":
        raise DataError(f"{source}: lacks {', '.join(missing) or 'model_type esm'}. Use an ESM-2 model.")
    return fill(EncoderConfig, content, source)


def require_fixed(content: Mapping[str, Any], fixed: Mapping[str, Any], source: str, model: str) -> None:
    """Raise DataError where a `config.json` says otherwise than `fixed`; a field that it lacks fits."""
    for name, wanted in fixed.items():
        found = content.get(name, wanted)
        if (found or False) != wanted:
            raise DataError(f"{source}: {name} is {found!r}, but ribolm reads only {wanted!r}. Use {model}.")


Config = TypeVar("Config")
# What a JSON value of a field may be, and how it is called
KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "a whole number from 0"),
    float: ((int, float), "a number from 0"),
    bool: ((bool,), "true or false"),
}


def fill(kind: type[Config], content: Mapping[str, Any], source: str, **more: Any) -> Config:
    """A configuration of a dataclass from the fields of a `config.json` that it knows; `more` goes before them.

    Raises DataError for values that do not fit.
    """
    known = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    chosen = {name: value for name, value in content.items() if name in known and value is not None}
    for name, value in chosen.items():
        types, told = KINDS.get(known[name], ((), ""))
        if types and not (type(value) in types and value >= 0):
            raise DataError(
                f"{source}: {name} is {value!r}, not {told}. Use the config.json that came with the weights."
            )
    try:
        return kind(**{**chosen, **more})
    except (TypeError, ZeroDivisionError) as error:
        raise DataError(f"{source}: holds a value of the wrong type ({error}). Write the file anew.") from error
