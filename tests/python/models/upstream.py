"""One set of random weights as fair-esm, RESM, Lightning and transformers write it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ribolm.models.fair_esm import transformers_name

from .drawn import drawn_state

LAYOUTS = ("fair-esm", "RESM .pt", "Lightning .ckpt", "Hugging Face")
CONTACTS = "contact_head.regression."
State = dict[str, Tensor]


def fair_esm_shapes(layers: int, width: int, heads: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of fair-esm's `ESM2`, the tied decoder left out."""
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (33, width)}
    for number in range(layers):
        of_layer = {f"self_attn.{part}_proj": (width, width) for part in ("k", "v", "q", "out")}
        of_layer |= {"fc1": (4 * width, width), "fc2": (width, 4 * width)}
        for name, shape in of_layer.items():
            shapes |= {f"layers.{number}.{name}.weight": shape, f"layers.{number}.{name}.bias": shape[:1]}
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"layers.{number}.{name}.{kind}": (width,) for kind in ("weight", "bias")}
    shapes |= {f"{CONTACTS}weight": (1, layers * heads), f"{CONTACTS}bias": (1,)}
    shapes |= {f"emb_layer_norm_after.{kind}": (width,) for kind in ("weight", "bias")}
    shapes |= {"lm_head.bias": (33,), "lm_head.dense.weight": (width, width), "lm_head.dense.bias": (width,)}
    return shapes | {f"lm_head.layer_norm.{kind}": (width,) for kind in ("weight", "bias")}


def fair_esm_state(layers: int, width: int, heads: int, seed: int = 7, scale: float = 0.15) -> State:
    """Random weights under fair-esm's names, tied decoder and rotary frequencies as it stores them."""
    state = drawn_state(fair_esm_shapes(layers, width, heads), seed, scale)
    state["lm_head.weight"] = state["embed_tokens.weight"]
    size = width // heads
    frequencies = 1.0 / (10000 ** (torch.arange(0, size, 2).float() / size))
    return state | {f"layers.{number}.self_attn.rot_emb.inv_freq": frequencies for number in range(layers)}


@contextmanager
def script_class(name: str) -> Iterator[Any]:
    """An instance of a class that pickle believes to be of the script that runs."""
    script = sys.modules["__main__"]
    made = type(name, (), {"__module__": "__main__", "__qualname__": name})
    setattr(script, name, made)
    try:
        instance = made()
        instance.learning_rate = 1e-4
        yield instance
    finally:
        delattr(script, name)


def write_layout(folder: Path, layout: str, state: State, layers: int, width: int, heads: int) -> Path:
    """Write weights in one of `LAYOUTS`; returns what `ribolm-weights convert --from` is given."""
    folder.mkdir(parents=True)
    if layout == "fair-esm":
        model = {
            f"encoder.{'' if name.startswith('lm_head') else 'sentence_encoder.'}{name}": value
            for name, value in state.items()
            if not name.startswith(CONTACTS)
        }
        shape = {"encoder_layers": layers, "encoder_embed_dim": width, "encoder_attention_heads": heads}
        settings = Namespace(arch="esm2", token_dropout=True, dropout=0.0, **shape)
        torch.save({"cfg": {"model": settings}, "model": model}, folder / "esm2_random.pt")
        contacts = {name: value for name, value in state.items() if name.startswith(CONTACTS)}
        torch.save({"model": contacts}, folder / "esm2_random-contact-regression.pt")
        return folder / "esm2_random.pt"
    if layout == "RESM .pt":
        torch.save({"state_dict": state}, folder / "RESM-random-KDNY.pt")
        return folder / "RESM-random-KDNY.pt"
    if layout == "Lightning .ckpt":
        moments = {"state": {0: {"step": 5, "exp_avg": torch.zeros(33, width)}}, "param_groups": [{"lr": 1e-4}]}
        with script_class("OptimizerConfig") as optimizer, script_class("Config") as config:
            more = {"hyper_parameters": {"optimizer_config": optimizer, "config": config}, "epoch": 3}
            content = {
                "state_dict": state,
                "optimizer_states": [moments],
                "pytorch-lightning_version": "1.5.10",
                **more,
            }
            torch.save(content, folder / "RESM-random-KDNY.ckpt")
        return folder / "RESM-random-KDNY.ckpt"
    return _hugging_face(folder, state, layers, width, heads)


def _hugging_face(folder: Path, state: State, layers: int, width: int, heads: int) -> Path:
    """What transformers' own class saves after it has loaded the weights."""
    import transformers

    config = transformers.EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, intermediate_size=4 * width, position_embedding_type="rotary", layer_norm_eps=1e-5,
        token_dropout=True, emb_layer_norm_before=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model: Any = transformers.EsmForMaskedLM(config)
    renamed = {str(transformers_name(name)): value for name, value in state.items() if "inv_freq" not in name}
    found = model.load_state_dict(renamed, strict=False)
    assert not found.unexpected_keys and all("inv_freq" in name for name in found.missing_keys), found
    model.save_pretrained(folder / "hf")
    assert json.loads((folder / "hf" / "config.json").read_text())["model_type"] == "esm"
    return folder / "hf"
