"""How the default model of secondary structure is made: trained on TR0, everything chosen on VL0.

    python benchmarks/structure_default_model.py --data ../shared/data --scratch /tmp/structure --out MODEL \\
        [--threads 1] [--processes 1] [-- further options of `ribolm-train structure`]

Two rounds, the second from the weights of the first at a lower rate. Stores of TR0 and VL0 (`ribolm-labels
structures`) go to --scratch and are taken from there when they exist; a training goes on where it was stopped. No RNA
of TS0 or ArchiveII is read: benchmarks/structure_score.py scores the model on them, once.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from commands import command

REPOSITORY = Path(__file__).resolve().parents[1]
TRAINING, DEV = "TR0", "VL0"
PRESET, SEED = "mini", 1
ENERGIES = "rna_turner2004,rna_andronescu2007,rna_langdon2018"
RECIPE = (
    "--width", 32, "--map-width", 8, "--side-width", 128, "--side-depth", 4, "--side-kernel", 9,
    "--floor", "0.02", "--tokens-per-step", 1536, "--evaluate-every-steps", 1542,
    "--patience", 50, "--device", "cpu", "--precision", "fp32",
)  # fmt: skip
ROUNDS = ((4.75, "1.5e-3"), (6.5, "1e-3"))  # passes and peak of the rate
LONGEST = {TRAINING: 200, DEV: None}  # nt; a map grows with the square of the length


def store(name: str, data: Path, scratch: Path, processes: int) -> Path:
    """The token store of a set with its pair probabilities."""
    out = scratch / name
    if not (out / "manifest.json").exists():
        known = data / "resm" / f"{name}.dbn.gz"
        longest = [] if LONGEST[name] is None else ["--max-nt", LONGEST[name]]
        words = ["--structures", known, "--out", out, "--energies", ENERGIES, "--processes", processes]
        command("labels", "structures", *words, *longest)
    return out


def train(arguments: argparse.Namespace, stores: Sequence[Path]) -> None:
    """Train on the first store round by round; stop early and choose the way of decoding on the second."""
    start: tuple[object, ...] = ("--preset", arguments.preset)
    for number, (epochs, rate) in enumerate(ROUNDS, start=1):
        out = arguments.out if number == len(ROUNDS) else arguments.scratch / f"round{number}"
        if not (out / "manifest.json").exists():
            words: list[object] = ["--store", stores[0], "--dev", stores[1], "--out", out, *start]
            words += ["--checkpoint-dir", arguments.scratch / "checkpoints-{key}", "--epochs", epochs]
            words += ["--learning-rate", rate, "--seed", arguments.seed, "--processes", arguments.processes]
            command("train", "structure", *words, *RECIPE, *arguments.more)
        start = ("--init", out)


def main() -> None:
    """Make the stores and the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of one process that trains")
    parser.add_argument("--folding", type=int, default=2, help="processes that fold")
    parser.add_argument("--processes", type=int, default=1, help="that train, each with --threads")
    parser.add_argument("--preset", default=PRESET)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("more", nargs="*", help="further options, behind --")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    stores = [store(name, arguments.data, arguments.scratch, arguments.folding) for name in (TRAINING, DEV)]
    train(arguments, stores)


if __name__ == "__main__":
    main()
