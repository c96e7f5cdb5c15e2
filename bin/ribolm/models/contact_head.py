"""The regression from attention maps to contacts: fitted on RNA, bound to the backbone that it was fitted for.

ESM-2 brings such weights for proteins; they look the same in a file, and are worth nothing here. A head counts where
the manifest of its model tells of the fit, and the backbone is still the one of that fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.models.attention_maps import attending
from ribolm.models.encoder import Encoder
from ribolm.models.network import Network
from ribolm.models.weights import LoadedModel

RECORD = "contacts"  # key of manifest.json
BACKBONE = "backbone_sha256"  # keys of the record
TOKENIZER = "tokenizer"


def contact_encoder(model: LoadedModel) -> Encoder:
    """The encoder of a model that can tell contacts: attention, a head for it, one token per base.

    Raises UsageError for a backbone without attention, DataError for the others.
    """
    encoder = attending(model.network)
    if not isinstance(encoder, Encoder) or not model.tokenizer.per_nucleotide:
        raise DataError(
            f"{model.directory}: its tokens are not single bases, so that its attention joins no two bases. "
            "Use a model of ESM-2's form with the tokenizer esm, rna or nucleotide."
        )
    return encoder


def backbone_digest(network: Network) -> str:
    """sha256 of the names and values of all weights that attention depends on."""
    digest = hashlib.sha256()
    for name, value in sorted(network.encoder.state_dict().items()):
        if not name.startswith("contact_head."):
            digest.update(name.encode())
            digest.update(value.detach().cpu().float().contiguous().numpy().data.cast("B"))
    return digest.hexdigest()


@torch.no_grad()
def set_contact_head(model: LoadedModel, weights: Tensor, bias: float, fit: Mapping[str, Any]) -> dict[str, Any]:
    """Put a fitted regression, weights [layers · heads], into a network; the model's manifest with the record of it.

    `fit`: what the weights depend on besides the backbone.
    """
    regression = contact_encoder(model).contact_head.regression
    regression.weight.copy_(weights[None])
    regression.bias.fill_(bias)
    bound = {BACKBONE: backbone_digest(model.network), TOKENIZER: model.tokenizer.identity()}
    return {**model.manifest, RECORD: {**fit, **bound}}


def fitted_contact_head(model: LoadedModel) -> tuple[Tensor, float, dict[str, Any]]:
    """Weights [1, layers · heads], bias, and the record of the fit.

    Raises DataError where no head was fitted on RNA, and where it belongs to another backbone or vocabulary.
    """
    regression = contact_encoder(model).contact_head.regression
    record = model.manifest.get(RECORD)
    remedy = "Fit one: ribolm-train contacts."
    if not isinstance(record, Mapping):
        raise DataError(
            f"{model.directory}: has no contact head fitted on RNA (one that came with ESM-2 is for proteins). {remedy}"
        )
    if record.get(BACKBONE) != backbone_digest(model.network):
        raise DataError(f"{model.directory}: its contact head was fitted for other weights than it has. {remedy}")
    if record.get(TOKENIZER) != model.tokenizer.identity():
        raise DataError(f"{model.directory}: its contact head was fitted with another vocabulary or mapping. {remedy}")
    return regression.weight.detach(), float(regression.bias), dict(record)
