"""Files of fair-esm (Lin et al. 2023) and of what was trained with its classes, RESM among them, in our names.

Three layouts, all with fair-esm's names of the weights: fair-esm's own (`cfg`, the settings, beside `model`), a `.pt`
and a Lightning `.ckpt` with nothing but `state_dict` that counts. Where no settings lie beside the weights, the shapes
of these tell the configuration.
"""

import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ribolm import console
from ribolm.errors import DataError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.presets import PRESETS
from ribolm.models.state import State
from ribolm.sequences.single import ESM_TOKENS

PREFIXES = re.compile(r"^encoder\.(sentence_encoder\.)?")  # fair-esm drops them on reading, too
LAYER = re.compile(r"layers\.(\d+)\.(.+)")
# fair-esm's names inside a layer, and ours, which are those of transformers
OF_LAYER = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.LayerNorm",
    "self_attn.rot_emb": "attention.self.rotary_embeddings",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "LayerNorm",
}
OUTSIDE = {
    "embed_tokens": "esm.embeddings.word_embeddings",
    "emb_layer_norm_after": "esm.encoder.emb_layer_norm_after",
    "contact_head.regression": "esm.contact_head.regression",
    "lm_head.dense": "lm_head.dense",
    "lm_head.layer_norm": "lm_head.layer_norm",
    "lm_head": "lm_head",
}
EMBEDDING = "embed_tokens.weight"
CONTACTS = "contact_head.regression.weight"


def is_fair_esm(stored: Mapping[str, Tensor]) -> bool:
    """Whether weights have fair-esm's names."""
    return any(PREFIXES.sub("", name) == EMBEDDING for name in stored)


def without_prefixes(stored: Mapping[str, Tensor]) -> State:
    """Weights without the prefixes that fair-esm itself drops; a name that then stands twice is a DataError."""
    found = {PREFIXES.sub("", name): value for name, value in stored.items()}
    if len(found) != len(stored):
        raise DataError("two weights have one name once 'encoder.' is taken off. Give the file as it was published.")
    return found


def transformers_name(name: str) -> str | None:
    """The name of transformers for one of fair-esm; None for an unknown one."""
    part, _, kind = name.rpartition(".")
    if match := LAYER.fullmatch(part):
        number, inside = match.groups()
        return f"esm.encoder.layer.{number}.{OF_LAYER[inside]}.{kind}" if inside in OF_LAYER else None
    if name == "lm_head.weight":  # the embedding matrix once more, which transformers calls the decoder
        return "lm_head.decoder.weight"
    return f"{OUTSIDE[part]}.{kind}" if part in OUTSIDE else None


def settings_of(beside: Mapping[str, Any]) -> dict[str, Any]:
    """What `cfg` of fair-esm's own files tells: layers, width, heads, token dropout; nothing from other files."""
    cfg = beside.get("cfg")
    model = cfg.get("model") if isinstance(cfg, Mapping) else None
    told = vars(model) if isinstance(model, Namespace) else model if isinstance(model, Mapping) else {}
    names = {
        "encoder_layers": "num_hidden_layers",
        "encoder_embed_dim": "hidden_size",
        "encoder_attention_heads": "num_attention_heads",
        "token_dropout": "token_dropout",
    }
    return {ours: told[theirs] for theirs, ours in names.items() if theirs in told}


def configuration(path: Path, stored: Mapping[str, Tensor], settings: Mapping[str, Any]) -> EncoderConfig:
    """The configuration of ESM-2 that weights of fair-esm's names belong to.

    Raises DataError for another vocabulary, a shape that does not fit the settings, and heads that nothing tells.
    """
    n_tokens, width = stored[EMBEDDING].shape
    if n_tokens != len(ESM_TOKENS):
        raise DataError(f"{path}: has {n_tokens} tokens, ESM-2 has {len(ESM_TOKENS)}. Give weights of ESM-2 or RESM.")
    layers = 1 + max((int(match.group(1)) for name in stored if (match := LAYER.match(name))), default=-1)
    shape = {"num_hidden_layers": layers, "hidden_size": int(width)}
    for name, found in shape.items():
        if settings.get(name, found) != found:
            raise DataError(f"{path}: says {name} {settings[name]}, but its weights have {found}. Copy it again.")
    widening = stored.get("layers.0.fc1.weight")
    if widening is None:
        raise DataError(f"{path}: has no weight layers.0.fc1.weight. Give weights of ESM-2 or RESM.")
    dropout = settings.get("token_dropout")
    if dropout is None:
        console.choice("token dropout", True, "no settings in the file; ESM-2 and RESM were trained with it")
    return EncoderConfig(
        vocab_size=n_tokens,
        mask_token_id=ESM_TOKENS.index("<mask>"),
        num_attention_heads=_heads(path, stored, shape, settings),
        intermediate_size=len(widening),
        token_dropout=True if dropout is None else bool(dropout),
        num_hidden_layers=layers,
        hidden_size=int(width),
    )


def _heads(path: Path, stored: Mapping[str, Tensor], shape: Mapping[str, int], settings: Mapping[str, Any]) -> int:
    """Attention heads: as the settings say, by the width of the contact regression, or as ESM-2 of that size has."""
    if "num_attention_heads" in settings:
        return int(settings["num_attention_heads"])
    if CONTACTS in stored:
        return stored[CONTACTS].shape[-1] // max(shape["num_hidden_layers"], 1)
    for name, preset in PRESETS.items():
        if preset.get("token_dropout") and all(preset[key] == value for key, value in shape.items()):
            heads = int(preset["num_attention_heads"])
            console.choice("attention heads", heads, f"no contact regression in the file; the shape is ESM-2 {name}'s")
            return heads
    raise DataError(
        f"{path}: neither settings nor a contact regression tell the number of attention heads, and "
        f"{shape['num_hidden_layers']} layers of {shape['hidden_size']} are no ESM-2. Give the folder with config.json."
    )
