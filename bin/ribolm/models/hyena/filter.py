"""Hyena's long filters: from an implicit function of the position to a kernel, and its causal convolution.

Up to `TOEPLITZ_TOKENS` tokens the convolution is one matrix product per channel with a triangular Toeplitz matrix,
above it a product of spectra, of a length that has no prime factor above 5. Both are fp32 whatever autocast says.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.models.hyena.configuration import HyenaConfig

TOEPLITZ_TOKENS = 256
KEPT_LENGTHS = 4  # kernels of how many lengths are kept per layer in evaluation
# Decay of the slowest and the fastest channel, and the level that no channel falls below (HyenaDNA's defaults)
SLOW_DECAY, FAST_DECAY, TARGET, SHIFT = 1.5, 0.3, 1e-2, 0.05


class Kernel(NamedTuple):
    """A kernel ready for sequences of one length: Toeplitz [D, L, L], or spectrum [D, 1, n / 2 + 1] of length n."""

    toeplitz: Tensor | None
    spectrum: Tensor | None
    n_fft: int


class Positions(nn.Module):
    """Features of every position: t in 0 to 1 over max_seq_len, and cosines and sines of a few frequencies."""

    z: Tensor
    t: Tensor

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.length, self.width = config.max_seq_len, config.emb_dim
        # stored with the weights, as parameter or buffer upstream; never trained here
        self.register_buffer("z", torch.empty(1, self.length, self.width))
        self.register_buffer("t", torch.empty(1, self.length, 1))

    def reset(self) -> None:
        """Set z [1, L, emb_dim] = (t, cos(f·w), −sin(f·w)) and t [1, L, 1]."""
        bands = (self.width - 1) // 2
        t = torch.linspace(0, 1, self.length, device="cpu")[None, :, None]
        w = 2 * math.pi * torch.linspace(0, self.length - 1, self.length, device="cpu")[None, :, None] / self.length
        f = torch.linspace(1e-4, bands - 1, bands, device="cpu")[None, None]
        self.z, self.t = torch.cat([t, torch.cos(-f * w), torch.sin(-f * w)], dim=-1), t


class Modulation(nn.Module):
    """Exponential decay over the positions, another rate for every channel."""

    deltas: Tensor

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.width = config.d_model
        self.register_buffer("deltas", torch.empty(1, 1, self.width))

    def reset(self) -> None:
        """Set the rates [1, 1, D]."""
        slow, fast = math.log(TARGET) / SLOW_DECAY, math.log(TARGET) / FAST_DECAY
        self.deltas = torch.linspace(slow, fast, self.width, device="cpu")[None, None]


class Sine(nn.Module):
    """sin(freq · x); one module stands behind all layers of a filter, so that `freq` is stored once."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.freq = nn.Parameter(torch.empty(1, config.filter_order))
        self.start = config.activation_freq

    def forward(self, x: Tensor) -> Tensor:
        """[L, filter_order]."""
        return torch.sin(self.freq * x)


class ImplicitFilter(nn.Module):
    """The small network from features of a position to the kernel's value there, for every channel.

    Its parts are numbered as upstream: linear layers 0, 2, 4, …, the one sine between them 1 (and 3, 5, not stored).
    """

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        widths = [config.emb_dim, *[config.filter_order] * (config.num_inner_mlps + 1)]
        self.add_module("0", nn.Linear(widths[0], widths[1]))
        self.add_module("1", Sine(config))
        for number in range(config.num_inner_mlps):
            self.add_module(str(2 * number + 2), nn.Linear(config.filter_order, config.filter_order))
        self.add_module(str(2 * config.num_inner_mlps + 2), nn.Linear(config.filter_order, config.d_model, bias=False))

    def forward(self, z: Tensor) -> Tensor:
        """[L, D] of features [L, emb_dim]."""
        sine: Any = self.get_submodule("1")
        layers = [layer for layer in self.children() if isinstance(layer, nn.Linear)]
        for layer in layers[:-1]:
            z = sine(layer(z))
        last: Tensor = layers[-1](z)
        return last


