"""Makes and scores the default model of ribosome load, assets/models/ribosome-load-small: one command.

    python benchmarks/ribosome_load_default_model.py --out DIR [--data mrl_egfp_m1pseudo_20k.csv.gz] [--jobs 2]

DIR/data holds the store, DIR/folds.tsv a seeded random split: fold 0 (a fifth) is tested once, in the end; fold 1 (4 %
of all) is dev, by which the steps of every training are chosen; the others are trained on. TOWERS trainings, one seed
each, are united into DIR/model, which is the model that is shipped. The control is the same network of which the head
alone was trained. DIR/evaluation holds the numbers, DIR/ribosome-load-small.md the tables. Started again, it goes on
where it was.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
BIN = REPOSITORY / "bin"
DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "resm"
TABLE, TASK, MFE = "mrl_egfp_m1pseudo_20k.csv.gz", "rl", "energy_5utr"
TEST_SHARE, FOLDS, SPLIT_SEED, TOWERS = 0.2, 17, 1, 6
NAME = "ribosome-load-small"
RECIPE = (
    "--task", TASK, "--level", "regression", "--fold", "0", "--preset", "convolution-50", "--device", "cpu",
    "--precision", "fp32", "--epochs", "12", "--learning-rate", "2e-3", "--warmup-share", "0.05", "--floor", "0",
    "--beta2", "0.999", "--huber-delta", "1", "--weight-decay", "0.05", "--tokens-per-step", "6656",
    "--tokens-per-micro-batch", "6656", "--evaluate-every-steps", "120",
)  # fmt: skip
COLUMNS = ("r2", "spearman", "rmse")


def ribolm(verb: str, *arguments: object) -> None:
    """Run a command of ribolm; its notices go to stderr."""
    line = [sys.executable, str(BIN / f"ribolm-{verb}"), *map(str, arguments)]
    subprocess.run(line, check=True, env={**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")})


def prepare(out: Path, table: Path) -> None:
    """The store and the table of folds."""
    columns = ("--sequence", "utr", "--value", TASK, "--value", MFE, "--window", 50)
    if not (out / "data" / "store" / "manifest.json").exists():
        ribolm("labels", "values", "--table", table, *columns, "--out", out / "data")
    if not (out / "folds.tsv").exists():
        folds = ("--by", "random", "--folds", FOLDS, "--test-share", TEST_SHARE, "--seed", SPLIT_SEED)
        ribolm("labels", "folds", "--store", out / "data" / "store", "--out", out / "folds.tsv", *folds)


def train(out: Path, name: str, seed: int, *more: str) -> None:
    """One training, if it was not finished before."""
    if (out / "parts" / name / "manifest.json").exists():
        return
    data = ("--store", out / "data" / "store", "--folds", out / "folds.tsv", "--seed", seed)
    places = ("--checkpoint-dir", out / "checkpoints" / name, "--out", out / "parts" / name)
    ribolm("train", "finetune", *data, *RECIPE, *places, *more)


def models(out: Path, jobs: int) -> None:
    """All trainings, and the model that unites the towers."""
    wanted: list[tuple[Any, ...]] = [(f"tower-{seed}", seed) for seed in range(1, TOWERS + 1)]
    wanted.append(("random", 1, "--head-only"))
    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(train, out, *one) for one in wanted]:
            done.result()
    if not (out / "model" / "manifest.json").exists():
        parts = [text for seed in range(1, TOWERS + 1) for text in ("--model", out / "parts" / f"tower-{seed}")]
        ribolm("weights", "unite", *parts, "--out", out / "model")


def score(out: Path) -> None:
    """Predict the tested fold and evaluate."""
    scores = []
    for name, model in (
        (NAME, out / "model"),
        ("one tower", out / "parts/tower-1"),
        ("random weights", out / "parts/random"),
    ):
        table = out / "scores" / f"{name.replace(' ', '-')}.tsv"
        table.parent.mkdir(exist_ok=True)
        fold = ("--folds", out / "folds.tsv", "--fold", 0)
        ribolm(
            "predict", "sequences", "--model", model, "--sequences", out / "data/sequences.fa", "--out", table, *fold
        )
        scores += ["--scores", f"{name}={table}"]
    what = ("--store", out / "data" / "store", "--task", TASK, "--folds", out / "folds.tsv", "--fold", 0)
    ribolm("evaluate", "values", *what, *scores, "--covariate", MFE, "--outdir", out / "evaluation")


def written(out: Path) -> str:
    """The tables as Markdown."""
    content = json.loads((out / "evaluation" / "metrics.json").read_text("utf-8"))
    rows = content["metrics"]
    lines = []
    for stratum in dict.fromkeys(row["stratum"] for row in rows):
        here = [row for row in rows if row["stratum"] == stratum]
        n, sd = here[0]["n"], here[0]["sd"]
        title = "All sequences of the tested fold" if stratum == "all" else f"Upstream AUG: {stratum}"
        lines += [f"## {title}", "", f"n = {n:,}, standard deviation of the measured load {sd:.3f}.", ""]
        lines += ["| method | R² | Spearman | RMSE |", "|---|---|---|---|"]
        for method in dict.fromkeys(row["method"] for row in here):
            cells = [cell(next(r for r in here if r["method"] == method and r["metric"] == m)) for m in COLUMNS]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [f"## {NAME} minus the others", "", "| other | R² | 95 % interval |", "|---|---|---|"]
    for row in content["differences"]:
        if row["metric"] == "r2":
            lines.append(f"| {row['other']} | {row['difference']:+.3f} | {row['low']:+.3f} to {row['high']:+.3f} |")
    return "\n".join([*lines, ""])


def cell(row: dict[str, Any]) -> str:
    """A value with its interval."""
    if row["value"] is None:
        return "undefined"
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def main() -> None:
    """Make the model and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA / TABLE)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    prepare(out, arguments.data)
    models(out, arguments.jobs)
    score(out)
    (out / f"{NAME}.md").write_text(text := written(out), "utf-8")
    print(text)


if __name__ == "__main__":
    main()
