"""oneDNN's product: PyTorch's result and gradients, and only where it fits."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from ribolm.models import linear as linear_module
from ribolm.models.linear import apply_linear, linear, linear_gelu, onednn_fits

needs_onednn = pytest.mark.skipif(not linear_module._ONEDNN, reason="this build of PyTorch has no oneDNN")


@pytest.fixture(autouse=True, params=[True, False], ids=["avx512", "avx2"])
def wide(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both kinds of processors, on either."""
    monkeypatch.setattr(linear_module, "_WIDE", request.param)
    return bool(request.param)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("n", [3, 100])
def test_product_and_gradients(n: int, with_bias: bool) -> None:
    stream = torch.Generator().manual_seed(1)
    tensors = [torch.randn(*shape, generator=stream) for shape in ((n, 24), (40, 24), (40,))]
    upstream = torch.randn(n, 40, generator=stream)
    results = []
    for product in (linear, functional.linear):
        x, weight, bias = (tensor.clone().requires_grad_() for tensor in tensors)
        y = product(x, weight, bias if with_bias else None)
        y.backward(upstream)
        results.append([y, x.grad, weight.grad, *([bias.grad] if with_bias else [])])
    for ours, theirs in zip(*results, strict=True):
        assert ours is not None and theirs is not None
        assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-5)


def test_gelu_is_exact() -> None:
    layer, x = nn.Linear(24, 40), torch.randn(64, 24)
    expected = functional.gelu(layer(x))
    assert torch.allclose(linear_gelu(x, layer), expected, atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(linear_gelu(x, layer), expected, atol=1e-6)


@needs_onednn
def test_prediction_without_wide_units_goes_to_pytorch(wide: bool) -> None:
    x, weight = torch.randn(64, 8), torch.randn(8, 8)
    assert onednn_fits(x, weight) == wide
    assert onednn_fits(x, weight.requires_grad_())
    with torch.no_grad():
        assert onednn_fits(x, weight) == wide


@needs_onednn
def test_only_fp32_on_a_cpu_with_enough_rows() -> None:
    weight = torch.randn(8, 8, requires_grad=True)
    assert onednn_fits(torch.randn(64, 8), weight)
    assert not onednn_fits(torch.randn(2, 8), weight)
    assert not onednn_fits(torch.randn(64, 8).bfloat16(), weight.bfloat16())
    assert not onednn_fits(torch.randn(64, 8, device="meta"), weight)
    with torch.autocast("cpu", torch.bfloat16):
        assert not onednn_fits(torch.randn(64, 8), weight)
    torch.backends.mkldnn.set_flags(False)
    try:
        assert not onednn_fits(torch.randn(64, 8), weight)
    finally:
        torch.backends.mkldnn.set_flags(True)


def test_a_frozen_weight_gets_no_gradient() -> None:
    layer, x = nn.Linear(24, 40), torch.randn(64, 24, requires_grad=True)
    layer.weight.requires_grad_(False)
    apply_linear(layer, x).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad is not None and x.grad is not None


def test_what_stands_around_a_layer_is_called() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    layer, x = Doubled(24, 40), torch.randn(64, 24)
    assert torch.equal(apply_linear(layer, x), layer(x))
    assert torch.equal(linear_gelu(x, layer), functional.gelu(layer(x)))


def test_the_same_product_twice_is_the_same_bit_for_bit() -> None:
    x, weight = torch.randn(500, 64), torch.randn(96, 64)
    assert torch.equal(linear(x, weight, None), linear(x, weight, None))
