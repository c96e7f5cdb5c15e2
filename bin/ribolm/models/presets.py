"""Named sizes of the encoder, from tests to ESM-2's 650 M."""

from typing import Any

from ribolm.errors import UsageError
from ribolm.models.configuration import EncoderConfig
from ribolm.sequences.vocabulary import NO_TOKEN, Tokenizer

_ESM2: dict[str, Any] = {"num_attention_heads": 20, "token_dropout": True}
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    "small": {"num_hidden_layers": 4, "hidden_size": 192, "num_attention_heads": 6, "intermediate_size": 768},
    "base": {
        "num_hidden_layers": 12,
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_dropout_prob": 0.1,
    },
    "8m": {"num_hidden_layers": 6, "hidden_size": 320, "intermediate_size": 1280, **_ESM2},
    "35m": {"num_hidden_layers": 12, "hidden_size": 480, "intermediate_size": 1920, **_ESM2},
    "150m": {"num_hidden_layers": 30, "hidden_size": 640, "intermediate_size": 2560, **_ESM2},
    "650m": {"num_hidden_layers": 33, "hidden_size": 1280, "intermediate_size": 5120, **_ESM2},
}


def preset_config(name: str, tokenizer: Tokenizer) -> EncoderConfig:
    """The configuration of a preset for a vocabulary; raises UsageError for an unknown name."""
    if name not in PRESETS:
        raise UsageError(f"preset '{name}' is unknown. Use one of {', '.join(PRESETS)}.")
    return EncoderConfig(
        vocab_size=tokenizer.vocab_size,
        pad_token_id=tokenizer.pad_id,
        mask_token_id=tokenizer.mask_id,
        bos_token_id=None if tokenizer.cls_id == NO_TOKEN else tokenizer.cls_id,
        eos_token_id=None if tokenizer.eos_id == NO_TOKEN else tokenizer.eos_id,
        **PRESETS[name],
    )
