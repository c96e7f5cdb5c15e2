"""Tokens per micro-batch that fit the device: kept beside the checkpoints, outside their key.

Halving them doubles the micro-batches of a step; what one optimiser step learns from stays the same.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ribolm.errors import DataError, OutOfMemory
from ribolm.files import write_json
from ribolm.training.log import TrainingLog

DEFAULT_TOKENS = {"cpu": 4_096, "cuda": 65_536}


@dataclass
class Fitting:
    """The budget of this start, and the file that tells it to the next."""

    path: Path
    tokens: int

    @contextlib.contextmanager
    def halved_when_full(self, longest: int, device: str, before: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Turn running out of memory into OutOfMemory, with half the budget written down for the next start.

        `longest`: tokens of the longest sequence at work; `before`: what is saved first.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            before()
            self.halve(longest)
            raise OutOfMemory(
                f"Out of memory on {device} with {2 * self.tokens:,} tokens per micro-batch. "
                f"Start again: {self.tokens:,} are taken then, in twice as many micro-batches."
            ) from error

    def halve(self, longest: int) -> None:
        """Halve the budget and write it down. Raises DataError when a single sequence is already too much."""
        if self.tokens <= longest:
            raise DataError(
                f"The device is out of memory with a single sequence of {longest:,} tokens. Use a smaller preset, "
                "shorter windows (--window), --lora or --freeze, or a card with more memory."
            )
        self.tokens = max(1, self.tokens // 2)
        write_json(self.path, {"tokens_per_micro_batch": self.tokens, "reason": "out of memory with twice as many"})


def choose_fitting(folder: Path, wanted: int | None, tokens_per_step: int, device: str, log: TrainingLog) -> Fitting:
    """The budget to begin with: what is asked for or the device's default, and no more than what once failed halved."""
    path = folder / "fitting.json"
    tokens = wanted or min(DEFAULT_TOKENS[device], tokens_per_step)
    if wanted is None:
        log.choice("tokens per micro-batch", tokens, f"default on {device}, at most the tokens of a step")
    if path.exists():
        fits = _read_tokens(path)
        if fits < tokens:
            tokens = fits
            log.choice("tokens per micro-batch", tokens, f"twice as many were out of memory before ({path.name})")
    return Fitting(path, tokens)


def _read_tokens(path: Path) -> int:
    try:
        return int(json.loads(path.read_text("utf-8"))["tokens_per_micro_batch"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: names no number of tokens. Delete it; it is written again when needed.") from error
