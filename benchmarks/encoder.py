"""Inference and bare training steps of ribolm's encoder beside transformers' EsmModel, same weights, same sequences.

    python benchmarks/encoder.py --scratch /tmp/ribolm-benchmark --data ../shared/data

fp32 on the CPU, one process, contenders take turns. Lengths are real: the tiles under the peaks of chr22 (what ribolm
reads), and whole peaks of a fetal tissue cut at 510 nt. Letters are random; they do not change the work. Every
contender gets the same tokens per batch, padding included; the peer runs with length grouping and without. A training
step is forward and backward of masked language modelling (15 % of the tokens): ribolm's head sees the masked tokens
alone, the peer's all of them. Also measured: the largest difference of hidden states. Writes results/encoder.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training import peak_lengths, tile_lengths

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "encoder.md"
MASKED = 0.15


@dataclass(frozen=True)
class Batch:
    """One batch in both forms: packed with the masked positions, and padded with transformers' labels."""

    packed: Any
    selected: Tensor
    targets: Tensor
    ids: Tensor
    mask: Tensor
    labels: Tensor


def make_batch(rows: list[np.ndarray], random: np.random.Generator) -> Batch:
    """Mask 15 % of the bases of some rows of token ids."""
    from ribolm.models.ragged import pack

    packed = pack(rows)
    tokens = packed.tokens.clone()
    chosen = torch.from_numpy((random.random(len(tokens)) < MASKED) & (tokens.numpy() > 2))
    selected, targets = chosen.nonzero()[:, 0], tokens[chosen]
    tokens[chosen] = 9
    inside = torch.arange(max(packed.lengths)) < torch.tensor(packed.lengths)[:, None]
    ids, labels = torch.full(inside.shape, 1), torch.full(inside.shape, -100)
    of_tokens = torch.full(tokens.shape, -100)
    of_tokens[chosen] = targets
    ids[inside], labels[inside] = tokens, of_tokens
    return Batch(packed._replace(tokens=tokens), selected, targets, ids, inside.long(), labels)


def batches(lengths: np.ndarray, tokens: int, budget: int, grouped: bool) -> list[Batch]:
    """Rows of real lengths in batches of at most `budget` tokens with padding; sorted by length, or as they come."""
    random = np.random.default_rng(1)
    drawn = random.choice(lengths, max(1, round(tokens / (lengths.mean() + 2)))) + 2
    order = np.sort(drawn)[::-1] if grouped else drawn
    groups: list[list[int]] = [[]]
    for length in order.tolist():
        if groups[-1] and max(*groups[-1], length) * (len(groups[-1]) + 1) > budget:
            groups.append([])
        groups[-1].append(length)
    rows = [[np.r_[0, random.integers(4, 8, length - 2), 2] for length in group] for group in groups]
    return [make_batch(group, random) for group in rows]


def make_networks(preset: str) -> tuple[Any, Any]:
    """ribolm's network and transformers' with the same weights."""
    import transformers

    from ribolm.models.network import MASKED_LM, new_network
    from ribolm.models.presets import preset_config
    from ribolm.sequences.tokenizers import make_tokenizer

    network = new_network(preset_config(preset, make_tokenizer("nucleotide")), MASKED_LM, seed=1)
    peer = transformers.EsmForMaskedLM(transformers.EsmConfig(**network.config.to_dict()))
    peer.load_state_dict(network.state_dict(), strict=False)
    peer.tie_weights()
    return network, peer


def steps_of(network: Any, peer: Any) -> dict[str, tuple[Callable[[Batch], Any], Callable[[Batch], Any]]]:
    """What is timed: (ours, theirs) by name."""

    @torch.inference_mode()
    def infer(batch: Batch) -> Tensor:
        return network.eval().encoder(batch.packed)

    @torch.inference_mode()
    def infer_peer(batch: Batch) -> Tensor:
        return peer.eval().esm(batch.ids, attention_mask=batch.mask).last_hidden_state

    def train(batch: Batch) -> None:
        network.train().zero_grad()
        functional.cross_entropy(network(batch.packed, batch.selected), batch.targets).backward()

    def train_peer(batch: Batch) -> None:
        peer.train().zero_grad()
        peer(batch.ids, attention_mask=batch.mask, labels=batch.labels).loss.backward()

    return {"inference": (infer, infer_peer), "training step": (train, train_peer)}


