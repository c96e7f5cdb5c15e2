"""How much memory a training step will need, asked before it starts, and how much there is.

Counted: weights, gradients and AdamW's moments (16 bytes per trained weight, 4 per frozen one), what the backward pass
keeps of each token and layer, the head's logits, and the process itself. The counts per token follow the tensors that
autograd saves in `models.encoder` and are held against them by a test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ribolm import console
from ribolm.errors import UsageError
from ribolm.free_memory import SPARE_SHARE, free_bytes
from ribolm.models.family import BackboneConfig

TRAINED_BYTES, FROZEN_BYTES, REDUCED_BYTES = 16, 4, 4  # per weight; the last: a copy of the gradients between processes
# Widths D of a layer that are kept per token: input and output of two norms, q, k, v and what attention gives twice
# (packed and per head); and twice the feed-forward width.
KEPT_WIDTHS, KEPT_FEED_FORWARD = 9, 2
KEPT_GATED = 4  # of a gated layer: both halves, the gate behind its activation, the product
KEPT_WIDTHS_OF_CONVOLUTION = 20  # the same of HyenaDNA: three projections twice, and spectra [estimated]
KEPT_OUTSIDE = 8  # widths around the layers: embeddings, their scaling, rotations, the final norm
PASSING_WIDTHS, PASSING_FEED_FORWARD = 8, 3  # of one layer, while its backward pass runs
LOGIT_COPIES = 4  # logits, their log softmax, the gradient, and one in passing
# Libraries and their buffers; on a card the CUDA context and its workspaces. CPU [measured, torch 2.15].
PROCESS_BYTES = {"cpu": 800_000_000, "cuda": 1_200_000_000}
FRAGMENTS = 1.15  # blocks of the allocator that fit no request [measured]

_GB = 1e9


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes of one process on its device; tokens: those of a micro-batch that the activations were counted for."""

    state: int
    activations: int
    logits: int
    process: int
    tokens: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.state + self.activations + self.logits + self.process

    def describe(self) -> str:
        """One line for people, in GB of 10^9 bytes."""
        parts = {
            "weights and optimiser": self.state,
            f"activations of {self.tokens:,} tokens": self.activations,
            "logits": self.logits,
            "process": self.process,
        }
        return ", ".join(f"{name} {size / _GB:.2f}" for name, size in parts.items())


def estimate_training(
    config: BackboneConfig,
    n_weights: int,
    n_trained: int,
    tokens: int,
    *,
    n_outputs: int,
    selected_share: float = 1.0,
    bf16: bool = False,
    device_type: str = "cpu",
    world: int = 1,
) -> MemoryNeed:
    """Memory of a training step with micro-batches of at most `tokens` (or the longest sequence, if that is more).

    `n_outputs`: numbers that the head gives per token (the vocabulary for masked tokens); `selected_share`: share of
    the tokens that the head answers for. Frozen lower layers keep nothing, which is not counted: an upper bound.
    """
    value_bytes = 2 if bf16 else 4
    width, wide = config.hidden_size, config.intermediate_size
    kept = _kept_per_token(config, bf16)
    kept += 2 * width * value_bytes if config.hidden_dropout_prob else 0  # one mask behind each projection
    once = (KEPT_OUTSIDE + PASSING_WIDTHS) * width * 4 + PASSING_FEED_FORWARD * wide * 4
    joined = config.n_layers * 3 * width**2 * value_bytes  # q, k and v are multiplied as one matrix
    cast = n_weights * 2 if bf16 else 0
    reduced = REDUCED_BYTES if world > 1 else 0
    selected = tokens * selected_share
    return MemoryNeed(
        state=n_trained * (TRAINED_BYTES + reduced) + (n_weights - n_trained) * FROZEN_BYTES + joined + cast,
        activations=int(tokens * (config.n_layers * kept + once) * FRAGMENTS),
        logits=int(selected * (n_outputs * LOGIT_COPIES + 4 * width) * 4),
        process=PROCESS_BYTES["cuda" if device_type == "cuda" else "cpu"],
        tokens=tokens,
    )


