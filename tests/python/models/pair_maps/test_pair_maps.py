"""The head of secondary structure: symmetric, one RNA at a time, in tiles as whole, with and without a channel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.folding.pair_lists import PairList
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network, new_network
from ribolm.models.pair_maps import convolution
from ribolm.models.pair_maps.configuration import PairMapConfig, base_ids, read_dilations
from ribolm.models.pair_maps.folding import fold, pair_map, seen, states
from ribolm.models.pair_maps.inputs import PairProbabilities
from ribolm.models.pair_maps.layers import fold_cells, unfold_cells
from ribolm.models.pair_maps.tiles import tiled
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

Make = Callable[..., Network]
TOKENIZER = make_tokenizer("nucleotide")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def network_of(seed: int = 1, **shape: Any) -> Network:
    """A tiny network whose residual layers say something, which at the start they do not."""
    small = {"width": 8, "dilations": (1, 3), "side_width": 16, "side_depth": 1, "map_width": 4}
    config = replace(preset_config("tiny", TOKENIZER), initializer_range=0.3)
    spec = HeadSpec("structure", pair_map=PairMapConfig(base_ids(TOKENIZER), **{**small, **shape}))
    network = new_network(config, spec, seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in pair_map(network).parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return network


def rna(n: int, seed: int = 0) -> np.ndarray:
    return np.r_[0, np.random.default_rng(seed).integers(4, 9, n), 2]


def known(n: int, seed: int = 0) -> PairProbabilities:
    random = np.random.default_rng(seed)
    pairs = {(i, j) for i, j in random.integers(0, n, (3 * n, 2)).tolist() if i < j}
    return PairProbabilities.of(PairList.of([(i, j, 0.3 * random.random() + 1e-3) for i, j in pairs]), n)


@torch.no_grad()
def logits_of(network: Network, tokens: np.ndarray, given: PairProbabilities | None = None):
    return next(fold(network, pack([tokens]), [given]))


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_a_map_is_symmetric_and_each_base_chooses_among_all_others_and_none(n: int) -> None:
    logits = logits_of(network_of(), rna(n), known(n))
    assert logits.pairs.shape == (n, n) and torch.equal(logits.pairs, logits.pairs.T)
    p = logits.probabilities()
    rows = torch.cat([logits.pairs, logits.unpaired[:, None]], dim=1).softmax(dim=1)
    assert torch.allclose(p, (rows[:, :n] * rows[:, :n].T).sqrt(), atol=1e-6)
    near = (torch.arange(n)[:, None] - torch.arange(n)).abs() < 3
    assert float(p[near].max()) == 0.0
    partner = torch.full((n,), -1)
    partner[0] = n - 1
    chosen = logits.log_probability(partner).exp()
    assert torch.allclose(chosen[1:], rows[1:, n], atol=1e-6) and torch.allclose(chosen[0], rows[0, n - 1], atol=1e-6)


def test_a_program_s_share_of_the_answer_is_the_mean_of_both_weighted() -> None:
    given, own = known(9), torch.rand((9, 9), generator=torch.Generator().manual_seed(1))
    own = own + own.T
    dense = torch.zeros((9, 9))
    dense[given.i, given.j] = dense[given.j, given.i] = given.probability
    for share in (0.0, 0.3, 1.0):
        assert torch.allclose(given.blend_into(own.clone(), share), (1 - share) * own + share * dense)
    partner = torch.full((9,), -1)
    i, j = int(given.i[2]), int(given.j[2])
    partner[i], partner[j] = j, i
    unpaired = 1 - given.sums.sum(dim=1)
    expected = torch.where(partner < 0, unpaired.clamp(min=0), dense.gather(1, partner.clamp(min=0)[:, None])[:, 0])
    assert torch.allclose(given.of_states(partner), expected)


@torch.no_grad()
def test_an_rna_is_read_the_same_whatever_is_in_its_batch() -> None:
    network, tokens, given = network_of(), rna(23, 1), known(23)
    beside = list(fold(network, pack([rna(40, 2), tokens, rna(5, 3)]), [None, given, None]))[1]
    alone = logits_of(network, tokens, given)
    assert float((beside.pairs - alone.pairs).abs().max()) <= 1e-5
    assert float((beside.unpaired - alone.unpaired).abs().max()) <= 1e-5


@pytest.mark.parametrize("downsampling", [1, 2, 4])
@pytest.mark.parametrize("n", [37, 64])
@torch.no_grad()
def test_tiles_equal_the_whole_map(downsampling: int, n: int) -> None:
    network = network_of(downsampling=downsampling, dilations=(1, 2))
    hidden, tokens = states(network, pack([rna(n)]))[0]
    head, given = pair_map(network), known(n)
    whole = head(hidden, tokens, given)
    scale = float(whole.pairs[whole.pairs > -1e3].abs().max())
    for tile_nt in (5, 16, 200):
        found = tiled(head, hidden, tokens, given, tile_nt)
        assert float((found.pairs - whole.pairs).abs().max()) <= 1e-5 * max(1.0, scale)
        assert torch.equal(found.unpaired, whole.unpaired)


@torch.no_grad()
def test_streamed_attention_in_tiles_equals_held_attention_in_one_map() -> None:
    network = network_of(attention=True)
    batch, given = pack([rna(37)]), known(37)
    hidden, tokens = states(network, batch)[0]
    with torch.enable_grad():
        held = seen(network, batch.tokens)
    whole = pair_map(network)(hidden, tokens, given, held)
    tiles = tiled(pair_map(network), hidden, tokens, given, 16, seen(network, batch.tokens))
    possible = whole.pairs > -1e3
    difference, scale = (float(x[possible].abs().max()) for x in (tiles.pairs - whole.pairs, whole.pairs))
    assert difference <= 1e-5 * scale
    pair_map(network).attended.weight.zero_()
    assert not torch.allclose(logits_of(network, rna(37), given).pairs, whole.pairs, atol=1e-3)


def test_attention_teaches_its_weights_and_costs_the_encoder_nothing_at_the_start() -> None:
    network = network_of(attention=True)
    logits = next(fold(network, pack([rna(20)]), [None]))
    logits.unpaired.sum().backward(retain_graph=True)
    assert pair_map(network).attended.weight.grad is None
    logits.pairs[0, 5].backward()
    assert float(pair_map(network).attended.weight.grad.abs().min()) > 0


def test_attention_is_asked_of_a_backbone_that_has_it() -> None:
    spec = HeadSpec("structure", pair_map=PairMapConfig(base_ids(TOKENIZER), attention=True))
    with pytest.raises(DataError, match="without attention has no maps"):
        new_network(preset_config("convolution-50", TOKENIZER), spec, 1)
    with pytest.raises(ValueError, match="belong to a head that reads them"):
        pair_map(network_of())(torch.zeros(9, 32), torch.full((9,), 4), None, torch.zeros(9, 9, 4))


@torch.no_grad()
def test_the_halo_is_as_wide_as_a_change_is_seen_and_no_wider() -> None:
    network = network_of(side_depth=0, dilations=(1, 2))
    head, n = pair_map(network), 60
    assert head.shape.halo == 8  # 3 cells of 2 bases and one base, in whole cells
    states = torch.zeros(n, network.config.hidden_size)
    tokens = torch.full((n,), 4)
    other = tokens.clone()
    other[30] = 5
    changed = (head(states, tokens).pairs - head(states, other).pairs).abs() > 0
    reach = torch.nonzero(changed.all(dim=1) | changed.any(dim=1))
    seen = changed[5]  # far from the changed row: only the changed column's surroundings differ
    where = torch.nonzero(seen)[:, 0]
    assert reach.numel() and int(where.min()) >= 30 - head.shape.halo and int(where.max()) <= 30 + head.shape.halo
    assert int(where.max()) - int(where.min()) > head.shape.halo


@torch.no_grad()
def test_one_network_answers_with_and_without_probabilities() -> None:
    network, tokens = network_of(), rna(20)
    with_them, without = logits_of(network, tokens, known(20)), logits_of(network, tokens)
    assert not torch.allclose(with_them.pairs, without.pairs)
    deaf = network_of(thermodynamic=False)
    assert torch.equal(logits_of(deaf, tokens, known(20)).pairs, logits_of(deaf, tokens).pairs)


@torch.no_grad()
def test_a_new_head_follows_the_folding_program() -> None:
    spec = HeadSpec("structure", pair_map=PairMapConfig(base_ids(TOKENIZER), width=8, dilations=(1,)))
    network = new_network(preset_config("tiny", TOKENIZER), spec, 1).eval()
    n = 24
    given = PairProbabilities.of(PairList.of([(2, 20, 0.9)]), n)
    with_it, without = (logits_of(network, rna(n), one).pairs[2, 20] for one in (given, None))
    assert float(with_it - without) > 1.0


def test_a_crop_keeps_the_sums_of_the_whole_rna() -> None:
    given = PairProbabilities.of(PairList.of([(0, 9, 0.5), (3, 8, 0.25)]), 12)
    cropped = given.cropped(2, 10)
    assert cropped.i.tolist() == [1] and cropped.j.tolist() == [6] and cropped.sums.shape == (8, 2)
    assert cropped.sums[7].tolist() == [0.0, 0.5] and cropped.sums[1].tolist() == [0.25, 0.0]


@given(st.integers(3, 9), st.integers(3, 9), st.sampled_from([1, 2, 4]), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_gradients_of_the_convolution_are_those_of_the_library(height: int, width: int, d: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.Conv2d(3, 3, 3, padding=d, dilation=d)
    x = torch.randn(height, width, 3, generator=generator, requires_grad=True)
    asked = torch.randn(height, width, 3, generator=generator)
    inputs = [x, layer.weight, layer.bias]
    ours = torch.autograd.grad((convolution.convolve_relu(x, layer) * asked).sum(), inputs)
    reference = layer(x.permute(2, 0, 1)[None]).relu()[0].permute(1, 2, 0)
    for mine, theirs in zip(ours, torch.autograd.grad((reference * asked).sum(), inputs), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-4)


def test_cells_and_places_are_each_others_inverse() -> None:
    x = torch.arange(8 * 12 * 3.0).view(8, 12, 3)
    assert torch.equal(unfold_cells(fold_cells(x, 2), 2), x) and fold_cells(x, 4).shape == (2, 3, 48)


def test_gradients_reach_every_weight() -> None:
    network = network_of()
    logits = next(fold(network, pack([rna(20)]), [known(20)]))
    logits.log_probability(torch.full((20,), -1)).sum().backward()
    silent = [n for n, p in network.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert silent == []


def test_a_model_of_structures_is_stored_with_its_shape(tmp_path: Path) -> None:
    network = network_of()
    assert network.spec is not None and network.spec.pair_map is not None
    task = {
        "task": "structure",
        "level": "structure",
        "labels": ["paired"],
        "pair_map": network.spec.pair_map.to_dict(),
    }
    save_model(tmp_path / "model", network, TOKENIZER, task)
    again = load_model(tmp_path / "model").network
    assert again.spec == network.spec
    assert torch.equal(logits_of(again, rna(11)).pairs, logits_of(network, rna(11)).pairs)


def test_a_head_that_takes_over_weights_leaves_the_compiler_alone() -> None:
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import torch\n"
    program += "from test_pair_maps import *\nspec = network_of().spec\n"
    program += 'with torch.device("meta"): Network(preset_config("tiny", TOKENIZER), spec)\n'
    done = subprocess.run(
        [sys.executable, "-c", f"{program}print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[4] / "bin")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert not {"torch._dynamo", "sympy"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"downsampling": 3}, "downsampled by 1, 2, 4"),
        ({"width": 0}, "must be 1 or more"),
        ({"side_kernel": 4}, "must be odd"),
        ({"bases": (4, 4, 5, 6)}, "four different ids"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        PairMapConfig(**{"bases": (4, 5, 6, 7), **changes})


def test_an_unknown_field_of_a_stored_shape_is_refused() -> None:
    with pytest.raises(DataError, match="no head of this version"):
        PairMapConfig.from_dict({**PairMapConfig((4, 5, 6, 7)).to_dict(), "colour": 1})
    with pytest.raises(DataError, match="not complete"):
        PairMapConfig.from_dict({"width": 3})
    shape = PairMapConfig((4, 5, 6, 7), dilations=(2,))
    assert PairMapConfig.from_dict(shape.to_dict()) == shape and read_dilations("1,2") == (1, 2)


def test_a_tokenizer_of_words_has_no_pairs_of_bases() -> None:
    assert base_ids(make_tokenizer("esm")) == (15, 17, 19, 13)
    for kind in ("kmer", "chunk"):
        with pytest.raises(DataError, match="not one token for each base"):
            base_ids(make_tokenizer(kind))
