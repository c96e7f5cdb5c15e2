"""Encoding letters into tokens, beside the tokenizers of transformers and of the tokenizers library; and a corpus.

    python benchmarks/encoding.py --scratch /tmp/ribolm-benchmark

One thread. The encoders take turns on the same random letters; rates are per second of processor time, those of the
best round, ratios the median of the rounds. Then `ribolm-tokenize fasta` writes stores of two sizes from random
sequences of 500 nt, each in a process of its own: what it takes in processor time and resident memory, and what that
means for 22 million sequences. Of memory, the digests of what was seen must grow (16 bytes a sequence, twice that while
they are merged); they are added where the measured growth is smaller. Writes benchmarks/results/encoding.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "encoding.md"
GOAL_NT_PER_S = 300e6
SEQUENCE_NT = 500
DIGESTS_BYTES = 32.0  # of one sequence, while digests are merged
CORPUS = 22_000_000
OURS = {
    "nucleotide": {"kind": "nucleotide"},
    "esm (KDNY)": {"kind": "esm"},
    "3-mers, overlapping": {"kind": "kmer"},
    "6-mers, not overlapping": {"kind": "chunk"},
}


def contenders(n_nt: int, n_peer_nt: int) -> dict[str, tuple[Callable[[], object], int]]:
    """What is timed, and how many letters it reads; the peers read fewer because they take longer."""
    from ribolm.sequences.tokenizers import make_tokenizer

    letters = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", dtype=np.uint8), n_nt)
    found: dict[str, tuple[Callable[[], object], int]] = {}
    for name, options in OURS.items():
        tokenizer = make_tokenizer(**options)  # type: ignore[arg-type]
        some = letters if tokenizer.kind in ("nucleotide", "esm") else letters[: n_nt // 8]
        found[name] = (lambda t=tokenizer, x=some: t.encode(x), len(some))  # type: ignore[misc]
    text = letters[:n_peer_nt].tobytes().decode()
    rows = [text[i : i + SEQUENCE_NT] for i in range(0, len(text), SEQUENCE_NT)]
    esm, rust = peers()
    found["EsmTokenizer (transformers)"] = (lambda: esm(rows, add_special_tokens=False), n_peer_nt)
    found["tokenizers, one letter a token"] = (lambda: rust.encode_batch(rows, add_special_tokens=False), n_peer_nt)
    return found


def peers() -> tuple[Callable[..., object], object]:
    """transformers' ESM tokenizer over our vocabulary, and a letter tokenizer of the tokenizers library."""
    import tempfile

    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import EsmTokenizer

    from ribolm.sequences.tokenizers import make_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join(make_tokenizer("esm").tokens))
        esm = EsmTokenizer(str(path))
    letter = Tokenizer(models.WordLevel({"A": 4, "C": 5, "G": 6, "T": 7, "<unk>": 3}, unk_token="<unk>"))
    letter.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return esm, letter


def time_encoders(n_nt: int, n_peer_nt: int, rounds: int) -> list[str]:
    """Rows of the table of rates."""
    timed = contenders(n_nt, n_peer_nt)
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds + 1):
        for name, (encode, n) in timed.items():
            started_s = time.process_time()
            encode()
            rates[name].append(n / (time.process_time() - started_s))
    rows = []
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(rates["nucleotide"][1:], found[1:], strict=True))
        rows.append(f"| {name} | {max(found[1:]) / 1e6:,.1f} | {ratio:,.1f} |")
        print(rows[-1], flush=True)
    best = max(rates["nucleotide"][1:])
    print(f"goal {GOAL_NT_PER_S / 1e6:.0f} M nt/s: {'met' if best >= GOAL_NT_PER_S else 'NOT MET'}", flush=True)
    return rows


def write_fasta(path: Path, n_sequences: int) -> None:
    """Random sequences, every tenth a repeat of an earlier one."""
    random = np.random.default_rng(2)
    alphabet = np.frombuffer(b"ACGT", dtype=np.uint8)
    earlier: list[bytes] = []
    with path.open("wb") as handle:
        for begin in range(0, n_sequences, 10_000):
            letters = alphabet[random.integers(0, 4, (10_000, SEQUENCE_NT))]
            for i in range(min(10_000, n_sequences - begin)):
                row = earlier[i % 1000] if i % 10 == 9 and earlier else letters[i].tobytes()
                handle.write(b">s%d\n%s\n" % (begin + i, row))
            earlier = earlier or [row.tobytes() for row in letters[:1000]]


def time_corpus(scratch: Path, n_sequences: int) -> tuple[float, float, int]:
    """(processor seconds, peak resident bytes, bytes on disk) of writing a store in a process of its own."""
    fasta, store = scratch / "sequences.fa", scratch / "store"
    write_fasta(fasta, n_sequences)
    command = [sys.executable, str(REPOSITORY / "bin" / "ribolm-tokenize"), "fasta"]
    command += ["--sequences", str(fasta), "--out", str(store)]
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit("ribolm-tokenize failed")
    size = sum(path.stat().st_size for path in store.iterdir())
    for path in store.iterdir():
        path.unlink()
    fasta.unlink()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024.0, size


def measure_corpus(scratch: Path, sizes: list[int]) -> list[str]:
    """Rows of the table of stores, and the extrapolated one."""
    rows, found = [], []
    for n in sizes:
        processor_s, peak, size = time_corpus(scratch, n)
        found.append((n, processor_s, peak, size))
        rows.append(f"| {n:,} | {processor_s:,.0f} | {peak / 1e6:,.0f} | {size / 1e9:,.2f} |")
        print(rows[-1], flush=True)
    (n0, s0, m0, _), (n1, s1, m1, size) = found[0], found[-1]
    seconds, growth = s1 + (CORPUS - n1) * (s1 - s0) / (n1 - n0), (m1 - m0) / (n1 - n0)
    peak, disk = m1 + (CORPUS - n1) * max(growth, DIGESTS_BYTES), size / n1 * CORPUS
    rows.append(f"| *{CORPUS:,} (extrapolated)* | *{seconds:,.0f}* | *{peak / 1e6:,.0f}* | *{disk / 1e9:,.1f}* |")
    rows.append(
        f"\nMeasured growth: {growth:,.0f} bytes of memory per sequence of {SEQUENCE_NT}; the last row adds 32."
    )
    print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--nt", type=int, default=100_000_000)
    parser.add_argument("--peer-nt", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sequences", type=int, nargs=2, default=[250_000, 1_000_000])
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    rates = time_encoders(arguments.nt, arguments.peer_nt, arguments.rounds)
    stores = measure_corpus(arguments.scratch, arguments.sequences)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    page = [
        "# Encoding letters, writing a corpus",
        "",
        f"`python benchmarks/encoding.py`, {datetime.date.today()}, {platform.machine()}, load {load}, numpy "
        f"{np.__version__}; {arguments.nt:,} letters per round ({arguments.peer_nt:,} for the peers), "
        f"{arguments.rounds} rounds in turns.",
        "",
        "| encoder | M nt per processor second, best round | nucleotide is so many times as quick (median) |",
        "|---|--:|--:|",
        *rates,
        "",
        f"Goal: {GOAL_NT_PER_S / 1e6:.0f} M nt/s for single nucleotides.",
        "",
        f"A store of random sequences of {SEQUENCE_NT} nt, every tenth a repeat that is found and left out:",
        "",
        "| sequences read | processor s | peak resident memory, MB | on disk, GB |",
        "|--:|--:|--:|--:|",
        *stores,
        "",
    ]
    RESULT.write_text("\n".join(page), "utf-8")


if __name__ == "__main__":
    main()
