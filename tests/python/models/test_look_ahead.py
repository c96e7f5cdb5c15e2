"""A causal backbone that answers late, and from both strands: what each answer depends on, and mirrored input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack, rows_of
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

from .ports import assert_close
from .test_hyena import TINY, drawn_network, rows

COMPLEMENT = np.arange(12)
COMPLEMENT[7:11] = [10, 9, 8, 7]


def answers(network: Network, row: np.ndarray) -> Tensor:
    with torch.no_grad():
        return network(pack([row]))[:, 0]


def token_head(delay_nt: int, both_strands: bool = False) -> Network:
    return drawn_network(TINY, HeadSpec("token", 1, None, delay_nt, both_strands))


@pytest.mark.parametrize("delay_nt", [0, 1, 10])
def test_an_answer_depends_on_what_follows_up_to_the_delay(delay_nt: int) -> None:
    network, row = token_head(delay_nt), rows(60)[0]
    before = answers(network, row)
    changed = row.copy()
    changed[30] = 7 + (changed[30] - 6) % 4
    moved = (answers(network, changed) - before).abs() > 1e-7
    assert not moved[: 30 - delay_nt].any()
    assert moved[30 - delay_nt]


def test_with_both_strands_all_is_seen_and_the_mirror_has_both_states_exchanged() -> None:
    network, row = token_head(5, both_strands=True), rows(60)[0]
    turned = np.r_[COMPLEMENT[row[:-1]][::-1], 1]
    with torch.no_grad():
        states, mirrored = (network._states(pack([tokens])) for tokens in (row, turned))
    own, other = states[:-1].chunk(2, dim=1)
    assert_close(torch.cat((other, own), dim=1).flip(0), mirrored[:-1])
    changed = row.copy()
    changed[30] = 7 + (changed[30] - 6) % 4
    assert ((answers(network, changed) - answers(network, row)).abs() > 1e-7).all()


@pytest.mark.parametrize("both_strands", [False, True])
def test_batches_change_nothing(both_strands: bool) -> None:
    network, own = token_head(7, both_strands), rows(40, 7, 300, 1, 12)
    with torch.no_grad():
        found = rows_of(pack(own), network(pack(own)))
    for row, values in zip(own, found, strict=True):
        assert_close(values[:, 0], answers(network, row))


def test_it_comes_back_from_a_directory(tmp_path) -> None:
    network, tokenizer = token_head(7, True), make_tokenizer("hyena")
    task = {"task": "end", "level": "token", "labels": ["end"], "pooling": None, "delay_nt": 7, "both_strands": True}
    save_model(tmp_path / "model", network, tokenizer, task)
    model = load_model(tmp_path / "model")
    assert model.network.spec == HeadSpec("token", 1, None, 7, True)
    assert torch.equal(answers(model.network, rows(30)[0]), answers(network, rows(30)[0]))
    with pytest.raises(DataError, match="the task asks for"):
        save_model(tmp_path / "other", network, tokenizer, {**task, "delay_nt": 8})


def test_where_it_means_nothing_it_is_refused() -> None:
    with pytest.raises(DataError, match="sees what follows a token anyway"):
        new_network(preset_config("tiny", make_tokenizer("nucleotide")), HeadSpec("token", 1, None, 5), 1)
    with pytest.raises(DataError, match="Use a token head"):
        HeadSpec("sequence", 1, None, 5)
    with pytest.raises(DataError, match="the model reads up to 320"):
        answers(token_head(30), rows(300)[0])
