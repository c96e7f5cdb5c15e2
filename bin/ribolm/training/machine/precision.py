"""Device, number format and determinism of a run: chosen once, with the reason.

Weights, LayerNorm, softmax, logits and loss stay fp32; bf16 is for matrix products alone, without a gradient scaler.
"""

import contextlib
import os
from dataclasses import dataclass
from typing import Any

from ribolm.errors import UsageError
from ribolm.training.log import TrainingLog

CUBLAS_WORKSPACE = ":4096:8"


@dataclass(frozen=True)
class Device:
    """Where a run computes: `name` for torch ("cpu", "cuda:1"), `kind` of it, and the number format of products."""

    name: str
    kind: str
    precision: str

    def autocast(self) -> "contextlib.AbstractContextManager[Any]":
        """The context in which forward passes run."""
        import torch

        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.kind, dtype=torch.bfloat16)


def choose_device(wanted: str, precision: str, local_rank: int, log: TrainingLog) -> Device:
    """Choose device and number format. Raises UsageError when CUDA is asked for and no card is seen."""
    import torch

    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cuda" and not seen:
        raise UsageError(
            "--device cuda: no CUDA device is seen. Check nvidia-smi and the driver, give the container the cards "
            "(docker --gpus all, singularity --nv), install the CUDA build of PyTorch, or use --device cpu."
        )
    kind = wanted if wanted != "auto" else ("cuda" if seen else "cpu")
    if wanted == "auto":
        log.choice("device", kind, f"{seen} CUDA devices are seen")
    if kind == "cuda" and local_rank >= seen:
        raise UsageError(f"Process {local_rank + 1} has no card: {seen} are seen. Use --processes {seen} or fewer.")
    name = f"cuda:{local_rank}" if kind == "cuda" else "cpu"
    return Device(name, kind, _choose_precision(precision, kind, name, log))


def _choose_precision(wanted: str, kind: str, name: str, log: TrainingLog) -> str:
    import torch

    if wanted != "auto":
        return wanted
    if kind == "cpu":
        chosen, reason = "fp32", "the reference on a CPU"
    elif torch.cuda.get_device_capability(name) >= (8, 0):
        chosen, reason = "bf16", "products in bf16, the rest fp32: the card computes bf16 natively"
    else:
        chosen, reason = "fp32", "the card has no native bf16, and fp16 would need a gradient scaler"
    log.choice("precision", chosen, reason)
    return chosen


def set_determinism(level: str) -> None:
    """L1: every step is a function of the seed, resume is exact on a CPU. L2: deterministic kernels on a card as well.

    L2 sets cuBLAS's workspace, which counts only before CUDA starts. Raises UsageError when that is too late.
    """
    import torch

    if level != "L2":
        return
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    if started and os.environ.get("CUBLAS_WORKSPACE_CONFIG") != CUBLAS_WORKSPACE:
        raise UsageError(f"Set CUBLAS_WORKSPACE_CONFIG={CUBLAS_WORKSPACE} before CUDA starts, for determinism L2.")
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = CUBLAS_WORKSPACE
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
