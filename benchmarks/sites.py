"""Site prediction: whole transcripts in one pass, beside one window of 501 nt for each candidate, same encoder.

    python benchmarks/sites.py --scratch /tmp/ribolm-benchmark --data ../shared/data [--deepsramp WEIGHTS]

Transcripts have the lengths of the real genes of chr22 (m6a/ref) and random letters; weights are random too, neither
changes the work. ribolm is timed as it runs: reading the FASTA, tiles of 510 nt with 128 nt overlap, contexts,
stitching and both output files. The windows get batches of eight and score their middle alone; they are timed on a
sample of the candidates, nothing else counted against them. Contenders take turns; processor time is counted. With
--deepsramp, deepSRAMP's sequence-only network is timed on its own windows of 801 nt. Writes
benchmarks/results/sites.md.
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
from pathlib import Path
from typing import Any

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "sites.md"
WINDOW_NT = 501
ROWS = 8
UNIVERSES = ("adenosine", "drach")


def transcripts(data: Path, total_nt: int) -> list[np.ndarray]:
    """Random letters in real transcript lengths, about `total_nt` together."""
    from ribolm.genome.annotation import read_gtf
    from ribolm.genome.exon_space import build_exon_space

    lengths = build_exon_space(read_gtf(data / "m6a/ref/hg38_chr22_10.5-26M.gtf.gz")).length_nt
    random = np.random.default_rng(1)
    chosen = random.permutation(lengths)
    n = max(1, int(np.searchsorted(np.cumsum(chosen), total_nt)))
    return [random.choice(np.frombuffer(b"ACGT", dtype=np.uint8), length) for length in chosen[:n].tolist()]


def candidates(letters: np.ndarray, universe: str) -> np.ndarray:
    """Positions of the candidates of one transcript."""
    from ribolm.alphabet import DRACH_A_OFFSET, motif_starts

    if universe == "drach":
        return motif_starts(letters) + DRACH_A_OFFSET
    return np.flatnonzero(letters == ord("A"))


def model_folder(preset: str, folder: Path) -> Path:
    """A model of sites with random weights."""
    from ribolm.models.heads import HeadSpec
    from ribolm.models.network import new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.weights import save_model
    from ribolm.sequences.tokenizers import make_tokenizer

    tokenizer = make_tokenizer()
    network = new_network(preset_config(preset, tokenizer), HeadSpec("token"), seed=1)
    task = {"task": "m6a_sites", "level": "token", "labels": ["m6a"], "window_nt": 510, "overlap_nt": 128}
    return save_model(folder, network, tokenizer, task)


def one_pass(model: Path, fasta: Path, universe: str, scratch: Path) -> Callable[[], None]:
    """ribolm's way, as its command does it once everything is imported."""
    from ribolm.inference.batches import Forward
    from ribolm.inference.calls import write_bed, write_table
    from ribolm.inference.ensemble import load_ensemble
    from ribolm.inference.sites import choose_places, predict_sites

    def run() -> None:
        ensemble = load_ensemble([model])
        forward = Forward.prepare((ensemble.models[0].network,), ensemble.tokenizer, "cpu")
        calls = predict_sites(ensemble, forward, choose_places(ensemble, None, None, fasta, None), universe)
        write_bed(scratch / "sites.bed", calls)
        write_table(scratch / "sites.parquet", calls, {})

    return run


def window_each(model: Path, rows: list[np.ndarray], centres: list[int]) -> Callable[[], None]:
    """The windows' way: `rows` are transcripts, one for each centre."""
    from ribolm.models.ragged import pack
    from ribolm.models.weights import load_model

    loaded = load_model(model)
    half = WINDOW_NT // 2
    windows = []
    for letters, centre in zip(rows, centres, strict=True):
        low = max(0, centre - half)
        ids = loaded.tokenizer.encode(letters[low : centre + half + 1])
        windows.append((np.r_[loaded.tokenizer.cls_id, ids, loaded.tokenizer.eos_id], centre - low + 1))
    windows.sort(key=lambda pair: -len(pair[0]))

    @torch.inference_mode()
    def run() -> None:
        for begin in range(0, len(windows), ROWS):
            some = windows[begin : begin + ROWS]
            batch = pack([ids for ids, _ in some])
            middle = batch.cu_seqlens[:-1].long() + torch.tensor([place for _, place in some])
            loaded.network(batch, middle)

    return run


