"""Contacts from attention: streamed by rows, layer by layer, and from whole maps as transformers does it.

    python benchmarks/contacts.py

The 8M shape of ESM-2 with random weights, random RNAs of the lengths asked for, fp32 on the CPU. Every measurement is a
process of its own, so that its peak memory is its own (the largest resident set, the libraries included). Contenders:
`ribolm` (attention_channels), `by layer` (the maps of one layer at a time are held, symmetrised, corrected and added
up), `whole maps` (EsmModel.predict_contacts, eager), the latter two where their estimated need is free. Also measured:
the largest difference from the whole maps, over the largest logit. Goal: 4,000 nt within 2 GB. Writes
results/contacts.md; about five minutes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "contacts.md"
CONTENDERS = ("ribolm", "by layer", "whole maps")
GOAL_NT, GOAL_GB = 4000, 2.0
HELD_MAPS = {"ribolm": 0.2, "by layer": 5 * 20, "whole maps": 4 * 120}  # of L · L in fp32 at a time [estimated]
BASES = (15, 13, 17, 19)
EXACT_NT = 500


def make_network(preset: str) -> tuple[Any, Tensor]:
    """A network of random weights and weights for its maps."""
    from ribolm.models.network import new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.token_dropout import use_token_dropout
    from ribolm.sequences.tokenizers import make_tokenizer

    network = new_network(preset_config(preset, make_tokenizer("esm")), None, seed=1).eval()
    use_token_dropout(network, False)
    weights = torch.randn(1, network.config.n_attention_maps, generator=torch.Generator().manual_seed(1))
    return network, weights


def random_rna(length_nt: int) -> Tensor:
    """Tokens of a random RNA between <cls> and <eos>."""
    return torch.from_numpy(np.r_[0, np.random.default_rng(1).choice(BASES, length_nt), 2])


@torch.no_grad()
def ribolm_logits(network: Any, weights: Tensor, tokens: Tensor) -> Tensor:
    """[L, L], streamed."""
    from ribolm.models.attention_features import attention_channels

    return attention_channels(network, tokens, weights)[0]


@torch.no_grad()
def layer_logits(network: Any, weights: Tensor, tokens: Tensor) -> Tensor:
    """[L, L], from the maps of one layer at a time."""
    from ribolm.models.attention_features import corrected_maps
    from ribolm.models.ragged import pack

    total = torch.zeros(len(tokens) - 2, len(tokens) - 2)

    def add(layer: int, _sequence: int, maps: Tensor) -> None:
        of_layer = weights[0, layer * len(maps) : (layer + 1) * len(maps)]
        total.add_(torch.einsum("k,kij->ij", of_layer, corrected_maps(maps[:, 1:-1, 1:-1])))

    network.encoder(pack([tokens.numpy()]), on_attention=add)
    return total


@torch.no_grad()
def whole_logits(network: Any, weights: Tensor, tokens: Tensor) -> Tensor:
    """[L, L], by transformers: probabilities turned back into logits."""
    import transformers

    config = transformers.EsmConfig(**{**network.config.to_dict(), "token_dropout": False})
    peer = transformers.EsmModel._from_config(config, attn_implementation="eager", add_pooling_layer=False).eval()
    state = {name.removeprefix("esm."): value for name, value in network.state_dict().items()}
    state["contact_head.regression.weight"] = weights
    peer.load_state_dict(state, strict=False)
    return peer.predict_contacts(tokens[None], torch.ones(1, len(tokens), dtype=torch.long))[0].double().logit()


FUNCTIONS = {"ribolm": ribolm_logits, "by layer": layer_logits, "whole maps": whole_logits}


def measure_here(arguments: argparse.Namespace) -> None:
    """One contender at one length in this process: prints seconds and peak bytes as JSON."""
    network, weights = make_network(arguments.preset)
    FUNCTIONS[arguments.contender](network, weights, random_rna(20))  # what is done once is not timed
    tokens = random_rna(arguments.lengths[0])
    started_s = time.perf_counter()
    logits = FUNCTIONS[arguments.contender](network, weights, tokens)
    seconds = time.perf_counter() - started_s
    assert torch.isfinite(logits).all()
    print(json.dumps({"seconds": seconds, "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def measured(contender: str, length_nt: int, arguments: argparse.Namespace) -> dict[str, float] | None:
    """The same in a process of its own; the quickest of the rounds. None where the memory would not do."""
    from ribolm.training.machine.memory import available_bytes

    free, _ = available_bytes("cpu")
    if HELD_MAPS[contender] * 4 * length_nt**2 > 0.8 * free:
        return None
    line = [sys.executable, __file__, "--contender", contender, "--lengths", str(length_nt)]
    line += ["--preset", arguments.preset, "--threads", str(arguments.threads)]
    rounds = arguments.rounds if length_nt < GOAL_NT else 1
    found = [json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout) for _ in range(rounds)]
    return min(found, key=lambda one: one["seconds"])


def largest_difference(preset: str) -> float:
    """Of streamed logits from those of whole maps, over the largest of them."""
    network, weights = make_network(preset)
    tokens = random_rna(EXACT_NT)
    ours, theirs = ribolm_logits(network, weights, tokens), layer_logits(network, weights, tokens)
    return float((ours - theirs).abs().max() / theirs.abs().max())


def cells(found: dict[str, float] | None) -> list[str]:
    """Seconds and GB of one measurement."""
    return ["does not fit", ""] if found is None else [f"{found['seconds']:.2f}", f"{found['bytes'] / 1e9:.2f}"]


def report(rows: list[str], difference: float, peak_gb: float | None, arguments: argparse.Namespace) -> str:
    """The page of results."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    verdict = "" if peak_gb is None else f" {GOAL_NT:,} nt took {peak_gb:.2f} GB at most (goal: {GOAL_GB:.0f})."
    head = " | ".join(f"{name}, s | GB" for name in CONTENDERS)
    return "\n".join(
        [
            "# Contacts from attention, streamed and from whole maps",
            "",
            f"`python benchmarks/contacts.py`, {datetime.date.today()}, {platform.machine()}, fp32, threads: "
            f"{arguments.threads}, load {load}, torch {torch.__version__}; preset {arguments.preset}, random weights. "
            f"GB: the largest resident set of the process, libraries included.{verdict} Streamed logits of "
            f"{EXACT_NT} nt differ from those of whole maps by {difference:.1e} of the largest.",
            "",
            f"| nt | {head} |",
            "|--:|" + "--:|" * 2 * len(CONTENDERS),
            *rows,
            "",
        ]
    )


def main() -> None:
    """Measure every contender at every length and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[250, 500, 1000, 2000, 4000, 8000])
    parser.add_argument("--preset", default="8m")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if arguments.contender:
        measure_here(arguments)
        return
    rows, peak_gb = [], None
    for length_nt in arguments.lengths:
        found = {name: measured(name, length_nt, arguments) for name in CONTENDERS}
        if length_nt == GOAL_NT and found["ribolm"]:
            peak_gb = found["ribolm"]["bytes"] / 1e9
        rows.append(
            "| " + " | ".join([f"{length_nt:,}", *(cell for one in found.values() for cell in cells(one))]) + " |"
        )
        print(rows[-1], flush=True)
    arguments.out.write_text(report(rows, largest_difference(arguments.preset), peak_gb, arguments), "utf-8")


if __name__ == "__main__":
    main()
