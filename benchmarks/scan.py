"""The search for candidate poly(A) sites: the kernel beside other ways to the same anchors, the commands, their memory.

    python benchmarks/scan.py --scratch /tmp/ribolm-benchmark [--fasta chr22.fa.gz] [--seqkit seqkit]

One thread; rates are per second of processor time, those of the best round, ratios the median of the rounds, in which
all take turns on the letters of one encoded memory map: the N-free letters of --fasta, repeated, or random ones.
Python's `re` and numpy masks give the same anchors, which is asserted. `seqkit locate` (where it is found) looks for
one motif on both strands of a FASTA file of the same letters. Then `ribolm-predict candidates` and `scan` run in
processes of their own on one chromosome; their peak resident memory may be that of the encoded genome and 1 GB.
Writes benchmarks/results/scan.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "scan.md"
GOAL_MB_PER_S = 800.0
ROOM_BYTES = 1 << 30
CHUNK_NT = 1 << 22
LINE_NT = 60
Letters = np.ndarray
STARTER = """
import os, subprocess, sys
with open(sys.argv[1], "wb") as out:
    child = subprocess.Popen(sys.argv[2:], stdout=out, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def encoded(scratch: Path, fasta: Path | None, n_nt: int) -> Letters:
    """A memory map of `n_nt` upper-case letters without N."""
    if fasta is None:
        random = np.random.default_rng(1)
        letters = np.frombuffer(b"AAATTTCCGG", dtype=np.uint8)[random.integers(0, 10, n_nt)]
    else:
        from ribolm.genome.fasta import Genome

        real = Genome.open(fasta).data
        letters = np.resize(real[real != ord("N")], n_nt)
    letters.tofile(scratch / "letters.bin")
    return np.memmap(scratch / "letters.bin", dtype=np.uint8, mode="r")


def kernel(letters: Letters) -> np.ndarray:
    """Anchors of both strands by the kernel: place for +, its complement for -."""
    from ribolm.candidates.hexamers import CandidateRule
    from ribolm.candidates.planes import Workspace
    from ribolm.candidates.tables import Tables

    rule = CandidateRule()
    tables, chunk_nt, parts = Tables.of(rule), 1 << 20, []
    workspace = Workspace(chunk_nt + 2 * rule.flank_nt)
    for begin in range(0, len(letters), chunk_nt):
        low, high = max(begin - rule.flank_nt, 0), min(begin + chunk_nt + rule.flank_nt, len(letters))
        places = workspace.find(letters[low:high], tables)
        parts.append(np.where(places < 0, places.astype(np.int64) - low, places.astype(np.int64) + low))
    return np.concatenate(parts)


def named(letters: Letters) -> np.ndarray:
    """The same with the name of every candidate."""
    from ribolm.candidates.search import find_candidates

    found = find_candidates(letters)
    return np.where(found.strand > 0, found.anchor0, ~found.anchor0)


def chunks(n_nt: int) -> list[tuple[int, int, int, int]]:
    """(first letter read, last, first anchor, last) of every chunk of the peers."""
    return [
        (max(first - 50, 0), min(first + CHUNK_NT + 50, n_nt), first, min(first + CHUNK_NT, n_nt))
        for first in range(0, n_nt, CHUNK_NT)
    ]


def anchors_of_starts(text: Letters, plus: np.ndarray, minus: np.ndarray) -> np.ndarray:
    """Anchors of a stretch of letters from bool masks of the places where hexamers begin, by numpy."""
    n = len(text)
    known = np.r_[0, np.cumsum(text == ord("N"))]
    free = np.zeros(n, dtype=bool)
    if n > 100:
        free[50 : n - 50] = known[101:] == known[:-101]
    reach_plus, reach_minus = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for d in range(10, 36):
        reach_plus[d:] |= plus[: n - d]
        reach_minus[: n - d + 5] |= minus[d - 5 :]
    before = np.zeros(n, dtype=bool)
    before[1:] = (text[:-1] == ord("C")) | (text[:-1] == ord("G"))
    behind = np.zeros(n, dtype=bool)
    behind[:-1] = (text[1:] == ord("C")) | (text[1:] == ord("G"))
    on_plus = (text == ord("A")) & before & reach_plus & free
    on_minus = (text == ord("T")) & behind & reach_minus & free
    places = np.flatnonzero(on_plus | on_minus)
    return np.where(on_plus[places], places, ~places)


def in_chunks(letters: Letters, starts: Callable[[Letters], tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Anchors of all chunks."""
    parts = []
    for low, high, first, last in chunks(len(letters)):
        text = np.asarray(letters[low:high])
        found = anchors_of_starts(text, *starts(text))
        place = np.where(found < 0, ~found, found) + low
        kept = (place >= first) & (place < last)
        parts.append(np.where(found < 0, ~place, place)[kept])
    return np.concatenate(parts)


def numpy_masks(letters: Letters) -> np.ndarray:
    """The anchors by comparisons of shifted arrays."""
    from ribolm.candidates.hexamers import HEXAMERS, reversed_hexamers

    def starts(text: Letters) -> tuple[np.ndarray, np.ndarray]:
        is_base = {base: text == ord(base) for base in "ACGT"}
        found = []
        for motifs in (HEXAMERS, reversed_hexamers(HEXAMERS)):
            mask = np.zeros(len(text), dtype=bool)
            for motif in motifs:
                hit = is_base[motif[0]][: len(text) - 5].copy()
                for k in range(1, 6):
                    hit &= is_base[motif[k]][k : len(text) - 5 + k]
                mask[: len(text) - 5] |= hit
            found.append(mask)
        return found[0], found[1]

    return in_chunks(letters, starts)


def regular_expressions(letters: Letters) -> np.ndarray:
    """The anchors by Python's `re`: one pattern with all hexamers of a strand, overlapping matches kept."""
    from ribolm.candidates.hexamers import HEXAMERS, reversed_hexamers

    patterns = [re.compile(f"(?=({'|'.join(motifs)}))".encode()) for motifs in (HEXAMERS, reversed_hexamers(HEXAMERS))]

    def starts(text: Letters) -> tuple[np.ndarray, np.ndarray]:
        raw, found = text.tobytes(), []
        for pattern in patterns:
            mask = np.zeros(len(text), dtype=bool)
            mask[[match.start() for match in pattern.finditer(raw)]] = True
            found.append(mask)
        return found[0], found[1]

    return in_chunks(letters, starts)


def time_searches(letters: Letters, peer_nt: int, rounds: int) -> list[str]:
    """Rows of the table of rates; the slow peers read the first `peer_nt` letters."""
    few = letters[:peer_nt]
    timed: dict[str, tuple[Callable[[Letters], np.ndarray], Letters]] = {
        "kernel, both strands": (kernel, letters),
        "kernel and names": (named, letters),
        "numpy masks": (numpy_masks, few),
        "Python `re`": (regular_expressions, few),
    }
    expected = kernel(few)
    for name, (search, _) in timed.items():
        if not np.array_equal(search(few), expected):
            raise SystemExit(f"{name} gives other anchors than the kernel")
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, (search, text) in timed.items():
            started_s = time.process_time()
            search(text)
            rates[name].append(len(text) / 1e6 / (time.process_time() - started_s))
    first = rates["kernel, both strands"]
    rows = []
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(first, found, strict=True))
        rows.append(f"| {name} | {len(timed[name][1]) / 1e6:,.0f} | {max(found):,.0f} | {ratio:,.1f} |")
        print(rows[-1], flush=True)
    print(f"goal {GOAL_MB_PER_S:.0f} MB/s: {'met' if max(first) >= GOAL_MB_PER_S else 'NOT MET'}", flush=True)
    return rows


def write_fasta(path: Path, letters: Letters) -> None:
    """One record, lines of 60 letters."""
    whole = len(letters) // LINE_NT * LINE_NT
    lines = np.full((whole // LINE_NT, LINE_NT + 1), ord("\n"), dtype=np.uint8)
    lines[:, :LINE_NT] = np.asarray(letters[:whole]).reshape(-1, LINE_NT)
    path.write_bytes(b">chrom\n" + lines.tobytes())


def run(command: list[str], out: Path | None = None) -> tuple[float, float]:
    """(processor seconds, peak resident bytes) of a process of its own.

    A small process starts it: Linux counts the memory of the process that forks to the peak of the one it starts.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-c", STARTER, str(out or os.devnull), *command]
    told = subprocess.run(line, stdout=subprocess.PIPE, text=True, env=environment, check=True).stdout.split()
    if told[0] != "0":
        raise SystemExit(f"{' '.join(command)} failed")
    return float(told[1]), float(told[2]) * 1024.0


def time_commands(scratch: Path, letters: Letters, n_scored: int, seqkit: str | None) -> list[str]:
    """Rows of the table of commands on one chromosome of all letters."""
    fasta, bed = scratch / "chromosome.fa", scratch / "candidates.bed.gz"
    write_fasta(fasta, letters)
    predict = [sys.executable, str(REPOSITORY / "bin" / "ribolm-predict")]
    find = [*predict, "candidates", "--fasta", str(fasta), "--out", str(bed)]
    run([*predict, "candidates", "--fasta", str(small_fasta(scratch)), "--out", str(bed)])  # compiles
    rows = [_row("`ribolm-predict candidates`: 18 hexamers, named, BED", run(find), len(letters))]
    model, few = tiny_model(scratch), scratch / "some.bed"
    import gzip

    with gzip.open(bed, "rt") as handle, few.open("w") as kept:
        kept.writelines(line for _, line in zip(range(n_scored), handle, strict=False))
    scan = [*predict, "scan", "--model", str(model), "--fasta", str(fasta), "--candidates", str(few)]
    scan += ["--out", str(scratch / "scored.parquet"), "--device", "cpu", "--threads", "1"]
    rows.append(_row(f"`ribolm-predict scan`: {n_scored:,} candidates, tiny model", run(scan), len(letters)))
    program = shutil.which(seqkit or "seqkit")
    if program:
        locate = [program, "locate", "-j", "1", "-p", "AATAAA", "--bed", str(fasta)]
        rows.append(_row("`seqkit locate`: one hexamer, BED", run(locate, scratch / "seqkit.bed"), len(letters)))
    else:
        print("seqkit is not here: left out", flush=True)
    for path in (fasta, bed, few, scratch / "letters.bin"):
        path.unlink()
    return rows


def _row(name: str, used: tuple[float, float], n_nt: int) -> str:
    processor_s, peak = used
    beyond = peak - n_nt
    row = f"| {name} | {processor_s:,.1f} | {n_nt / 1e6 / processor_s:,.0f} | {peak / 1e6:,.0f} | {beyond / 1e6:,.0f} |"
    print(row, flush=True)
    if name.startswith("`ribolm") and beyond > ROOM_BYTES:
        print(f"NOT MET: {beyond / 1e6:,.0f} MB beyond the encoded genome", flush=True)
    return row


def small_fasta(scratch: Path) -> Path:
    """A record of one window, so that kernels are compiled before a command is timed."""
    path = scratch / "small.fa"
    path.write_text(">a\n" + "G" * 50 + "AATAAA" + "T" * 13 + "CA" + "G" * 60 + "\n")
    return path


def tiny_model(scratch: Path) -> Path:
    """A model of windows with random weights."""
    from ribolm.models.heads import HeadSpec
    from ribolm.models.network import new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.weights import save_model
    from ribolm.sequences.tokenizers import make_tokenizer

    tokenizer = make_tokenizer("nucleotide")
    task = {
        "task": "polya", "level": "sequence", "labels": ["polya"], "window_nt": 101, "anchor": "cleavage",
        "anchor_offset0": 50, "pooling": "mean", "padding": "N",
    }  # fmt: skip
    network = new_network(preset_config("tiny", tokenizer), HeadSpec("sequence", 1, "mean"), 1)
    return save_model(scratch / "model", network, tokenizer, task)


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--fasta", type=Path)
    parser.add_argument("--nt", type=int, default=200_000_000)
    parser.add_argument("--peer-nt", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scored", type=int, default=100_000)
    parser.add_argument("--seqkit", help="the program [default: that on PATH]")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    letters = encoded(arguments.scratch, arguments.fasta, arguments.nt)
    rates = time_searches(letters, arguments.peer_nt, arguments.rounds)
    commands = time_commands(arguments.scratch, letters, arguments.scored, arguments.seqkit)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    source = f"letters of {arguments.fasta.name}, repeated" if arguments.fasta else "random letters"
    page = [
        "# Searching a genome for candidate poly(A) sites",
        "",
        f"`python benchmarks/scan.py`, {datetime.date.today()}, {platform.machine()}, load {load}, numpy "
        f"{np.__version__}; {arguments.nt:,} {source}, one thread, {arguments.rounds} rounds in turns, processor time. "
        "All ways of the first table give the same anchors.",
        "",
        "| search | letters, M | MB per second, best round | the kernel is so many times as quick (median) |",
        "|---|--:|--:|--:|",
        *rates,
        "",
        f"Goal: {GOAL_MB_PER_S:.0f} MB/s for the kernel, both strands.",
        "",
        "Commands on one chromosome of these letters, each a process of its own:",
        "",
        "| command | processor s | MB per second | peak memory, MB | beyond the encoded genome, MB |",
        "|---|--:|--:|--:|--:|",
        *commands,
        "",
        f"Goal: at most {ROOM_BYTES / 1e6:,.0f} MB beyond the encoded genome for ours.",
        "",
    ]
    RESULT.write_text("\n".join(page), "utf-8")


if __name__ == "__main__":
    main()