def deepsramp_each(weights: Path, rows: list[np.ndarray], centres: list[int]) -> tuple[Callable[[], None], int]:
    """deepSRAMP's way, and its number of parameters."""
    from deepsramp import read, windows

    network = read(weights)
    ids = torch.cat([windows(letters, np.array([centre])) for letters, centre in zip(rows, centres, strict=True)])

    @torch.inference_mode()
    def run() -> None:
        for begin in range(0, len(ids), 64):
            network(ids[begin : begin + 64])

    return run, sum(parameter.numel() for parameter in network.parameters())


def seconds(run: Callable[[], None]) -> float:
    """Processor seconds of one run, which other work on the machine does not lengthen."""
    started_s = time.process_time()
    run()
    return time.process_time() - started_s


def measure(preset: str, universe: str, arguments: argparse.Namespace) -> list[str]:
    """Table rows of one preset and universe."""
    scratch = arguments.scratch
    letters = transcripts(arguments.data, arguments.nt)
    fasta = scratch / "transcripts.fa"
    fasta.write_text("".join(f">t{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(letters)))
    everything = [(row, int(at)) for row in letters for at in candidates(row, universe)]
    picked = np.random.default_rng(2).choice(len(everything), min(arguments.windows, len(everything)), replace=False)
    sample = [everything[i] for i in picked]
    rows, centres = [row for row, _ in sample], [at for _, at in sample]
    model = model_folder(preset, scratch / f"model-{preset}")
    timed: dict[str, tuple[Callable[[], Any], int]] = {
        "one pass": (one_pass(model, fasta, universe, scratch), len(everything)),
        "a window each": (window_each(model, rows, centres), len(sample)),
    }
    if arguments.deepsramp:
        run, n_parameters = deepsramp_each(arguments.deepsramp, rows[:128], centres[:128])
        timed[f"deepSRAMP ({n_parameters:,} parameters)"] = run, len(rows[:128])
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(arguments.rounds):
        for name, (run, n) in timed.items():
            rates[name].append(n / seconds(run))
    found = []
    for name, rate in rates.items():
        ratio = sorted(a / b for a, b in zip(rates["one pass"], rate, strict=True))
        shown = "" if name == "one pass" else f"**{statistics.median(ratio):.1f}** ({ratio[0]:.1f}-{ratio[-1]:.1f})"
        found.append(f"| {preset} | {universe} | {name} | {timed[name][1]:,} | {max(rate):,.0f} | {shown} |")
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--deepsramp", type=Path, help="Weights of deepSRAMP's seqonly_400 model.")
    parser.add_argument("--presets", nargs="+", default=["small"])
    parser.add_argument("--nt", type=int, default=60_000)
    parser.add_argument("--windows", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    rows = [
        row for preset in arguments.presets for universe in UNIVERSES for row in measure(preset, universe, arguments)
    ]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    page = [
        "# Whole transcripts in one pass, and one window for each candidate",
        "",
        f"`python benchmarks/sites.py`, {datetime.date.today()}, {platform.machine()}, {arguments.threads} threads, "
        f"fp32, load {load}, torch {torch.__version__}; {arguments.nt:,} nt of transcripts, {arguments.rounds} "
        "rounds in turns. Sites per second of processor time: the best round. Ratio: how many times as quick one pass "
        "is, median of the rounds (range).",
        "",
        "| preset | candidates | way | sites timed | sites per processor second | one pass is so many times as quick |",
        "|---|---|---|--:|--:|--:|",
        *rows,
        "",
    ]
    RESULT.write_text("\n".join(page), "utf-8")


if __name__ == "__main__":
    main()
