"""Models with random weights: where pretraining from scratch begins, and the control that learnt nothing."""

from dataclasses import replace
from pathlib import Path

from ribolm import console
from ribolm.errors import UsageError
from ribolm.models.backbones import family_of
from ribolm.models.configuration import EncoderConfig
from ribolm.models.network import language_model, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.tokenizers import Tokenizer


def write_initial_model(
    out: Path, preset: str, tokenizer: Tokenizer, seed: int, token_dropout: bool | None = None
) -> Path:
    """Write a model directory of a preset, a pure function of preset, tokenizer, token dropout and seed.

    Raises UsageError for an unknown preset, one without a language model, and token dropout where there is none.
    """
    config = preset_config(preset, tokenizer)
    if not family_of(config).language_model:
        raise UsageError(
            f"preset '{preset}' has no language model, so that there is nothing to pretrain. Give it to ribolm-train "
            "finetune."
        )
    if token_dropout is not None:
        if not isinstance(config, EncoderConfig):
            raise UsageError(f"preset '{preset}' has no token dropout. Leave out --token-dropout.")
        config = replace(config, token_dropout=token_dropout)
    network = new_network(config, language_model(config), seed)
    save_model(out, network, tokenizer, manifest={"parent": None, "preset": preset, "seeds": {"init": seed}})
    console.notice(f"{out}: {network.n_parameters():,} random weights of preset '{preset}', seed {seed}.")
    return out
