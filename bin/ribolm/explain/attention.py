"""What the last layer attends to: the words of the most attended tokens, in positives beside negatives.

Of every window the token is taken that <cls> attends to most, heads averaged; without <cls>, that all tokens together
do. Its word is the six letters that begin with it. Where tokens are words of k letters that do not overlap, a word is
one token in one of k frames only, so that windows are read in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS
from ribolm.explain.tokens import TokenBatch, require_apart, token_batches
from ribolm.explain.words import NO_WORD, WORD_NT, spelled, word_numbers
from ribolm.genome.coordinates import Int64
from ribolm.models.attention_maps import attention_maps
from ribolm.models.network import Network
from ribolm.sequences.kmers import ChunkTokenizer
from ribolm.sequences.tokenizers import NO_TOKEN, Tokenizer

N_WORDS = 4**WORD_NT
TOP = 20


@dataclass(frozen=True)
class AttendedWords:
    """Counts by word, int64 [4096]: how often its token was the most attended one, and how often it could have been.

    `without_word`: windows and frames whose most attended token has an N within, or fewer than six letters behind its
    start; `readings`: windows times frames.
    """

    attended: Int64
    offered: Int64
    without_word: int
    readings: int


def attended_words(network: Network, tokenizer: Tokenizer, windows: Letters, layer: int = -1) -> AttendedWords:
    """Count the words of the most attended tokens of windows, uint8 [n, width_nt], over all frames.

    Raises UsageError for a backbone without attention and for tokens that overlap. Cost: one eager pass per frame.
    """
    require_apart(tokenizer)
    frames = tokenizer.k if isinstance(tokenizer, ChunkTokenizer) else 1
    attended, offered = np.zeros(N_WORDS, dtype=np.int64), np.zeros(N_WORDS, dtype=np.int64)
    without_word = 0
    device = next(network.parameters()).device
    for frame in range(min(frames, windows.shape[1])):
        shifted = np.ascontiguousarray(windows[:, frame:])
        numbers = np.pad(word_numbers(shifted), ((0, 0), (0, WORD_NT - 1)), constant_values=NO_WORD)
        for part in token_batches(tokenizer, shifted):
            words = numbers[part.rows.start + part.window, part.start0]
            weights = attention_to_tokens(network, part, device, tokenizer.cls_id != NO_TOKEN, layer)
            chosen = words[most_attended(part.window, weights)]
            without_word += int((chosen == NO_WORD).sum())
            attended += np.bincount(chosen[chosen != NO_WORD], minlength=N_WORDS)
            offered += np.bincount(words[words != NO_WORD], minlength=N_WORDS)
    return AttendedWords(attended, offered, without_word, frames * len(windows))


def attention_to_tokens(
    network: Network, part: TokenBatch, device: torch.device, from_cls: bool, layer: int = -1
) -> npt.NDArray[np.float64]:
    """Attention that every token which is not special receives, heads averaged, [m]: from <cls>, or from all tokens."""
    maps = attention_maps(network, part.batch.to(device), layer)
    received = [(found[:, 0] if from_cls else found.mean(dim=1)).double().mean(dim=0).cpu().numpy() for found in maps]
    return np.asarray(np.concatenate(received)[part.place])


def most_attended(window: Int64, weights: npt.NDArray[np.float64]) -> Int64:
    """Index of the token with the highest weight of each window; the first of equals. `window` ascends from 0."""
    order = np.lexsort((np.arange(len(window)), -weights, window))
    _, first = np.unique(window[order], return_index=True)
    return np.asarray(order[first], dtype=np.int64)


def attention_table(positives: AttendedWords, negatives: AttendedWords, top: int = TOP) -> pl.DataFrame:
    """The words attended most in positives, beside negatives: counts, shares, and enrichment over what was offered.

    `is_signal`: one of the 18 signal hexamers. Enrichment is the share among the attended tokens over the share among
    all tokens of the same class; NaN where a word was never offered.
    """
    order = np.argsort(-positives.attended, kind="stable")[:top]
    columns: dict[str, object] = {"word": [spelled(int(number)) for number in order]}
    columns["is_signal"] = [word in HEXAMERS for word in columns["word"]]  # type: ignore[attr-defined]
    for name, found in (("positives", positives), ("negatives", negatives)):
        share, offered = _shares(found.attended), _shares(found.offered)
        with np.errstate(divide="ignore", invalid="ignore"):
            enrichment = np.where(offered > 0, share / offered, np.nan)
        columns |= {
            f"count_{name}": found.attended[order],
            f"share_{name}": share[order],
            f"background_{name}": offered[order],
            f"enrichment_{name}": enrichment[order],
        }
    return pl.DataFrame(columns)


def _shares(counts: Int64) -> npt.NDArray[np.float64]:
    return np.asarray(counts / max(int(counts.sum()), 1))
