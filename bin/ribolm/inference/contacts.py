"""Contacts of an RNA from the attention of a model: the fitted regression, streamed over layers and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ribolm.console import choice
from ribolm.errors import UsageError
from ribolm.inference.batches import ONE_ROW, Float32, Forward, one_sequence
from ribolm.models.attention_features import attention_channels
from ribolm.models.attention_rows import BLOCK_VALUES, LEAST_ROWS
from ribolm.models.contact_head import RECORD, fitted_contact_head
from ribolm.models.token_dropout import use_token_dropout
from ribolm.models.weights import LoadedModel, load_model
from ribolm.training.machine.memory import PROCESS_BYTES, available_bytes
from ribolm.version import __version__

KEPT_MAPS = 4  # of the size L · L in fp32: the sum, what comes of it, and what is written
KEPT_WIDTHS = 20  # of the hidden size per token, in passing [estimated]


@dataclass(frozen=True)
class ContactModel:
    """A model with a contact head fitted on RNA; `weights` [1, layers · heads], `record` tells of the fit."""

    loaded: LoadedModel
    weights: torch.Tensor
    bias: float
    record: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        """What contacts depend on, for the files that hold them."""
        fit = {key: value for key, value in self.record.items() if key != "rnas"}
        model = {"model": self.loaded.directory.name, "model_sha256": self.loaded.sha256}
        return {"ribolm": __version__, **model, "token_dropout": self.record.get("token_dropout"), RECORD: fit}


def load_contact_model(directory: Path) -> ContactModel:
    """Load a model, token dropout as its contact head was fitted.

    Raises UsageError for a backbone without attention, DataError for a head that was not fitted for this backbone.
    """
    loaded = load_model(directory, head=None)
    weights, bias, record = fitted_contact_head(loaded)
    in_force = use_token_dropout(loaded.network, bool(record.get("token_dropout")))
    choice("token dropout", "on" if in_force else "off", "as the contact head was fitted")
    return ContactModel(loaded, weights, bias, record)


def contact_forward(model: ContactModel, device: str = "auto", threads: int | None = None) -> Forward:
    """The model on a device, in fp32, one RNA at a time. UsageError when CUDA is asked for and none is seen."""
    if threads is not None:
        torch.set_num_threads(threads)
    return Forward.prepare((model.loaded.network,), model.loaded.tokenizer, device, "fp32", ONE_ROW)


def contact_logits(model: ContactModel, forward: Forward, letters: str) -> Float32:
    """Logits of contacts between all bases, float32 [L, L], symmetric; no probability is left out by distance."""
    tokenizer = forward.tokenizer
    inner = tokenizer.encode(np.frombuffer(letters.encode("ascii"), dtype=np.uint8))
    tokens = torch.from_numpy(np.r_[tokenizer.prefix_ids, inner, tokenizer.suffix_ids].astype(np.int64))
    with one_sequence(len(tokens)):
        summed = attention_channels(forward.networks[0], tokens.to(forward.device.name), model.weights)[0]
    return np.asarray(summed.add_(model.bias).cpu().numpy(), dtype=np.float32)


def require_memory(model: ContactModel, forward: Forward, lengths_nt: Sequence[int]) -> None:
    """Print what the longest RNA will need; UsageError where there is less."""
    need = contact_bytes(model, max(lengths_nt, default=0), forward.device.kind)
    free, bound = available_bytes(forward.device.name)
    longest = f"{max(lengths_nt, default=0):,} nt are the longest"
    choice("memory", f"{need / 1e9:.2f} of {free / 1e9:.2f} GB", longest)
    if free and need > free:
        raise UsageError(
            f"Contacts of {max(lengths_nt):,} nt will need {need / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free "
            f"({bound}). Leave the longest RNAs out, or cut them."
        )


def contact_bytes(model: ContactModel, length_nt: int, device_kind: str) -> int:
    """Memory of one RNA: the process, the weights, maps of L · L, sums of every attention map, blocks of rows."""
    network = model.loaded.network
    of_maps = 4 * KEPT_MAPS * length_nt**2 + 2 * 8 * model.weights.numel() * length_nt
    of_tokens = 4 * KEPT_WIDTHS * network.config.hidden_size * length_nt
    blocks = 2 * 4 * max(BLOCK_VALUES[device_kind], LEAST_ROWS * length_nt)
    return PROCESS_BYTES[device_kind] + 4 * network.n_parameters() + of_maps + of_tokens + blocks
