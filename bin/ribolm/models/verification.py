"""Model directories held against their manifest, their configuration and transformers' own classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ribolm import console
from ribolm.errors import DataError, ToolError, UsageError
from ribolm.models.backbones import family_of
from ribolm.models.directories import CONFIG, REGRESSION, read_json
from ribolm.models.pair_maps.folding import fold
from ribolm.models.ragged import Ragged, pack
from ribolm.models.weights import LoadedModel, load_model

TOLERANCE = 1e-5  # largest difference from transformers in fp32, relative to the largest value where that exceeds 1
SHOWN_TOKENS = 6  # at either end of a vocabulary
LENGTHS = (5, 64, 17, 64)


def describe_model(directory: Path) -> dict[str, Any]:
    """What a directory holds: shape, number of weights, tokenizer, task, manifest."""
    model = load_model(directory)
    identity, tokens = model.tokenizer.identity(), model.tokenizer.tokens
    family = family_of(model.network.config)
    return {
        "config": model.network.config.to_dict(),
        "family": family.name,
        "parity": family.parity,
        "head": model.network.spec.kind if model.network.spec else None,
        "parameters": model.network.n_parameters(),
        "tokenizer": {**identity, "first": tokens[:SHOWN_TOKENS], "last": tokens[-SHOWN_TOKENS:]},
        "task": model.task and {**model.task, "tokenizer": identity},
        "manifest": model.manifest,
        "architectures": read_json(directory / CONFIG).get("architectures"),
    }


@torch.no_grad()
def verify_model(directory: Path, against_transformers: bool) -> None:
    """Check files, names, shapes and finite outputs, and tell; raise DataError for what does not hold."""
    model = load_model(directory)
    batch = random_batch(model)
    ours = outputs(model, batch)
    if not all(torch.isfinite(values).all() for values in (*ours, *answers(model, batch))):
        raise DataError(f"{directory}: outputs are not finite. Use the weights of an earlier checkpoint.")
    if (directory / REGRESSION).exists() and REGRESSION not in model.manifest["files"]:
        console.notice(
            f"{directory / REGRESSION}: manifest.json does not name it, so nothing tells whether it is whole. Write it "
            "again by `ribolm-evaluate regression`."
        )
    weights = f"{model.network.n_parameters():,} weights"
    console.notice(f"{directory}: {weights}, sha256 {model.sha256[:12]}, outputs finite.")
    if against_transformers:
        theirs = outputs_of_transformers(model, batch)
        difference = max(_relative(left, right) for left, right in zip(ours, theirs, strict=True))
        if not difference <= TOLERANCE:
            raise DataError(f"{directory}: outputs differ from transformers' by {difference:.1e}. Convert it again.")
        console.notice(f"{directory}: hidden states and logits equal transformers' to {difference:.1e}.")


def _relative(left: Tensor, right: Tensor) -> float:
    return float((left - right).abs().max()) / max(1.0, float(right.abs().max()))


def random_batch(model: LoadedModel) -> Ragged:
    """A few sequences of different length of tokens that carry meaning, special ones around, one <mask> within."""
    stream, tokenizer = np.random.default_rng(1), model.tokenizer
    longest = model.network.config.max_tokens or max(LENGTHS)
    around = len(tokenizer.prefix_ids) + len(tokenizer.suffix_ids)
    rows: Sequence[Any] = [stream.choice(tokenizer.base_ids, min(length, longest) - around) for length in LENGTHS]
    rows[1][3] = tokenizer.mask_id
    return pack([np.r_[tokenizer.prefix_ids, row, tokenizer.suffix_ids] for row in rows])


def outputs(model: LoadedModel, batch: Ragged) -> list[Tensor]:
    """Hidden states [T, D], and the logits where transformers has the same head."""
    hidden: Tensor = model.network.encoder(batch)
    bare = family_of(model.network.config).architectures[""]
    return [hidden] if peer_class(model) == bare else [hidden, model.network.answer(hidden, batch)]


def answers(model: LoadedModel, batch: Ragged) -> list[Tensor]:
    """What the head says, in its own form; of pairs, those of the first and the last token of each sequence."""
    network = model.network
    kind = network.spec.kind if network.spec else ""
    if kind == "structure":
        return [values for found in fold(network, batch, [None] * len(batch.lengths)) for values in found]
    ends = torch.stack([batch.cu_seqlens[:-1], batch.cu_seqlens[1:] - 1], dim=1).long()
    return [network(batch, ends if kind == "pair" else None)]


def peer_class(model: LoadedModel) -> str:
    """The class of transformers that computes what the model computes; the backbone's for a head that it has not."""
    spec = model.network.spec
    architectures = family_of(model.network.config).architectures
    return architectures.get("" if spec is None or spec.pooling == "mean" else spec.kind, architectures[""])


def outputs_of_transformers(model: LoadedModel, batch: Ragged) -> list[Tensor]:
    """The same as `outputs` from transformers, loaded from the same directory; DataError when weights do not fit."""
    try:
        import transformers
    except ImportError as error:
        raise ToolError("transformers is not installed. Install it or leave out --against-transformers.") from error
    talk: Any = transformers.logging
    talk.set_verbosity_error()
    talk.disable_progress_bar()
    name = peer_class(model)
    bare = name == "EsmModel"
    model_type = model.network.config.to_dict().get("model_type")
    if not hasattr(transformers, name) or model_type not in transformers.CONFIG_MAPPING:
        raise UsageError(
            f"transformers has no {name} of type {model_type}. Verify {model.directory} without --against-transformers."
        )
    load: Any = getattr(transformers, name).from_pretrained
    more = {"add_pooling_layer": False} if bare else {}
    peer, report = load(model.directory, local_files_only=True, output_loading_info=True, **more)
    surprises = sorted(report["missing_keys"]) + ([] if bare else sorted(report["unexpected_keys"]))
    if surprises:
        raise DataError(f"{model.directory}: transformers stumbles over {', '.join(surprises[:5])}. Convert it again.")
    longest = max(batch.lengths)
    inside = torch.arange(longest) < torch.tensor(batch.lengths)[:, None]
    padded = torch.full(inside.shape, peer.config.pad_token_id)
    padded[inside] = batch.tokens
    found = peer.eval()(padded, attention_mask=inside.long(), output_hidden_states=True)
    hidden = (found.last_hidden_state if bare else found.hidden_states[-1])[inside]
    if bare:
        return [hidden]
    return [hidden, found.logits if found.logits.ndim == 2 else found.logits[inside]]
