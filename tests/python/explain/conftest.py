"""Small window models of several families, and a score that counts."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
import torch

from ribolm.alphabet import Letters
from ribolm.models.heads import HeadSpec
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import Network, new_network
from ribolm.models.nucleotide_transformer import NucleotideTransformerConfig
from ribolm.models.presets import preset_config
from ribolm.sequences.byte_pairs import BytePairTokenizer
from ribolm.sequences.kmers import ChunkTokenizer
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WINDOW = HeadSpec("sequence", 1, "mean")
ATTENDING = ("nucleotide", "chunk", "bpe")
FAMILIES = (*ATTENDING, "hyena")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


def byte_pairs() -> Tokenizer:
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    merges = [("A", "A"), ("T", "A"), ("AA", "TA"), ("AATA", "AA"), ("C", "C")]
    vocabulary = {word: i for i, word in enumerate([*specials, *"ACGT", *("".join(pair) for pair in merges)])}
    form = {"special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [{"id": i, "content": word, **form} for i, word in enumerate(specials)]
    model = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": merges}
    return BytePairTokenizer.create(json.dumps({"version": "1.0", "added_tokens": added, "model": model}))


def chunks(k: int = 6) -> Tokenizer:
    words = ["".join(word) for word in product("ACGT", repeat=k)]
    return ChunkTokenizer.from_tokens(["<unk>", "<pad>", "<mask>", "<cls>", *words, *"ATCGN"], k=k)


def window_model(name: str) -> tuple[Network, Tokenizer]:
    """An untrained network with a sequence head, and its tokenizer."""
    made = {"chunk": chunks, "bpe": byte_pairs}
    tokenizer = made[name]() if name in made else make_tokenizer(name)
    size = tokenizer.vocab_size
    config = {
        "hyena": lambda: HyenaConfig(16, 2, 130, 5, 10.0, initializer_range=0.2),
        "nucleotide": lambda: preset_config("tiny", tokenizer),
        "kmer": lambda: preset_config("tiny", tokenizer),
        "chunk": lambda: NucleotideTransformerConfig(vocab_size=size, initializer_range=0.2, **SHAPE),
        "bpe": lambda: MosaicBertConfig(vocab_size=size, initializer_range=0.2, **SHAPE),
    }[name]()
    return new_network(config, WINDOW, seed=1).eval(), tokenizer


def drawn_windows(n: int, width_nt: int, seed: int = 0, letters: bytes = b"ACGT") -> Letters:
    bases = np.frombuffer(letters, dtype=np.uint8)
    return bases[np.random.default_rng(seed).integers(0, len(bases), (n, width_nt))]


def placed(windows: Letters, word: str, at0: int) -> Letters:
    """A copy with a word at one place of every window."""
    changed = windows.copy()
    changed[:, at0 : at0 + len(word)] = np.frombuffer(word.encode(), dtype=np.uint8)
    return changed
