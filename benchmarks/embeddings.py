"""Pooled embeddings of RNAs by ribolm beside transformers' EsmModel: same weights, same RNAs, one run.

    python benchmarks/embeddings.py --data ../shared/data

The 8M shape of ESM-2 with random weights, RNAs as long as those of bpRNA's TS0 (letters are random; they do not change
the work), fp32 on the CPU, one process, contenders take turns. `ribolm` is what `ribolm-predict embed` does, from
letters to vectors in the order of the file. transformers (SDPA, given token ids) runs in batches of rows of like length
and in batches as the RNAs come, each with the best of several budgets of tokens, padding included, and batches of like
length also side by side, a thread for each, by ribolm's own function; a mean over the residues follows. Also measured:
the largest difference. Goal: 1.2 times as quick as batches of like length, one after another. Writes
results/embeddings.md; about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "embeddings.md"
BUDGETS = (512, 1024, 4096)
Batch = tuple[np.ndarray, Tensor, Tensor]  # numbers of the rows, token ids, mask


def drawn_records(data: Path, n: int | None) -> list[Any]:
    """Random RNAs of the lengths of TS0, in its order."""
    from ribolm.labels.structure.dot_bracket import read_dot_bracket
    from ribolm.sequences.rna import RnaRecord

    random = np.random.default_rng(1)
    known = read_dot_bracket(data / "resm" / "TS0.dbn.gz")[:n]
    return [RnaRecord(one.name, "".join(random.choice(list("ACGU"), len(one)))) for one in known]


def make_networks(preset: str) -> tuple[Any, Any, Any]:
    """ribolm's network, its tokenizer, and transformers' model with the same weights; token dropout off."""
    import transformers

    from ribolm.models.network import new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.token_dropout import use_token_dropout
    from ribolm.sequences.tokenizers import make_tokenizer

    tokenizer = make_tokenizer("esm")
    network = new_network(preset_config(preset, tokenizer), None, seed=1).eval()
    use_token_dropout(network, False)
    config = transformers.EsmConfig(**{**network.config.to_dict(), "token_dropout": False})
    peer = transformers.EsmModel(config, add_pooling_layer=False).eval()
    peer.load_state_dict({name.removeprefix("esm."): value for name, value in network.state_dict().items()})
    return network, tokenizer, peer


def embed_with_ribolm(network: Any, tokenizer: Any, records: list[Any]) -> np.ndarray:
    """[n, D]: what the command does between reading and writing."""
    from ribolm.inference.embedded_records import embed, embedding_forward, records_to_embed
    from ribolm.models.weights import LoadedModel

    model = LoadedModel(network, tokenizer, None, {}, Path("random"), "")
    forward = embedding_forward(model, "cpu")
    wanted = records_to_embed(model, records, "pooled", False, "fp32")
    return np.concatenate([part.values for part in embed(forward, wanted)])


def padded_batches(rows: list[np.ndarray], budget: int, grouped: bool) -> list[Batch]:
    """Batches of at most `budget` tokens with padding."""
    lengths = np.array([len(row) for row in rows])
    order = np.argsort(-lengths, kind="stable") if grouped else np.arange(len(rows))
    groups: list[list[int]] = [[]]
    for row in order.tolist():
        longest = max((lengths[other] for other in [*groups[-1], row]), default=0)
        if groups[-1] and longest * (len(groups[-1]) + 1) > budget:
            groups.append([])
        groups[-1].append(row)
    found = []
    for group in groups:
        ids = np.full((len(group), lengths[group].max()), 1)
        for place, row in enumerate(group):
            ids[place, : lengths[row]] = rows[row]
        found.append((np.array(group), torch.from_numpy(ids), torch.from_numpy((ids != 1).astype(np.int64))))
    return found


def embed_with_peer(peer: Any, batches: list[Batch], n: int, together: Callable[..., Iterable[Any]]) -> np.ndarray:
    """[n, D] by transformers, means over the residues; `together`: map, or what runs batches side by side."""
    out = np.empty((n, peer.config.hidden_size), dtype=np.float32)

    def means(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        rows, ids, mask = batch
        with torch.inference_mode():
            hidden = peer(ids, attention_mask=mask).last_hidden_state
            inner = (mask * (ids != 0) * (ids != 2))[:, :, None]
            return rows, ((hidden * inner).sum(1) / inner.sum(1)).numpy()

    for rows, values in together(means, batches):
        out[rows] = values
    return out


def contenders(arguments: argparse.Namespace, records: list[Any]) -> dict[str, Callable[[], np.ndarray]]:
    """What is timed, by name."""
    from ribolm.inference.side_by_side import side_by_side

    network, tokenizer, peer = make_networks(arguments.preset)
    letters = [np.frombuffer(record.letters.encode(), dtype=np.uint8) for record in records]
    rows = [np.r_[0, tokenizer.encode(one), 2].astype(np.int64) for one in letters]
    timed: dict[str, Callable[[], np.ndarray]] = {"ribolm": lambda: embed_with_ribolm(network, tokenizer, records)}
    ways = (("grouped", True, map), ("grouped and side by side", True, side_by_side), ("as they come", False, map))
    for name, grouped, together in ways:
        for budget in arguments.budgets:
            step = partial(embed_with_peer, peer, padded_batches(rows, budget, grouped), len(rows), together)
            timed[f"{name}, {budget:,}"] = step
    return timed


def take_turns(timed: dict[str, Callable[[], np.ndarray]], rounds: int) -> tuple[dict[str, list[float]], float]:
    """Seconds of every round by name, and the largest difference from ribolm over the largest value."""
    taken: dict[str, list[float]] = {name: [] for name in timed}
    difference = 0.0
    for round_ in range(rounds):
        values = {}
        for name, step in timed.items():
            started_s = time.perf_counter()
            values[name] = step()
            taken[name].append(time.perf_counter() - started_s)
            print(f"round {round_ + 1}: {name}, {taken[name][-1]:.1f} s", flush=True)
        ours = values["ribolm"]
        difference = max(difference, *(float(np.abs(one - ours).max() / np.abs(ours).max()) for one in values.values()))
    return taken, difference


def report(taken: dict[str, list[float]], difference: float, records: list[Any], arguments: argparse.Namespace) -> str:
    """The page of results."""
    import transformers

    n, n_nt = len(records), sum(len(record.letters) for record in records)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    rows = []
    for name, seconds in taken.items():
        ratios = sorted(one / ours for one, ours in zip(seconds, taken["ribolm"], strict=True))
        shown = "" if name == "ribolm" else f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        who = name if name == "ribolm" else f"EsmModel, {name} tokens"
        rows.append(f"| {who} | {n / min(seconds):,.1f} | {n_nt / min(seconds):,.0f} | {shown} |")
    return "\n".join(
        [
            "# Embeddings beside transformers' EsmModel",
            "",
            f"`python benchmarks/embeddings.py`, {datetime.date.today()}, {platform.machine()}, fp32, threads: "
            f"{torch.get_num_threads()}, load {load}, torch {torch.__version__}, transformers "
            f"{transformers.__version__}; preset {arguments.preset}, random weights, {n:,} RNAs of the lengths of TS0 "
            f"({n_nt:,} nt), {arguments.rounds} rounds in turns. Speed: the best round. Ratio of the seconds to "
            f"ribolm's: median of the rounds (range). Pooled vectors differ by {difference:.1e} of the largest value.",
            "",
            "| who | RNAs/s | nt/s | ratio |",
            "|---|--:|--:|--:|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Time all contenders and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--preset", default="8m")
    parser.add_argument("--n", type=int, help="so many RNAs of TS0 [default: all]")
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    records = drawn_records(arguments.data, arguments.n)
    taken, difference = take_turns(contenders(arguments, records), arguments.rounds)
    arguments.out.write_text(report(taken, difference, records, arguments), "utf-8")


if __name__ == "__main__":
    main()
