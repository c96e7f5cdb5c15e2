"""Rows of tokens through networks, so that what else is in a batch does not touch a row's logits.

On a CPU every row has a forward pass of its own: as fast as batches of eight (the activations of one window stay in
the cache), and bitwise the same whatever is scored beside it, by whatever number of threads (but for rows of more than
LONG_TOKENS). On a card rows are packed into passes of exactly `tokens_per_batch` tokens (the rest is filled up), so
that matrix products have one shape; there logits agree to 1e-4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from ribolm.console import choice, notice
from ribolm.errors import OutOfMemory
from ribolm.genome.coordinates import Int64, ranges
from ribolm.inference.side_by_side import side_by_side
from ribolm.models.network import Network
from ribolm.models.ragged import ragged
from ribolm.sequences.tokenizers import Tokenizer
from ribolm.sequences.vocabulary import TokenArray
from ribolm.training.log import TrainingLog
from ribolm.training.machine.precision import Device, choose_device

ONE_ROW = 0
TOKENS_PER_BATCH = {"cpu": ONE_ROW, "cuda": 131072}
LONG_TOKENS = 2_048  # on a CPU a sequence of more has all threads, as attention grows with its square
Float32 = npt.NDArray[np.float32]
Answer = TypeVar("Answer")


@dataclass
class Forward:
    """Networks on a device, applied to rows of tokens.

    `tokens_per_batch` 0 means one row at a time; it shrinks when a card runs out of memory.
    """

    networks: tuple[Network, ...]
    tokenizer: Tokenizer
    device: Device
    tokens_per_batch: int

    @classmethod
    def prepare(
        cls,
        networks: tuple[Network, ...],
        tokenizer: Tokenizer,
        device: str = "auto",
        precision: str = "fp32",
        tokens_per_batch: int | None = None,
    ) -> Forward:
        """Choose device and batch and move the networks there. UsageError when CUDA is asked for and none is seen."""
        chosen = choose_device(device, precision, 0, TrainingLog(None))
        if tokens_per_batch is None:
            tokens_per_batch = TOKENS_PER_BATCH[chosen.kind]
            reason = "independent of what else is scored" if tokens_per_batch == ONE_ROW else "default on a card"
            choice("tokens per batch", tokens_per_batch or "one sequence", reason)
        for network in networks:
            network.to(chosen.name).eval()
        return cls(networks, tokenizer, chosen, tokens_per_batch)

    def logits(self, tokens: TokenArray, offsets: Int64, wanted: npt.NDArray[np.bool_]) -> Float32:
        """Logits of the wanted tokens, [n wanted, networks], in the order of the tokens.

        Row i is tokens[offsets[i]:offsets[i + 1]] without special tokens; rows without a wanted token are not run.
        """
        out = np.zeros((int(wanted.sum()), len(self.networks)), dtype=np.float32)
        out_index = np.cumsum(wanted) - 1
        wanted_before = np.r_[0, np.cumsum(wanted)]
        rows = np.flatnonzero(np.diff(wanted_before[offsets]) > 0)
        ordered = rows[np.argsort(-np.diff(offsets)[rows], kind="stable")]
        full = np.diff(offsets)[ordered] + self._n_special
        for _, (place, values) in self.passes(
            ordered, full, self._fitting, lambda part: self._run(tokens, offsets, part, wanted)
        ):
            out[out_index[place]] = values
        return out

    def passes(
        self, rows: Int64, full: Int64, fitting: Callable[[Int64], int], run: Callable[[Int64], Answer]
    ) -> Iterator[tuple[Int64, Answer]]:
        """Yield (part, run(part)) for the parts that `rows` (int64, numbers of any kind) are cut into.

        `full` int64 [rows]: tokens of each with special ones, the longest of a part first; `fitting`(full of the rows
        that are left): how many of them go next. On a CPU passes run side by side, `run` in several threads at once;
        those of sequences of more than LONG_TOKENS come first and have all threads. Where a card has no memory for a
        part, `tokens_per_batch` is halved and `fitting` asked again; OutOfMemory where it has none for one row.
        """
        if self.device.kind == "cpu":
            parts = list(_cut(rows, full, fitting))
            for alone in (part for part, longest in parts if longest > LONG_TOKENS):
                yield alone, run(alone)
            short = [part for part, longest in parts if longest <= LONG_TOKENS]
            yield from zip(short, side_by_side(run, short), strict=True)
            return
        at = 0
        while at < len(rows):
            part = rows[at : at + fitting(full[at:])]
            try:
                answer = run(part)
            except torch.cuda.OutOfMemoryError as error:
                self.shrink(int(full[at]), error)
                continue
            yield part, answer
            at += len(part)

    @property
    def _n_special(self) -> int:
        return len(self.tokenizer.prefix_ids) + len(self.tokenizer.suffix_ids)

    def _fitting(self, full: Int64) -> int:
        """How many of the next rows, lengths descending, fill a pass."""
        most = max(1, self.tokens_per_batch)  # no row is shorter than a token
        return max(1, int(np.searchsorted(np.cumsum(full[:most]), self.tokens_per_batch, side="right")))

    def _lengths(self, full: Int64) -> Int64:
        """Lengths of the sequences of a pass: the rows, and what fills it up."""
        missing = max(self.tokens_per_batch - int(full.sum()), 0)
        rest = missing % int(full[0])
        fill = [int(full[0])] * (missing // int(full[0])) + ([rest] if rest else [])
        return np.concatenate([full, np.array(fill, dtype=np.int64)])

    def _run(
        self, tokens: TokenArray, offsets: Int64, rows: Int64, wanted: npt.NDArray[np.bool_]
    ) -> tuple[Int64, Float32]:
        """One forward pass: (index of the wanted tokens, their logits [n, networks])."""
        length = (offsets[rows + 1] - offsets[rows]).astype(np.int64)
        full = length + self._n_special
        lengths = self._lengths(full)
        flat = np.full(int(lengths.sum()), int(self.tokenizer.base_ids[0]), dtype=np.int64)
        start = np.cumsum(full) - full
        before, after = self.tokenizer.prefix_ids, self.tokenizer.suffix_ids
        flat[start[:, None] + np.arange(len(before))] = before
        flat[(start + full)[:, None] - np.arange(len(after), 0, -1)] = after
        source = ranges(offsets[rows], length)
        target = ranges(start + len(before), length)
        flat[target] = tokens[source]
        chosen = wanted[source]
        batch = ragged(torch.from_numpy(flat), lengths.tolist()).to(self.device.name)
        selected = torch.from_numpy(target[chosen]).to(self.device.name)
        with torch.inference_mode(), self.device.autocast():
            # the head reads every token: a product over the selected ones would round by how many they are
            logits = [network(batch)[selected, 0].float() for network in self.networks]
        return source[chosen], torch.stack(logits, dim=1).cpu().numpy()

    def shrink(self, longest: int, error: BaseException) -> None:
        """Halve the tokens of a batch after a card ran out of memory; OutOfMemory where `longest` tokens are more."""
        if self.tokens_per_batch // 2 < longest:
            raise _no_memory(longest, error) from error
        torch.cuda.empty_cache()
        self.tokens_per_batch //= 2
        notice(f"the card ran out of memory; going on with {self.tokens_per_batch:,} tokens per batch.")


def _cut(rows: Int64, full: Int64, fitting: Callable[[Int64], int]) -> Iterator[tuple[Int64, int]]:
    """Parts of rows, and the tokens of the first of each."""
    at = 0
    while at < len(rows):
        n = fitting(full[at:])
        yield rows[at : at + n], int(full[at])
        at += n


@contextmanager
def one_sequence(n_tokens: int) -> Iterator[None]:
    """Where a sequence cannot be cut further: OutOfMemory, not torch's own error, when a card has no memory for it."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise _no_memory(n_tokens, error) from error


def _no_memory(n_tokens: int, error: BaseException) -> OutOfMemory:
    return OutOfMemory(
        f"The card has no memory for one sequence of {n_tokens:,} tokens ({str(error)[:80]}). "
        "Use a smaller model, a larger card or --device cpu."
    )
