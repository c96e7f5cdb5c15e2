"""Named sizes of the backbones: our own and ESM-2's encoders, HyenaDNA as published."""

from typing import Any

from ribolm.errors import UsageError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.family import BackboneConfig
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.sequences.tokenizers import mapping_of
from ribolm.sequences.vocabulary import NO_TOKEN, Tokenizer

_ESM2: dict[str, Any] = {"num_attention_heads": 20, "token_dropout": True}
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    "mini": {"num_hidden_layers": 3, "hidden_size": 128, "num_attention_heads": 4, "intermediate_size": 256},
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
# Weights of ESM-2's sizes with its 33 tokens, the tied decoder counted once, the contact head included
ESM2_PARAMETERS = {"8m": 7_512_474, "35m": 33_501_394, "150m": 148_140_154, "650m": 651_043_254}
_HYENA: dict[str, Any] = {"emb_dim": 5, "activation_freq": 10}
# Nominal lengths of the published models, and two tokens more; hyena-tiny is for tests. HyenaDNA has its own tokenizer
HYENA_PRESETS: dict[str, dict[str, Any]] = {
    "hyena-tiny": {"d_model": 32, "n_layer": 2, "max_seq_len": 514, "initializer_range": 0.2, **_HYENA},
    "hyenadna-tiny-1k": {"d_model": 128, "n_layer": 2, "max_seq_len": 1026, **_HYENA},
    "hyenadna-tiny-1k-d256": {"d_model": 256, "n_layer": 2, "max_seq_len": 1026, **_HYENA},
    "hyenadna-tiny-16k-d128": {"d_model": 128, "n_layer": 2, "max_seq_len": 16386, **_HYENA},
    "hyenadna-small-32k": {"d_model": 256, "n_layer": 4, "max_seq_len": 32770, **_HYENA},
    "hyenadna-medium-160k": {"d_model": 256, "n_layer": 8, "max_seq_len": 160002, **_HYENA},
    "hyenadna-medium-450k": {"d_model": 256, "n_layer": 8, "max_seq_len": 450002, **_HYENA},
    "hyenadna-large-1m": {"d_model": 256, "n_layer": 8, "max_seq_len": 1000002, **_HYENA},
}
# Windows of so many nt, each letter a token between <cls> and <eos>
CONVOLUTION_PRESETS: dict[str, dict[str, Any]] = {
    # each base by itself, and layers that step by codons: what counts is the frame against the end of the window
    "convolution-50": {"max_tokens": 52, "stretch_nt": 1, "hidden_size": 32, "motif_nt": 11, "kernel": 3,
                       "n_layers": 2, "dilations": (3, 6), "reading_frames": True, "head": "frames", "head_size": 128,
                       "hidden_dropout_prob": 0.0, "head_dropout_prob": 0.3},
    "convolution-101": {"max_tokens": 103},
    "convolution-206": {"max_tokens": 208},
}  # fmt: skip


def preset_tokenizer(name: str) -> str:
    """The tokenizer that belongs to a preset: HyenaDNA's own, else one token per nucleotide."""
    return "hyena" if name in HYENA_PRESETS else "nucleotide"


def preset_config(name: str, tokenizer: Tokenizer) -> BackboneConfig:
    """The configuration of a preset for a vocabulary; raises UsageError for an unknown name or another tokenizer."""
    if name in HYENA_PRESETS:
        if tokenizer.kind != "hyena":
            raise UsageError(f"preset '{name}' has the tokenizer hyena, not {tokenizer.kind}. Leave out --tokenizer.")
        return HyenaConfig(**HYENA_PRESETS[name])
    if name in CONVOLUTION_PRESETS:
        return _convolution(name, tokenizer)
    if name not in PRESETS:
        names = ", ".join((*PRESETS, *CONVOLUTION_PRESETS, *HYENA_PRESETS))
        raise UsageError(f"preset '{name}' is unknown. Use one of {names}.")
    return EncoderConfig(
        vocab_size=tokenizer.vocab_size,
        pad_token_id=tokenizer.pad_id,
        mask_token_id=tokenizer.mask_id,
        bos_token_id=None if tokenizer.cls_id == NO_TOKEN else tokenizer.cls_id,
        eos_token_id=None if tokenizer.eos_id == NO_TOKEN else tokenizer.eos_id,
        nucleotide_mapping=mapping_of(tokenizer),
        **PRESETS[name],
    )


def _convolution(name: str, tokenizer: Tokenizer) -> ConvolutionConfig:
    if tokenizer.kind != "nucleotide":
        raise UsageError(f"preset '{name}' has the tokenizer nucleotide, not {tokenizer.kind}. Choose that one.")
    return ConvolutionConfig(
        vocab_size=tokenizer.vocab_size,
        base_token_ids=tuple(tokenizer.base_ids.tolist()),
        pad_token_id=tokenizer.pad_id,
        mask_token_id=tokenizer.mask_id,
        bos_token_id=tokenizer.cls_id,
        eos_token_id=tokenizer.eos_id,
        **CONVOLUTION_PRESETS[name],
    )
