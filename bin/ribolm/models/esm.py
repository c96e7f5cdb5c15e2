"""The family of ESM-2: configuration, encoder, random initialisation, spellings of published files."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ribolm.errors import DataError
from ribolm.models.configuration import EncoderConfig, config_from_dict
from ribolm.models.encoder import Encoder
from ribolm.models.family import Family, Fates
from ribolm.models.heads import MaskedLMHead
from ribolm.models.state import State

EMBEDDING = "esm.embeddings.word_embeddings.weight"
DECODER = "lm_head.decoder.weight"
FREQUENCIES = "esm.rotary_embeddings.inv_freq"
OLD_FREQUENCIES = re.compile(r"esm\.encoder\.layer\.(\d+|\*)\.attention\.self\.rotary_embeddings\.inv_freq")
BARE_ENCODER = ("embeddings.", "encoder.", "contact_head.", "rotary_embeddings.", "pooler.")
UNUSED = re.compile(r"esm\.(embeddings\.position_ids|pooler\.dense\.(weight|bias))")
POSITIONS = "esm.embeddings.position_embeddings.weight"


@torch.no_grad()
def initialise(module: nn.Module, config: Any, generator: torch.Generator) -> None:
    """Set the weights that a module itself owns: ESM's and BERT's rule."""
    if isinstance(module, nn.Linear | nn.Embedding):
        module.weight.normal_(0.0, config.initializer_range, generator=generator)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight[module.padding_idx] = 0.0
    if isinstance(module, nn.LayerNorm):
        module.weight.fill_(1.0)
    if isinstance(module, nn.Linear | nn.LayerNorm | MaskedLMHead) and module.bias is not None:
        module.bias.zero_()


def rename(stored: Mapping[str, torch.Tensor], config: EncoderConfig) -> tuple[State, Fates]:
    """Bring older spellings of ESM's weights to today's, drop what the encoder never reads, add what it computes."""
    state: State = {}
    fates = Fates()
    for name, value in stored.items():
        new = f"esm.{name}" if name.startswith(BARE_ENCODER) else name
        new = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", new))
        if OLD_FREQUENCIES.fullmatch(new):
            new = FREQUENCIES
            if new in state and not torch.equal(state[new], value):
                raise DataError(f"{name} differs from the other layers' frequencies. Use an ESM-2 model.")
            if new in state:
                fates.left_out.append(name)
                continue
        if new == FREQUENCIES and _is_bfloat16_of(value, _frequencies(config)):
            fates.left_out.append(name)  # rounded, they turn heads of 64 by up to 1.7 radians at 4,000 nt
            continue
        if UNUSED.fullmatch(new) or (new == POSITIONS and not config.learned_positions):
            fates.left_out.append(name)
            continue
        if new != name:
            fates.renamed.append(name)
        state[new] = value
    if config.tied:
        _untie(state, fates)
    _add_computed(state, config, fates)
    return state, fates


def _untie(state: State, fates: Fates) -> None:
    """Drop the decoder's copy of the embedding matrix, after making sure that it is one."""
    if DECODER not in state:
        return
    if EMBEDDING not in state or not torch.equal(state[DECODER], state[EMBEDDING]):
        raise DataError(f"{DECODER} is not the embedding matrix, but ESM-2 ties the two. Use an ESM-2 model.")
    del state[DECODER]
    fates.left_out.append(DECODER)


def _add_computed(state: State, config: EncoderConfig, fates: Fates) -> None:
    """Rotary frequencies follow from the configuration; a contact head is optional and unused by training."""
    wide = config.num_hidden_layers * config.num_attention_heads
    computed = {
        FREQUENCIES: _frequencies(config),
        "esm.contact_head.regression.weight": torch.zeros(1, wide),
        "esm.contact_head.regression.bias": torch.zeros(1),
    }
    for name, value in computed.items():
        if name not in state and not (name == FREQUENCIES and config.learned_positions):
            state[name] = value
            fates.added.append(name)


def _frequencies(config: EncoderConfig) -> torch.Tensor:
    exponents = torch.arange(0, config.head_size, 2, dtype=torch.float) / config.head_size
    return 1.0 / (config.rope_theta**exponents)


def _is_bfloat16_of(stored: torch.Tensor, computed: torch.Tensor) -> bool:
    """Whether a tensor is another, rounded, as in a checkpoint that was saved in bfloat16 as a whole."""
    return torch.equal(stored, computed.bfloat16().float()) and not torch.equal(stored, computed)


def _reset(encoder: Encoder) -> None:
    if encoder.rotary_embeddings is not None:
        encoder.rotary_embeddings.reset()


ESM = Family(
    name="ESM-2",
    prefix="esm",
    config=EncoderConfig,
    recognises=lambda content: content.get("model_type", "esm") == "esm",
    read_config=config_from_dict,
    build=Encoder,
    initialise=initialise,
    reset=_reset,
    rename=rename,
    untrained=("contact_head",),
    architectures={
        "": "EsmModel",
        "pair": "EsmModel",
        "masked_lm": "EsmForMaskedLM",
        "token": "EsmForTokenClassification",
        "sequence": "EsmForSequenceClassification",
        "regression": "EsmForSequenceClassification",
        "multilabel": "EsmForSequenceClassification",
    },
    parity="transformers 5, models/esm/modeling_esm.py; the same classes load the published weights",
)