class Filter(nn.Module):
    """A long causal convolution; its kernel is computed from weights, and kept in evaluation until they change."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(config.d_model))
        self.pos_emb = Positions(config)
        self.implicit_filter = ImplicitFilter(config)
        self.modulation = Modulation(config)
        self._kept: OrderedDict[int, Kernel] = OrderedDict()
        self._of: tuple[Any, ...] = ()

    def reset(self) -> None:
        """Set what is computed from the configuration."""
        self.pos_emb.reset()
        self.modulation.reset()

    def forward(self, v: Tensor) -> Tensor:
        """Causal convolution plus bias · v, fp32 [D, B, L] of fp32 [D, B, L]."""
        kernel = self.kernel(v.shape[-1])
        return convolve(v, kernel, self.bias.float())

    def kernel(self, length: int) -> Kernel:
        """The kernel for sequences of a length, with a gradient where one is wanted."""
        if torch.is_grad_enabled() and any(parameter.requires_grad for parameter in self.parameters()):
            return prepare(self.values(length), self.bias.float())
        sources = self._sources()
        if any(tensor.is_inference() for tensor in sources):  # their changes leave no trace
            return prepare(self.values(length), self.bias.float())
        state = tuple((id(tensor), tensor._version, tensor.device) for tensor in sources)
        if state != self._of:
            self._kept.clear()
            self._of = state
        found = self._kept.pop(length, None)  # other threads may change what is kept at any line
        if found is None:
            with torch.inference_mode(False), torch.no_grad():  # so that training may go on with what inference kept
                found = prepare(self.values(length), self.bias.float())
        self._kept[length] = found
        if len(self._kept) > KEPT_LENGTHS:
            with suppress(KeyError):  # others may have emptied it meanwhile
                self._kept.popitem(last=False)
        return found

    def values(self, length: int) -> Tensor:
        """The kernel's values fp32 [D, L]: a prefix of those of max_seq_len."""
        with torch.autocast(self.bias.device.type, enabled=False):
            shape = self.implicit_filter(self.pos_emb.z[0, :length].float())
            decay = torch.exp(-self.pos_emb.t[0, :length].float() * self.modulation.deltas[0].float().abs())
            values: Tensor = (shape * (decay + SHIFT)).t()
            return values

    def _sources(self) -> list[Tensor]:
        return [*self.parameters(), self.pos_emb.z, self.pos_emb.t, self.modulation.deltas]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Filter":
        self._kept.clear()
        self._of = ()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def prepare(values: Tensor, bias: Tensor, n_fft: int | None = None) -> Kernel:
    """Bring a kernel [D, L] into the form its length asks for; `n_fft` asks for a spectrum of that length."""
    length = values.shape[1]
    if length > TOEPLITZ_TOKENS or n_fft is not None:
        n_fft = n_fft or smooth_length(2 * length - 1)
        return Kernel(None, torch.fft.rfft(values, n=n_fft)[:, None], n_fft)
    first = values[:, :1] + bias[:, None]  # bias · v is the diagonal
    padded = functional.pad(torch.cat((first, values[:, 1:]), dim=1), (length - 1, 0))
    return Kernel(padded.unfold(1, length, 1).flip(1), None, 0)


def convolve(v: Tensor, kernel: Kernel, bias: Tensor) -> Tensor:
    """Causal convolution of v [D, B, L] with a kernel of its length, plus bias · v."""
    if kernel.toeplitz is not None:
        return torch.bmm(v, kernel.toeplitz)
    assert kernel.spectrum is not None
    spectrum = torch.fft.rfft(v, n=kernel.n_fft)
    learns = spectrum.requires_grad or kernel.spectrum.requires_grad
    product = spectrum * kernel.spectrum if learns else spectrum.mul_(kernel.spectrum)
    mixed = torch.fft.irfft(product, n=kernel.n_fft)[..., : v.shape[-1]]
    return torch.addcmul(mixed, bias[:, None, None], v)


def smooth_length(at_least: int) -> int:
    """The smallest even number from `at_least` on without a prime factor above 5; transforms of others are slow.

    Measured for 65,538 = 2·3^2·11·331 against 65,536: 7 times as long.
    """
    best = 1 << max(1, (at_least - 1).bit_length())
    five = 1
    while five < best:
        three = five
        while three < best:
            power = 1 << max(1, (-(-at_least // three) - 1).bit_length())
            best = min(best, three * power)
            three *= 3
        five *= 5
    return best
