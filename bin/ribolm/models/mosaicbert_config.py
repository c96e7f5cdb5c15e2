"""What defines a MosaicBERT: the fields of DNABERT-2's `config.json` that change the network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ribolm.errors import DataError
from ribolm.models.configuration import TELLING, TransformerRules, fill, require_fixed, require_special_ids

MODEL_TYPE = "mosaicbert"  # ours: as "bert", transformers would read it without ALiBi
FIXED: dict[str, Any] = {"is_decoder": False, "add_cross_attention": False, "hidden_act": "gelu"}
IDS = ("pad_token_id", "mask_token_id", "bos_token_id", "eos_token_id")


@dataclass(frozen=True)
class MosaicBertConfig(TransformerRules):
    """Shape and rules of a MosaicBERT, defaults as in DNABERT-2, whose tokenizer has [UNK] [CLS] [SEP] [PAD] [MASK].

    Raises DataError for a shape that cannot be built.
    """

    vocab_size: int
    pad_token_id: int = 3
    mask_token_id: int = 4
    bos_token_id: int | None = 1
    eos_token_id: int | None = 2
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.0
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise DataError(
                f"hidden_size {self.hidden_size} is no multiple of num_attention_heads {self.num_attention_heads}. "
                "Change one of them."
            )
        require_special_ids(self.vocab_size, pad_token_id=self.pad_token_id, mask_token_id=self.mask_token_id)

    @property
    def gated(self) -> bool:
        """Whether one half of the feed-forward layer gates the other."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`."""
        return {"model_type": MODEL_TYPE, **FIXED, **asdict(self)}


def is_mosaicbert(content: Mapping[str, Any]) -> bool:
    """Whether a `config.json` is of this family: ours, or a BERT that names ALiBi or upstream's `bert_layers.py`."""
    if content.get("model_type") == MODEL_TYPE:
        return True
    named = "alibi_starting_size" in content or "bert_layers." in str(content.get("auto_map"))
    return named and content.get("model_type", "bert") == "bert"


def read_config(content: Mapping[str, Any], source: str) -> MosaicBertConfig:
    """Read a parsed `config.json`, published or ours; DataError for another architecture and for missing fields.

    Published files leave the ids of special tokens to BERT's defaults, which are not their tokenizer's; they are not
    read.
    """
    require_fixed(content, FIXED, source, "DNABERT-2")
    missing = sorted(name for name in TELLING if content.get(name) is None)
    if missing:
        raise DataError(f"{source}: lacks {', '.join(missing)}. Use the config.json that came with the weights.")
    ours = content.get("model_type") == MODEL_TYPE
    return fill(MosaicBertConfig, {key: value for key, value in content.items() if ours or key not in IDS}, source)
