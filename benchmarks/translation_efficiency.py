"""How much of translation efficiency and expression 5'UTRs tell: folds of whole genes beside random ones.

    python benchmarks/translation_efficiency.py --out DIR [--data muscle_utr_te.fasta.gz] [--folds 5]

1,015 transcripts of 250 genes share most of their sequence with others of their gene: random folds test what was learnt
by heart; both are printed, and only the grouped ones mean something. Arms: the baselines of `ribolm-evaluate
values` on whole sequences, the default model of ribosome load as it is and trained on (all weights, the head alone) on
the last 50 nt, and a head on random weights. DIR/translation-efficiency.md holds the table.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

from ribosome_load_default_model import DATA, NAME, cell, ribolm  # noqa: E402

FASTA, GROUP = "muscle_utr_te.fasta.gz", "geneName"
TASKS = {"te": "translation efficiency", "rnaseq_rpkm": "expression (RPKM)"}
SPLITS = {"gene": "whole genes", "random": "random"}
DEFAULT = REPOSITORY / "assets" / "models" / NAME
TRAINING = (
    "--level", "regression", "--device", "cpu", "--precision", "fp32", "--epochs", "8", "--floor", "0",
    "--weight-decay", "0.05", "--tokens-per-step", "1664", "--evaluate-every-steps", "20", "--seed", "1",
)  # fmt: skip
ARMS: dict[str, tuple[object, ...]] = {
    f"{NAME}, all weights trained": ("--init", DEFAULT, "--learning-rate", "3e-4"),
    f"{NAME}, head trained": ("--init", DEFAULT, "--learning-rate", "1e-3", "--head-only"),
    "random weights, head trained": ("--preset", "convolution-50", "--learning-rate", "1e-3", "--head-only"),
}


def stores(out: Path, fasta: Path, n_folds: int) -> None:
    """Whole sequences for the baselines, their last 50 nt for the networks, both splits of the former."""
    values = [text for task in TASKS for text in ("--value", task)]
    for name, more in (("whole", ()), ("last50", ("--window", 50))):
        if not (out / name / "store" / "manifest.json").exists():
            about = ("--sequences", fasta, *values, "--group", GROUP, "--transform", "log")
            ribolm("labels", "values", *about, *more, "--out", out / name)
    for split in SPLITS:
        if not (out / f"{split}.tsv").exists():
            ribolm(
                "labels", "folds", "--store", out / "whole/store", "--by", split, "--folds", n_folds,
                "--out", out / f"{split}.tsv",
            )  # fmt: skip


def predicted(out: Path, task: str, split: str, arm: str, fold: int) -> Path:
    """Values of one fold by a model that was trained without it."""
    place = out / task / split / arm.replace(",", "").replace(" ", "-") / str(fold)
    table = place / "values.tsv"
    if not table.exists():
        folds = ("--folds", out / f"{split}.tsv", "--fold", fold)
        train = ("--store", out / "last50/store", "--task", task, *folds, *TRAINING, *ARMS[arm])
        ribolm("train", "finetune", *train, "--checkpoint-dir", place / "checkpoints", "--out", place / "model")
        sequences = ("--sequences", out / "last50/sequences.fa", "--out", table)
        ribolm("predict", "sequences", "--model", place / "model", *sequences, *folds)
    return table


def evaluate(out: Path, task: str, split: str, n_folds: int) -> Path:
    """The numbers of all arms under one split."""
    folder = out / "evaluation" / f"{task}.{split}"
    if not (folder / "metrics.json").exists():
        scores = ["--scores", f"{NAME} as it is={out / 'as_it_is.tsv'}"]
        for arm in ARMS:
            for fold in range(n_folds):
                scores += ["--scores", f"{arm}={predicted(out, task, split, arm, fold)}"]
        what = ("--store", out / "whole/store", "--task", task, "--folds", out / f"{split}.tsv")
        ribolm("evaluate", "values", *what, *scores, "--outdir", folder)
    return folder / "metrics.json"


def table(task: str, files: dict[str, Path]) -> str:
    """Spearman's correlation of every method under both splits, as Markdown."""
    found: dict[str, dict[str, Any]] = {}
    for split, path in files.items():
        for row in json.loads(path.read_text("utf-8"))["metrics"]:
            if row["metric"] == "spearman" and row["stratum"] == "all":
                found.setdefault(row["method"], {})[split] = row
    first = next(iter(found.values()))["gene"]
    title = TASKS[task][0].upper() + TASKS[task][1:]
    lines = [f"## {title}", "", f"n = {first['n']:,}, {first['n_clusters']:,} groups.", ""]
    lines += ["| method | Spearman, folds of whole genes | Spearman, random folds |", "|---|---|---|"]
    lines += [f"| {name} | {cell(rows['gene'])} | {cell(rows['random'])} |" for name, rows in found.items()]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA / FASTA)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    stores(out, arguments.data, arguments.folds)
    if not (out / "as_it_is.tsv").exists():
        sequences = ("--sequences", out / "whole/sequences.fa", "--out", out / "as_it_is.tsv")
        ribolm("predict", "sequences", "--model", DEFAULT, *sequences)
    texts = []
    for task in TASKS:
        texts.append(table(task, {split: evaluate(out, task, split, arguments.folds) for split in SPLITS}))
    (out / "translation-efficiency.md").write_text(text := "\n".join(texts), "utf-8")
    print(text)


if __name__ == "__main__":
    main()
