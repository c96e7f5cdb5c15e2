"""How much of the machine a training step uses: floating-point work per second against the known peak of the device.

Model FLOPs utilisation after Chowdhery et al. 2022 (PaLM, appendix B): the work the model needs, not the recomputed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ribolm.models.family import BackboneConfig

# Dense bf16 (V100, T4: fp16) TFLOP/s of the data sheets; the first that the device's name holds as whole words counts.
SPEC_TFLOPS = (
    ("GB200", 2500.0),
    ("B200", 2250.0),
    ("H200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.0),
    ("GH200", 989.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("A40", 150.0),
    ("A30", 165.0),
    ("A10G", 70.0),
    ("A10", 125.0),
    ("RTX 4090", 165.0),
    ("RTX 3090", 71.0),
    ("V100", 125.0),
    ("T4", 65.0),
)
ACHIEVABLE_SHARE = 794.5 / 989  # of the specification, by large matrix products on an H200


@dataclass(frozen=True)
class Peak:
    """flops_per_s by the data sheet, 0 where unknown; `reason` says where the number is from or why it is 0."""

    flops_per_s: float
    reason: str

    def utilisation(self, flops: float, seconds: float) -> float:
        """Share of the peak that `flops` in `seconds` are; 0 where the peak is unknown."""
        return flops / seconds / self.flops_per_s if self.flops_per_s and seconds > 0 else 0.0


def device_peak(device: torch.device | str, n_devices: int = 1) -> Peak:
    """The known peak of so many devices of one kind."""
    device = torch.device(device)
    if device.type != "cuda":
        return Peak(0.0, f"no peak is known for a {device.type}")
    return peak_of_card(torch.cuda.get_device_name(device), n_devices)


def peak_of_card(name: str, n_devices: int = 1) -> Peak:
    """The known peak of so many cards of a name as CUDA gives it."""
    for part, tflops in SPEC_TFLOPS:
        if re.search(rf"(?<![A-Za-z0-9]){part}(?![A-Za-z0-9])", name):
            achievable = f"{ACHIEVABLE_SHARE * tflops:,.0f} achievable"
            return Peak(tflops * 1e12 * n_devices, f"{name}: {tflops:,.0f} TFLOP/s by its data sheet, {achievable}")
    return Peak(0.0, f"the peak of {name} is not known")


def training_flops(config: BackboneConfig, lengths: NDArray[Any], answered: float, outputs: int) -> float:
    """Floating-point operations of a forward and a backward pass over sequences of these lengths (tokens).

    Two per weight of a matrix and token, four per pair of tokens, width and layer for attention; the backward pass is
    twice the forward one. `answered`: tokens or sequences that the head answers for with so many `outputs` each; its
    dense layer is counted for the heads that have one (masked tokens, sequences), which is all but those of tokens.
    """
    width, sizes = config.hidden_size, np.asarray(lengths, dtype=np.float64)
    weights = 4 * width**2 + (3 if config.gated else 2) * width * config.intermediate_size
    mixing = _convolution(sizes) if config.causal else 4.0 * (sizes**2).sum()
    encoder = config.n_layers * (2.0 * weights * sizes.sum() + width * mixing)
    return 3 * float(encoder + 2.0 * answered * width * (width + outputs))


def _convolution(lengths: NDArray[np.float64]) -> float:
    """Operations per channel of HyenaDNA's long convolution: three real transforms of twice the length."""
    return float((3 * 2.5 * 2 * lengths * np.log2(2 * lengths)).sum())


def utilisation(
    config: BackboneConfig, lengths: NDArray[Any], device: torch.device | str, answered_share: float, outputs: int
) -> tuple[Callable[[float], float], str]:
    """A function from tokens per second of one process to the share of its device's peak, and where the peak is from.

    `lengths`: tokens of each sequence of the feed; `answered_share`: answers of the head per token (0.15 for masked
    tokens).
    """
    tokens = float(np.sum(lengths, dtype=np.float64))
    per_token = training_flops(config, lengths, answered_share * tokens, outputs) / max(tokens, 1.0)
    peak = device_peak(device)
    return lambda tokens_per_s: peak.utilisation(per_token * tokens_per_s, 1.0), peak.reason
