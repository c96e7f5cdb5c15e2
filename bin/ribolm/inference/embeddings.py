"""One vector per sequence from a backbone: the mean of its last hidden states."""

from __future__ import annotations

import numpy as np
import torch

from ribolm.console import Progress
from ribolm.genome.coordinates import Int64, ranges
from ribolm.inference.batches import Float32, Forward
from ribolm.models.heads import pool
from ribolm.models.ragged import ragged
from ribolm.sequences.vocabulary import TokenArray


def embed_rows(forward: Forward, tokens: TokenArray, offsets: Int64, with_special: bool = False) -> Float32:
    """Mean hidden state of every row tokens[offsets[i]:offsets[i + 1]], float32 [n, D].

    `forward`: a network without a head. Special tokens are left out of the mean; `with_special` puts them in, as
    published few-shot code does. Rows of like length go through together, `forward.tokens_per_batch` at a time; what
    else is in a batch moves a value by no more than rounding. An empty row without special tokens is a row of zeros.
    """
    before, after = forward.tokenizer.prefix_ids, forward.tokenizer.suffix_ids
    special = () if with_special else (*before, *after)
    length = np.diff(offsets)
    full = length + len(before) + len(after)
    network = forward.networks[0]
    out = np.zeros((len(length), int(network.config.hidden_size)), dtype=np.float32)
    order = np.flatnonzero(full > 0)[np.argsort(-full[full > 0], kind="stable")]
    with Progress("embedding", len(order), "sequences") as progress:
        at = 0
        while at < len(order):
            n = max(1, forward.tokens_per_batch // int(full[order[at]]))
            rows = order[at : at + n]
            flat = np.empty(int(full[rows].sum()), dtype=np.int64)
            starts = np.cumsum(full[rows]) - full[rows]
            for step, token in enumerate(before):
                flat[starts + step] = token
            for step, token in enumerate(after):
                flat[starts + len(before) + length[rows] + step] = token
            flat[ranges(starts + len(before), length[rows])] = tokens[ranges(offsets[rows], length[rows])]
            batch = ragged(torch.from_numpy(flat), full[rows].tolist()).to(forward.device.name)
            with torch.inference_mode(), forward.device.autocast():
                out[rows] = pool(network(batch), batch, "mean", special).float().cpu().numpy()
            at += n
            progress.advance(len(rows))
    return out