def _kept_per_token(config: BackboneConfig, bf16: bool) -> float:
    """Bytes that a layer keeps of a token for the backward pass, dropout's masks left out."""
    value_bytes = 2 if bf16 else 4
    widths = KEPT_WIDTHS_OF_CONVOLUTION if config.causal else KEPT_WIDTHS
    wide_kept = (KEPT_GATED if config.gated else KEPT_FEED_FORWARD) * config.intermediate_size
    # The residual stream and the norms stay in fp32 under autocast: a third of the widths.
    return widths * config.hidden_size * (value_bytes + (2 if bf16 else 0) / 3) + wide_kept * value_bytes


def evaluation_need(need: MemoryNeed, config: BackboneConfig, tokens: int, bf16: bool = False) -> MemoryNeed:
    """Memory of answering for so many tokens at a time within the training of `need`: one layer is at work at a time.

    Its logits are counted like those of training, an upper bound.
    """
    width, wide = config.hidden_size, config.intermediate_size
    once = (KEPT_OUTSIDE + PASSING_WIDTHS) * width * 4 + PASSING_FEED_FORWARD * wide * 4
    activations = int(tokens * (_kept_per_token(config, bf16) + once) * FRAGMENTS)
    return replace(need, activations=activations, logits=need.logits * tokens // max(need.tokens, 1), tokens=tokens)


def available_bytes(device: torch.device | str, root: Path | str = "/") -> tuple[int, str]:
    """Free memory of a device in bytes, and what bounds it. `root`: where /proc and /sys are looked for.

    Of a card: what CUDA calls free, and the blocks that PyTorch keeps with no tensor in them. Of the machine:
    MemAvailable, or what the control group leaves, page cache counted as free; 0 ("unknown") where neither can be read.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free) + kept, torch.cuda.get_device_name(device)
    return free_bytes(root)


def require_memory(need: MemoryNeed, available: int, bound: str, longest: int = 0, processes: int = 1) -> None:
    """Print the need; refuse a training that will not fit, naming the knob to turn.

    `longest`: tokens of the longest sequence; `processes`: how many share that memory. Raises UsageError. Nothing is
    refused where the free memory is unknown.
    """
    usable = int(available * (1 - SPARE_SHARE)) // processes
    console.choice("memory", f"{need.total / _GB:.2f} of {available / _GB / processes:.2f} GB", need.describe())
    if not available or need.total <= usable:
        return
    sentence = (
        f"Training will need {need.total / _GB:.1f} GB ({need.describe()}), "
        f"but {available / _GB / processes:.1f} GB are free ({bound}"
        f"{f', shared by {processes} processes' if processes > 1 else ''})."
    )
    raise UsageError(f"{sentence} {_remedy(need, usable, longest)}")


def require_dev_memory(need: MemoryNeed, available: int, bound: str, longest: int, processes: int = 1) -> None:
    """Tell and refuse likewise what evaluation needs, whose rows may be longer than those of training."""
    free = available // processes
    console.choice("memory of dev", f"{need.total / _GB:.2f} of {free / _GB:.2f} GB", f"{longest:,} tokens the longest")
    if available and need.total > free * (1 - SPARE_SHARE):
        raise UsageError(
            f"Evaluation on a sequence of dev of {longest:,} tokens will need {need.total / _GB:.1f} GB "
            f"({need.describe()}), but {free / _GB:.1f} GB are free ({bound}). Leave long sequences out of dev, make "
            "the store with shorter windows, or choose a smaller --preset."
        )


def _remedy(need: MemoryNeed, usable: int, longest: int) -> str:
    """The option to change, and to what."""
    left = usable - need.state - need.process
    if left <= 0:
        return "Choose a smaller --preset, train adapters alone (--lora 8) or freeze layers (--freeze)."
    per_token = (need.activations + need.logits) / need.tokens
    fitting = int(left / per_token)
    if fitting < longest:
        return f"Cut long sequences (--crop-tokens {max(1, fitting)}) or choose a smaller --preset."
    return f"Set --tokens-per-micro-batch {_round_down(fitting)} or less; tokens per step stay the same."


def _round_down(value: int) -> int:
    """Two leading digits are enough for advice."""
    scale = int(10 ** max(0, len(str(value)) - 2))
    return value // scale * scale
