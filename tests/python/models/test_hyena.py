"""HyenaDNA's backbone: upstream's outputs, exact padding, kernels kept and dropped, gradients, sizes."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ribolm.errors import DataError, UsageError
from ribolm.models.backbones import read_config
from ribolm.models.heads import HeadSpec
from ribolm.models.hyena.backbone import passes
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.models.hyena.filter import KEPT_LENGTHS, Kernel, convolve, prepare, smooth_length
from ribolm.models.lora import add_lora, merge_lora
from ribolm.models.network import Network, language_model, new_network
from ribolm.models.presets import HYENA_PRESETS, preset_config
from ribolm.models.ragged import pack, rows_of
from ribolm.sequences.tokenizers import make_tokenizer

from .drawn import drawn_state
from .ports import assert_close, reference

FREQUENCY = "implicit_filter.1.freq"
COMPUTED = ("pos_emb.z", "pos_emb.t", "modulation.deltas")
TAIL, FREQ_SCALE = 3, 20
SIZES = {
    "hyenadna-tiny-1k": 438_144,
    "hyenadna-tiny-1k-d256": 1_645_184,
    "hyenadna-small-32k": 3_281_664,
    "hyenadna-medium-160k": 6_554_624,
}
TINY: dict[str, Any] = {
    "model_type": "hyenadna", "d_model": 16, "n_layer": 2, "max_seq_len": 320, "emb_dim": 5, "filter_order": 8,
    "activation_freq": 10,
}  # fmt: skip


def drawn_network(content: dict[str, Any], spec: HeadSpec | None, seed: int = 11) -> Network:
    """A network of weights drawn by their names; frequencies are raised, so that sines leave their linear range."""
    network = new_network(read_config(content), spec, seed=0)
    own = network.state_dict()
    drawn = drawn_state({name: value.shape for name, value in own.items() if not name.endswith(COMPUTED)}, seed)
    raised = {name: value * (FREQ_SCALE if name.endswith("freq") else 1) for name, value in drawn.items()}
    network.load_state_dict({**own, **raised})
    return network.eval()


@pytest.fixture
def network() -> Network:
    return drawn_network(TINY, HeadSpec("causal_lm"))


def rows(*lengths: int, seed: int = 0) -> list[np.ndarray]:
    stream = np.random.default_rng(seed)
    return [np.r_[stream.integers(7, 12, length - 1), 1] for length in lengths]


@torch.no_grad()
def test_outputs_are_those_of_upstreams_code() -> None:
    found = reference("hyena")
    lm = drawn_network(found.config, HeadSpec("causal_lm"), found.seed)
    score = drawn_network(found.config, HeadSpec("sequence", 2, "last"), found.seed)
    assert {name for name in lm.state_dict() if not name.endswith(COMPUTED)} == found.keys
    hidden = lm.encoder(found.batch)
    tails = torch.cat([row[-TAIL:] for row in rows_of(found.batch, hidden)])
    assert_close(tails, found.outputs["hf_hidden"])
    assert_close(tails, found.outputs["original_hidden"])
    logits = rows_of(found.batch, lm(found.batch))
    assert_close(torch.cat([row[-TAIL:] for row in logits]), found.outputs["hf_logits"])
    assert_close(score(found.batch), found.outputs["hf_score"])


@pytest.mark.parametrize("preset", SIZES)
def test_sizes_are_the_published_ones(preset: str) -> None:
    config = preset_config(preset, make_tokenizer("hyena"))
    with torch.device("meta"):
        network = Network(config, language_model(config))
    assert network.n_parameters() == SIZES[preset]


def test_every_preset_comes_back_from_its_config() -> None:
    for name in HYENA_PRESETS:
        config = preset_config(name, make_tokenizer("hyena"))
        assert read_config(config.to_dict()) == config
        assert (config.n_layers, config.causal) == (HYENA_PRESETS[name]["n_layer"], True)
    with pytest.raises(UsageError, match="has the tokenizer hyena, not nucleotide"):
        preset_config("hyenadna-tiny-1k", make_tokenizer("nucleotide"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"emb_dim": None}, "lacks emb_dim"),
        ({"hyena_order": 3}, "hyena_order is 3"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
        ({"emb_dim": 4}, "emb_dim 4"),
        ({"d_model": "wide"}, "d_model is 'wide', not a whole number"),
        ({"layer": {"_name_": "hyena", "modulate": False}}, "layer.modulate is False"),
    ],
)
def test_other_operators_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_config({**TINY, **change})


def direct(v: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """The convolution by its definition: y[l] = Σ k[l − m]·v[m] + bias·v[l]."""
    length = v.shape[-1]
    out = bias[:, None, None] * v
    for m in range(length):
        out[..., m:] += v[..., m : m + 1] * values[:, None, : length - m]
    return out


@pytest.mark.parametrize("length", [1, 2, 17, 64])
def test_both_convolutions_equal_the_definition(length: int) -> None:
    generator = torch.Generator().manual_seed(length)
    v, values, bias = (torch.randn(shape, generator=generator) for shape in ((3, 4, length), (3, length), (3,)))
    wanted = direct(v.double(), values.double(), bias.double()).float()
    toeplitz, spectrum = prepare(values, bias), prepare(values, bias, n_fft=smooth_length(2 * length - 1))
    assert toeplitz.spectrum is None and spectrum.toeplitz is None
    for kernel in (toeplitz, spectrum):
        assert_close(convolve(v, kernel, bias), wanted)


@pytest.mark.parametrize(
    ("at_least", "found"), [(1, 2), (7, 8), (203, 216), (511, 512), (65_535, 65_536), (65_539, 65_610)]
)
def test_lengths_of_transforms_have_small_factors(at_least: int, found: int) -> None:
    assert smooth_length(at_least) == found


@torch.no_grad()
def test_what_stands_behind_changes_nothing(network: Network) -> None:
    """Causal, so that padding at the right end is exact; batches, order and lengths do not matter."""
    own = rows(40, 7, 300, 1, 258, 12)
    alone = [network.encoder(pack([row])) for row in own]
    for order in ([0, 1, 2, 3, 4, 5], [4, 2, 0, 5, 1, 3]):
        batch = pack([own[number] for number in order])
        for number, hidden in zip(order, rows_of(batch, network.encoder(batch)), strict=True):
            assert_close(hidden, alone[number])
    longer = np.r_[own[0], rows(20, seed=1)[0]]
    assert_close(network.encoder(pack([longer]))[:40], alone[0])


def test_passes_pad_little_and_stay_small() -> None:
    lengths = [30, 31, 16, 15, 400, 390, 3]
    assert list(passes(lengths)) == [[30, 31, 16], [15], [400, 390], [3]]
    assert list(passes([100] * 5, tokens=250)) == [[100, 100], [100, 100], [100]]


def test_longer_input_than_the_filters_is_refused(network: Network) -> None:
    network.encoder(pack(rows(320)))
    with pytest.raises(DataError, match=r"321 tokens with \[SEP\], but the model reads up to 320"):
        network.encoder(pack(rows(321)))


@torch.no_grad()
@pytest.mark.parametrize("length", [20, 270])
def test_kernels_are_kept_until_a_weight_changes(network: Network, length: int) -> None:
    batch = pack(rows(length))
    before = network.encoder(batch)
    filter_ = network.encoder.backbone.layers[0].mixer.filter_fn
    kept = filter_.kernel(length)
    assert filter_.kernel(length) is kept
    for change in (
        lambda: filter_.get_parameter(FREQUENCY).mul_(1.5),
        lambda: filter_.pos_emb.z.mul_(0.5),
        lambda: filter_.bias.add_(1.0),
        lambda: network.load_state_dict(new_network(network.config, network.spec, seed=5).state_dict()),
        lambda: network.load_state_dict(new_network(network.config, network.spec, seed=6).state_dict(), assign=True),
    ):
        change()
        fresh = filter_.kernel(length)
        assert fresh is not kept
        after = network.encoder(batch)
        assert not torch.equal(after, before)
        kept, before = fresh, after
    network.float()
    assert filter_.kernel(length) is not kept


def test_kernels_of_many_lengths_do_not_pile_up(network: Network) -> None:
    filter_ = network.encoder.backbone.layers[0].mixer.filter_fn
    with torch.inference_mode():
        for length in range(1, 9):
            filter_.kernel(length)
    assert list(filter_._kept) == [5, 6, 7, 8]


def test_kernels_that_another_thread_drops_meanwhile_are_no_fault(network: Network) -> None:
    class Emptied(OrderedDict[int, Kernel]):
        """Counts too many, and is empty when it is looked at again."""

        def __len__(self) -> int:
            self.clear()
            return KEPT_LENGTHS + 1

    filter_ = network.encoder.backbone.layers[0].mixer.filter_fn
    filter_.requires_grad_(False)
    expected = filter_.kernel(5).toeplitz
    filter_._kept = Emptied()
    assert torch.equal(filter_.kernel(5).toeplitz, expected)


@pytest.mark.parametrize("length", [12, 260])
def test_gradients_reach_every_weight_and_equal_those_of_the_definition(
    network: Network, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pack(rows(length, length))
    weights = torch.randn(2 * length, 16, generator=torch.Generator().manual_seed(1))

    def gradients() -> dict[str, Tensor]:
        network.zero_grad()
        (network(batch) * weights).mean().backward()
        return {name: value.grad.clone() for name, value in network.named_parameters() if value.grad is not None}

    found = gradients()
    assert found.keys() == dict(network.named_parameters()).keys()
    from ribolm.models.hyena import filter as module

    monkeypatch.setattr(module, "prepare", lambda values, bias: Kernel(values, None, 0))
    monkeypatch.setattr(module, "convolve", lambda v, kernel, bias: direct(v, kernel.toeplitz, bias))
    for name, wanted in gradients().items():
        assert_close(found[name] / wanted.abs().max(), wanted / wanted.abs().max())


def test_training_after_inference_learns(network: Network) -> None:
    batch = pack(rows(20))
    with torch.inference_mode():
        before = network(batch)
    network.train()(batch).square().mean().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.sub_(0.01 * parameter.grad)
    with torch.inference_mode():
        assert not torch.equal(network.eval()(batch), before)


@torch.no_grad()
def test_half_precision_stays_close(network: Network) -> None:
    batch = pack(rows(60, 300))
    with torch.autocast("cpu", torch.bfloat16):
        half = network(batch)
    assert half.dtype == torch.float32
    assert float((half - network(batch)).abs().max()) < 0.05


@torch.no_grad()
def test_heads(network: Network) -> None:
    batch = pack(rows(9, 5))
    for pooling, at in (("last", [8, 13]), ("mean", None)):
        headed = network.with_new_head(HeadSpec("sequence", 1, pooling), seed=2)  # type: ignore[arg-type]
        hidden = headed.encoder(batch)
        states = hidden[at] if at else torch.stack([hidden[:8].mean(0), hidden[9:13].mean(0)])
        assert_close(headed(batch), states @ headed.head.weight.t())  # type: ignore[union-attr, operator]
        assert "score.weight" in headed.state_dict()
    assert network.with_new_head(HeadSpec("token", 2), 1).eval()(batch, torch.tensor([3])).shape == (1, 2)
    with pytest.raises(DataError, match="a first token has seen nothing"):
        network.with_new_head(HeadSpec("sequence", 1, "cls"), 1)
    with pytest.raises(DataError, match="no head for masked_lm"):
        network.with_new_head(HeadSpec("masked_lm"), 1)


def test_adapters_are_merged(network: Network) -> None:
    pytest.importorskip("peft")
    batch = pack(rows(9, 30))
    before = network(batch).detach()
    add_lora(network, 2, seed=1)
    assert_close(network(batch).detach(), before)
    for name, parameter in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    changed = network(batch).detach()
    assert float((changed - before).abs().max()) > 0.01
    assert_close(merge_lora(network)(batch).detach(), changed)
    assert set(drawn_network(TINY, network.spec).state_dict()) == set(network.state_dict())


def test_weights_are_a_function_of_the_seed() -> None:
    config = HyenaConfig(d_model=32, n_layer=2, max_seq_len=64, emb_dim=5, activation_freq=10)
    first, same, other = (new_network(config, None, seed).state_dict() for seed in (1, 1, 2))
    name = "hyena.backbone.layers.1.mlp.fc2.weight"
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first[name], other[name])
    assert float(first[name].std()) == pytest.approx(0.01, rel=0.1)
    frequencies = first[f"hyena.backbone.layers.0.mixer.filter_fn.{FREQUENCY}"]
    assert torch.equal(frequencies, torch.full((1, 64), 10.0))


def test_reference_is_small() -> None:
    assert (Path(__file__).parents[2] / "data" / "parity" / "hyena.safetensors").stat().st_size < 10_000
