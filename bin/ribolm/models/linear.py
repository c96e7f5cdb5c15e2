"""Linear layers: oneDNN's product in fp32 on a CPU, PyTorch's own everywhere else.

On a CPU PyTorch hands fp32 products to MKL, which leaves the wide vector units of other makers' processors idle.
oneDNN, which PyTorch carries too, uses them: measured 2.2 times MKL's rate on a Zen 5 core, equal to rounding. Where
there is no AVX-512 both have the same units, and embeddings took 13 % less time by MKL (docs/lab-log.md).
"""

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

FEW_ROWS = 16  # below, setting up a product costs more than it saves


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x · weightᵀ + bias for x [T, n], weight [m, n], bias [m]; returns [T, m]."""
    if not onednn_fits(x, weight):
        return functional.linear(x, weight, bias)
    if _learns(x, weight):
        return cast(Tensor, _Product.apply(x, weight, bias))
    return _product(x, weight, bias)


def linear_gelu(x: Tensor, layer: nn.Linear, form: Literal["none", "tanh"] = "none") -> Tensor:
    """GELU(layer(x)), exact (erf) or by its tanh approximation; one pass over memory where no gradient is wanted."""
    if type(layer) is nn.Linear:
        if not _learns(x, layer.weight) and onednn_fits(x, layer.weight):
            return _product(x, layer.weight, layer.bias, "gelu", form)
        return functional.gelu(linear(x, layer.weight, layer.bias), approximate=form)
    return functional.gelu(layer(x), approximate=form)


def apply_linear(layer: nn.Module, x: Tensor) -> Tensor:
    """layer(x) for a plain linear layer by way of `linear`, for anything else (an adapter around it) by itself."""
    if type(layer) is nn.Linear:
        return linear(x, layer.weight, layer.bias)
    return cast(Tensor, layer(x))


def onednn_fits(x: Tensor, weight: Tensor) -> bool:
    """Whether a product is fp32 on a CPU, large enough for oneDNN, and quicker by it."""
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.ndim == 2
        and len(x) >= FEW_ROWS
        and _ONEDNN
        and (_WIDE or _learns(x, weight))
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
    )


def _learns(x: Tensor, weight: Tensor) -> bool:
    return torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)


# trainings were not measured without AVX-512, and stay as they were
_WIDE = torch.backends.cpu.get_cpu_capability() != "AVX2"
_ONEDNN = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, then: str = "none", form: str = "none") -> Tensor:
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], form))


class _Product(torch.autograd.Function):
    """The product with its gradients, all three by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        gradient = gradients[0].contiguous()
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        of_weight, of_bias = _gradients(gradient, x, weight, ctx.has_bias) if wants_weight else (None, None)
        if of_bias is None and ctx.has_bias and wants_bias:
            of_bias = gradient.sum(0)
        return _product(gradient, weight.t(), None) if wants_x else None, of_weight, of_bias


def _gradients(gradient: Tensor, x: Tensor, weight: Tensor, has_bias: bool) -> tuple[Tensor, Tensor | None]:
    """Gradients of weight [m, n] and bias [m] in one pass; as a product of transposed matrices oneDNN copies both."""
    of_weight, of_bias = torch.ops.aten.mkldnn_linear_backward_weights(
        gradient.to_mkldnn(), x.contiguous().to_mkldnn(), weight, has_bias
    )
    return of_weight.to_dense(), of_bias.to_dense() if has_bias else None
