"""The convolutional backbone: one result per sequence whatever is beside it, stored and read like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.errors import DataError, UsageError
from ribolm.models.convolution.configuration import ConvolutionConfig, convolution_config_from_dict
from ribolm.models.convolution.frames import frame_channels
from ribolm.models.convolution.heads import FramesHead
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer("nucleotide")
SPEC = HeadSpec("sequence", 1, "mean")


def small(spec: HeadSpec | None = SPEC) -> Network:
    config = preset_config("convolution-101", TOKENIZER)
    assert isinstance(config, ConvolutionConfig)
    return new_network(replace(config, max_tokens=42, hidden_size=8, head_units=12, head_size=6), spec, 3).eval()


def framed(max_tokens: int = 26, **shape: Any) -> Network:
    config = preset_config("convolution-50", TOKENIZER)
    assert isinstance(config, ConvolutionConfig)
    shape = {"hidden_size": 8, "head_size": 6, "max_tokens": max_tokens, **shape}
    return new_network(replace(config, **shape), HeadSpec("regression"), 3).eval()


def some_rows(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [np.r_[TOKENIZER.cls_id, rng.integers(4, 8, n - 2), TOKENIZER.eos_id] for n in lengths]


@torch.no_grad()
def test_a_sequence_has_one_result_whatever_is_beside_it() -> None:
    network, rows = small(), some_rows(42, 42, 17, 30)
    together = network(pack(rows))
    assert together.shape == (4, 1) and len(set(together[:, 0].tolist())) == 4
    for row, logit in zip(rows, together, strict=True):
        torch.testing.assert_close(network(pack([row]))[0], logit, atol=1e-6, rtol=0)
    hidden = small(None)(pack(rows))
    assert hidden.shape == (42 + 42 + 17 + 30, 8)
    assert torch.equal(hidden[:4], hidden[:1].expand(4, -1)) and not torch.equal(hidden[4], hidden[3])


@torch.no_grad()
def test_unknown_bases_and_special_tokens_carry_nothing() -> None:
    network, row = small(), some_rows(42)[0]
    other = row.copy()
    other[[0, -1]] = TOKENIZER.unk_id
    assert torch.equal(network(pack([row])), network(pack([other])))
    with_n = row.copy()
    with_n[20] = TOKENIZER.encode(np.frombuffer(b"N", np.uint8))[0]
    embedded = network.encoder.embed(pack([row]))
    embedded[20] = 0
    assert torch.equal(network.encoder(pack([with_n])), network.encoder(pack([row]), embedded))
    table = network.encoder.token_embeddings
    assert torch.equal(table[torch.from_numpy(row)], network.encoder.embed(pack([row])))


def test_gradients_reach_every_weight() -> None:
    network = small().train()
    network(pack(some_rows(42, 30))).sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())


@torch.no_grad()
def test_a_directory_brings_back_the_same_logits(tmp_path: Path) -> None:
    network, rows = small(), some_rows(42, 33)
    task = {"task": "polya", "level": "sequence", "labels": ["polya"], "pooling": "mean"}
    save_model(tmp_path / "m", network, TOKENIZER, task)
    loaded = load_model(tmp_path / "m")
    assert torch.equal(loaded.network(pack(rows)), network(pack(rows)))
    assert loaded.network.config == network.config


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="43 tokens is longer than the 42"):
        small()(pack(some_rows(43)))
    with pytest.raises(DataError, match="kernel"):
        replace(small().config, kernel=4)
    with pytest.raises(DataError, match="no head for masked_lm"):
        small(HeadSpec("masked_lm"))
    with pytest.raises(UsageError, match="has the tokenizer nucleotide, not kmer"):
        preset_config("convolution-206", make_tokenizer("kmer"))


def test_a_configuration_without_the_later_fields_is_what_it_was() -> None:
    content = small().config.to_dict()
    assert not {"reading_frames", "head"} & set(content)
    older = convolution_config_from_dict(content)
    assert (older.reading_frames, older.head) == (False, "places") and older == small().config
    newer = framed().config
    assert newer.to_dict()["reading_frames"] is True and convolution_config_from_dict(newer.to_dict()) == newer
    shapes = {name: tuple(weight.shape) for name, weight in small().state_dict().items()}
    assert shapes["convolution.motifs.weight"] == (8, 4, 13) and shapes["classifier.places"] == (11, 12)


def test_channels_tell_frames_and_their_codons() -> None:
    text = "CATGCCTGATAACATGAG"
    letters = torch.tensor([["ACGT".index(letter) for letter in text]])
    frames = (len(text) - 1 - torch.arange(len(text))) % 3
    one_hot = torch.nn.functional.one_hot
    channels = frame_channels(one_hot(letters, 4).float(), one_hot(frames, 3)[None].float())[0]
    assert torch.equal(channels[:, :3].argmax(dim=1), frames)
    stops, behind, begun = channels[:, 3:].T.tolist()
    assert [i for i, stop in enumerate(stops) if stop] == [6, 9, 14]
    assert [i for i in range(18) if behind[i]] == [0, 2, 3, 5, 6, 8, 11]
    assert [i for i in range(18) if begun[i]] == [4, 7, 10, 13, 16]
    codons = {0: 2, 2: 4, 3: 1, 5: 3, 6: 1, 8: 2, 11: 1}
    assert [behind[i] for i in codons] == pytest.approx([0.9**n for n in codons.values()])
    assert [begun[i] for i in (4, 7, 10, 13, 16)] == pytest.approx([0.9, 0.81, 0.729, 0.6561, 0.9])


@torch.no_grad()
def test_frames_are_counted_from_the_end_of_each_sequence() -> None:
    network, rows = framed(), some_rows(26, 26, 17, 3, 2)
    together = network(pack(rows))
    for row, value in zip(rows, together, strict=True):
        torch.testing.assert_close(network(pack([row]))[0], value, atol=1e-6, rtol=0)
    assert bool(together.isfinite().all()) and len(set(together[:, 0].tolist())) == len(rows)
    # the same states of one token, moved by a codon and by a base: the mean over its frame counts it where it is
    head = network.head
    assert isinstance(head, FramesHead)
    codon, base = (torch.zeros(26, 8), torch.zeros(26, 8))
    for place, states in ((10, codon), (12, base)):
        states[place] = 1.0
    first = torch.zeros(26, 8).index_fill(0, torch.tensor([13]), 1.0)
    one = pack(rows[:1])
    assert torch.equal(head(first, one), head(codon, one)) and not torch.equal(head(first, one), head(base, one))


def test_gradients_reach_every_weight_and_letter_of_a_network_of_frames() -> None:
    network, batch = framed().train(), pack(some_rows(26, 20))
    letters = network.encoder.embed(batch).requires_grad_()
    network.answer(network.encoder(batch, letters), batch).sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())
    assert letters.grad is not None and bool(letters.grad[1:25].abs().sum(dim=1).gt(0).all())


@pytest.mark.parametrize("shape", [{"stretch_nt": 2}, {"stretch_nt": 2, "head": "places"}, {"head": "mean"}])
def test_frames_need_each_base_by_itself(shape: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="cannot be built"):
        framed(**shape)