def seconds(step: Callable[[Batch], Any], over: list[Batch]) -> float:
    """Wall seconds of one pass."""
    started_s = time.perf_counter()
    for batch in over:
        step(batch)
    return time.perf_counter() - started_s


def measure(preset: str, name: str, lengths: np.ndarray, arguments: argparse.Namespace) -> list[str]:
    """Table rows of one set of lengths: tokens per second of each, median ratio of the rounds with their range."""
    network, peer = make_networks(preset)
    grouped, plain = (batches(lengths, arguments.tokens, arguments.budget, sort) for sort in (True, False))
    n_tokens = sum(len(batch.packed.tokens) for batch in grouped)
    rows = []
    for what, (ours, theirs) in steps_of(network, peer).items():
        timed = {"ribolm": (ours, grouped), "grouped": (theirs, grouped), "plain": (theirs, plain)}
        for step, over in timed.values():
            step(over[0])
        taken = [{who: seconds(*pair) for who, pair in timed.items()} for _ in range(arguments.rounds)]
        speeds = [f"{n_tokens / min(round_[who] for round_ in taken):,.0f}" for who in timed]
        ratios = [sorted(round_[who] / round_["ribolm"] for round_ in taken) for who in ("grouped", "plain")]
        shown = [f"**{statistics.median(ratio):.2f}** ({ratio[0]:.2f}-{ratio[-1]:.2f})" for ratio in ratios]
        rows.append("| " + " | ".join([preset, name, what, *speeds, *shown]) + " |")
        print(rows[-1], flush=True)
    ours, theirs = steps_of(network, peer)["inference"]
    difference = max(float((ours(b) - theirs(b)[b.mask.bool()]).abs().max()) for b in grouped)
    print(f"largest difference of hidden states: {difference:.1e}", flush=True)
    return [*rows, f"{preset}, {name}: hidden states differ by at most {difference:.1e}."]


def report(rows: list[str], arguments: argparse.Namespace) -> str:
    """The page of results."""
    import transformers

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join(
        [
            "# The encoder beside transformers' EsmModel",
            "",
            f"`python benchmarks/encoder.py`, {datetime.date.today()}, {platform.machine()}, fp32, "
            f"threads: {torch.get_num_threads()}, load {load}, torch {torch.__version__}, transformers "
            f"{transformers.__version__}; {arguments.tokens:,} tokens per pass in batches of {arguments.budget:,} "
            f"with padding, {arguments.rounds} rounds in turns. Tokens/s: the best round, padding not counted. Ratios: "
            "median of the rounds (range).",
            "",
            "| preset | lengths | what | ribolm, tokens/s | EsmModel grouped, tokens/s | not grouped, tokens/s "
            "| ratio, grouped | ratio, not grouped |",
            "|---|---|---|--:|--:|--:|--:|--:|",
            *[row for row in rows if row.startswith("|")],
            "",
            *[f"- {row}" for row in rows if not row.startswith("|")],
            "",
        ]
    )


def main() -> None:
    """Measure every preset on both sets of lengths and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--presets", nargs="+", default=["small"])
    parser.add_argument("--tokens", type=int, default=65_536)
    parser.add_argument("--budget", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(arguments.scratch)
    sets = {"tiles under peaks": tile_lengths(arguments.data), "whole peaks": peak_lengths(arguments.data)}
    rows = []
    for preset in arguments.presets:
        for name, lengths in sets.items():
            rows += measure(preset, name, lengths, arguments)
    RESULT.write_text(report(rows, arguments), "utf-8")


if __name__ == "__main__":
    main()
