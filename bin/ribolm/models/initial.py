"""Models with random weights: where pretraining from scratch begins, and the control that learnt nothing."""

from dataclasses import replace
from pathlib import Path

from ribolm import console
from ribolm.errors import UsageError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.network import language_model, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import Tokenizer


def write_initial_model(
    out: Path, preset: str, tokenizer: Tokenizer, seed: int, token_dropout: bool | None = None
) -> Path:
    """Write a model directory of a preset, a pure function of preset, tokenizer, token dropout and seed."""
    config = preset_config(preset, tokenizer)
    if token_dropout is not None:
        if not isinstance(config, EncoderConfig):
            raise UsageError(f"preset '{preset}' has no token dropout. Leave out --token-dropout.")
        config = replace(config, token_dropout=token_dropout)
    network = new_network(config, language_model(config), seed)
    save_model(out, network, tokenizer, manifest={"parent": None, "preset": preset, "seeds": {"init": seed}})
    console.notice(f"{out}: {network.n_parameters():,} random weights of preset '{preset}', seed {seed}.")
    return out


def write_random_twin(out: Path, model: Path, seed: int) -> Path:
    """Write a model of the same shape and tokens with random weights, the control of what a model has learnt.

    A pure function of the model's configuration, tokenizer and seed; heads are left out, its language model's is drawn.
    """
    given = load_model(model, head=None)
    config = given.network.config
    network = new_network(config, language_model(config), seed)
    facts = {"parent": None, "preset": f"shape of {model.resolve().name}", "seeds": {"init": seed}}
    save_model(out, network, given.tokenizer, manifest=facts)
    console.notice(f"{out}: {network.n_parameters():,} random weights in the shape of {model}, seed {seed}.")
    return out
