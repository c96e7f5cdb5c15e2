"""The family of DNABERT-2: MosaicBERT with byte-pair tokens, and the spellings of its published files."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from ribolm.errors import DataError
from ribolm.models.esm import initialise as initialise_esm
from ribolm.models.family import Family, Fates
from ribolm.models.mosaicbert import MaskedLMHead, MosaicBert, TiedDecoder
from ribolm.models.mosaicbert_config import MosaicBertConfig, is_mosaicbert, read_config
from ribolm.models.state import State

EMBEDDING = "bert.embeddings.word_embeddings.weight"
DECODER = "cls.predictions.decoder.weight"
BARE = ("embeddings.", "encoder.", "pooler.")
POOLER = "bert.pooler.dense."
# upstream's classifier is pooler, tanh, linear layer over [CLS]: ours, whose two layers have other names
CLASSIFIER = {POOLER: "classifier.dense.", "classifier.": "classifier.out_proj."}
UNUSED = re.compile(r"bert\.(embeddings\.(position_ids|token_type_ids)|encoder\.alibi)|cls\.seq_relationship\..*")


def rename(stored: Mapping[str, torch.Tensor], config: MosaicBertConfig) -> tuple[State, Fates]:
    """Bring the names of published files to ours, and drop the decoder where it is the embedding matrix.

    A pooler goes to our classifier where the file has one, and is left out elsewhere. DataError for an untied decoder.
    """
    state: State = {}
    fates = Fates()
    classifies = any(name.startswith("classifier.") for name in stored)
    for name, value in stored.items():
        new = f"bert.{name}" if name.startswith(BARE) else name
        new = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", new))
        if UNUSED.fullmatch(new) or (new.startswith(POOLER) and not classifies):
            fates.left_out.append(name)
            continue
        for theirs, ours in CLASSIFIER.items() if POOLER + "weight" in stored else ():
            if new.startswith(theirs):
                new = ours + new.removeprefix(theirs)
                break
        if new != name:
            fates.renamed.append(name)
        state[new] = value
    if DECODER in state:
        if EMBEDDING not in state or not torch.equal(state[DECODER], state[EMBEDDING]):
            raise DataError(f"{DECODER} is not the embedding matrix, but DNABERT-2 ties the two. Use DNABERT-2.")
        del state[DECODER]
        fates.left_out.append(DECODER)
    return state, fates


@torch.no_grad()
def _initialise(module: Any, config: MosaicBertConfig, generator: torch.Generator) -> None:
    initialise_esm(module, config, generator)
    if isinstance(module, TiedDecoder):
        module.bias.zero_()


DNABERT2 = Family(
    name="DNABERT-2",
    prefix="bert",
    config=MosaicBertConfig,
    recognises=is_mosaicbert,
    read_config=read_config,
    build=MosaicBert,
    initialise=_initialise,
    rename=rename,
    architectures={
        "": "BertModel",
        "pair": "BertModel",
        "masked_lm": "BertForMaskedLM",
        "token": "BertForTokenClassification",
        "sequence": "BertForSequenceClassification",
        "regression": "BertForSequenceClassification",
        "multilabel": "BertForSequenceClassification",
    },
    heads={"masked_lm": ("cls", lambda config, _spec: MaskedLMHead(config))},
    tokenizer=("bpe", "tokenizer.json"),
    lora_targets=("Wqkv", "dense", "gated_layers", "wo"),
    parity="the published bert_layers.py on random weights, unverified against published weights",
)
