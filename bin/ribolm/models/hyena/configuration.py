"""What defines a HyenaDNA backbone: the fields of `HyenaConfig` in the published config.json, under the same names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ribolm.errors import DataError
from ribolm.models.configuration import BackboneRules, fill, require_fixed

# Ids of the character tokenizer that all published models share
SEP_ID, MASK_ID = 1, 3


@dataclass(frozen=True)
class HyenaConfig(BackboneRules):
    """Shape of a HyenaDNA backbone (Nguyen et al. 2023, arXiv 2306.15794).

    `max_seq_len`: nominal length + 2, which positions are normalised by; `vocab_size` is rounded up to a multiple of
    `pad_vocab_size_multiple` in the embeddings. `embed_dropout` acts before a token head only: upstream's
    transformers classes never apply it. Raises DataError for a shape that cannot be built.
    """

    d_model: int
    n_layer: int
    max_seq_len: int
    emb_dim: int
    activation_freq: float
    d_inner: int = 0
    vocab_size: int = 12
    filter_order: int = 64
    num_inner_mlps: int = 2
    embed_dropout: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    pad_vocab_size_multiple: int = 8
    pad_token_id: int = 4

    def __post_init__(self) -> None:
        if not self.d_inner:
            object.__setattr__(self, "d_inner", 4 * self.d_model)
        wrong = [name for name in ("d_model", "n_layer", "max_seq_len", "filter_order") if getattr(self, name) < 1]
        if wrong or self.emb_dim < 3 or self.emb_dim % 2 == 0 or self.num_inner_mlps < 0:
            raise DataError(
                f"no HyenaDNA has {', '.join(wrong) or 'emb_dim'} {getattr(self, (wrong or ['emb_dim'])[0])}. "
                "Use the config.json of the model; emb_dim is odd and at least 3."
            )

    @property
    def n_embeddings(self) -> int:
        """Rows of the embedding matrix."""
        return -(-self.vocab_size // self.pad_vocab_size_multiple) * self.pad_vocab_size_multiple

    @property
    def hidden_size(self) -> int:
        """Width of the hidden states."""
        return self.d_model

    @property
    def intermediate_size(self) -> int:
        """Width inside the feed-forward part."""
        return self.d_inner

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.n_layer

    @property
    def max_tokens(self) -> int | None:
        """Longest sequence, SEP included."""
        return self.max_seq_len

    @property
    def causal(self) -> bool:
        """Every token sees itself and what stands before it."""
        return True

    @property
    def mask_token_id(self) -> int:
        """[MASK], which no published model was trained with."""
        return MASK_ID

    @property
    def bos_token_id(self) -> int | None:
        """Nothing is put before a sequence."""
        return None

    @property
    def eos_token_id(self) -> int | None:
        """[SEP] is put behind a sequence."""
        return SEP_ID

    @property
    def hidden_dropout_prob(self) -> float:
        """Dropout before a token head."""
        return self.embed_dropout

    @property
    def layer_norm_eps(self) -> float:
        """Epsilon of all LayerNorms."""
        return self.layer_norm_epsilon

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`, complete enough for the published `HyenaConfig`."""
        return {**FIXED, **asdict(self)}


# What all published models are and what ribolm computes; a config that says otherwise is another architecture.
FIXED: dict[str, Any] = {
    "model_type": "hyenadna",
    "hyena_order": 2,
    "short_filter_order": 3,
    "use_bias": True,
    "train_freq": True,
    "hyena_dropout": 0.0,
    "hyena_filter_dropout": 0.0,
    "layer_norm_epsilon": 1e-5,
    "tie_word_embeddings": False,
}
# Fields of the original repository's config.json, which keeps those of the operator under "layer"
ORIGINAL_NAMES = {"l_max": "max_seq_len", "w": "activation_freq", "local_order": "short_filter_order"}
ORIGINAL_FIXED: dict[str, Any] = {"_name_": "hyena", "modulate": True, "order": 2, "bidirectional": False}


def is_hyena(content: Mapping[str, Any]) -> bool:
    """Whether a config.json is a HyenaDNA's, of transformers' classes or of the original repository."""
    return content.get("model_type") == "hyenadna" or isinstance(content.get("layer"), Mapping)


def hyena_config_from_dict(content: Mapping[str, Any], source: str = "config.json") -> HyenaConfig:
    """Read either form of config.json; fields that change nothing are ignored.

    Raises DataError for an operator that ribolm does not compute and for missing fields: the defaults of upstream's
    class are not those of its models.
    """
    content = _flattened(content, source)
    require_fixed(content, FIXED, source, "a HyenaDNA model")
    telling = ("d_model", "n_layer", "max_seq_len", "emb_dim", "activation_freq")
    missing = [name for name in telling if content.get(name) is None]
    if missing:
        raise DataError(f"{source}: lacks {', '.join(missing)}. Use the config.json of a HyenaDNA model.")
    return fill(HyenaConfig, content, source)


def _flattened(content: Mapping[str, Any], source: str) -> dict[str, Any]:
    layer = content.get("layer")
    if not isinstance(layer, Mapping):
        return dict(content)
    for name, wanted in ORIGINAL_FIXED.items():
        if layer.get(name, wanted) != wanted:
            raise DataError(f"{source}: layer.{name} is {layer[name]!r}, but ribolm reads only {wanted!r}.")
    inner = {str(name): value for name, value in layer.items() if name not in ORIGINAL_FIXED}
    renamed = {ORIGINAL_NAMES.get(name, name): value for name, value in inner.items()}
    outer = {name: value for name, value in content.items() if name not in ("layer", "tie_word_embeddings")}
    return {**outer, **renamed}
