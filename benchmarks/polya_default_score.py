"""Scores the default model of poly(A) sites on clusters held out and on mouse, beside what it has to beat.

    python benchmarks/polya_default_score.py --stores DIR --models DIR --out TABLE.md [--aparent2 FILE.h5]

DIR/human, DIR/human.folds.tsv and DIR/mouse are of benchmarks/polya_default_model.py. In --models lie `fold-F` (the
recipe with fold F never seen, for some or all folds) and `final-S` (the recipe on all but the dev fold, each of seeds
of its own). Held-out clusters are scored by the fold models, mouse by the final ones: mean over them, intervals over
families.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from polya_aparent2 import Aparent2  # noqa: E402
from polya_default_model import ANCHOR0, FLANK_NT  # noqa: E402
from ribolm.evaluation.baselines import probability_of  # noqa: E402
from ribolm.evaluation.methods import MODEL, PEER, Method, Scores  # noqa: E402
from ribolm.evaluation.sequence_level.assessment import SequencePlan, difference_rows, measure, method_rows  # noqa: E402
from ribolm.evaluation.sequence_level.examples import Examples, read_examples  # noqa: E402
from ribolm.evaluation.sequence_level.floors import fitted_floors, rule_method  # noqa: E402
from ribolm.inference.calibration import probability  # noqa: E402
from ribolm.inference.sequences import score_windows  # noqa: E402
from ribolm.inference.window_models import forward_of, load_window_model  # noqa: E402
from ribolm.labels.folds import read_folds  # noqa: E402
from ribolm.sequences.store import TokenStore  # noqa: E402

NAME, TASK = "polya-small", "polya"
COLUMNS = ("method", "seeds", "n", "n_sites", "n_clusters", "roc_auc", "average_precision", "accuracy", "f1")
Float64 = npt.NDArray[np.float64]


def logits_of(model: Path, examples: Examples) -> tuple[Float64, Float64]:
    """Uncalibrated logits and calibrated probabilities of windows."""
    assert examples.letters is not None
    loaded = load_window_model(model)
    logits = score_windows(loaded, forward_of(loaded, "cpu"), examples.letters).astype(np.float64)
    return logits, probability(loaded.calibration.apply(logits))


def by_folds(models: Path, examples: Examples) -> Method:
    """Every window by the model that never saw its family; calibrated probabilities compare across folds."""
    score = np.full(len(examples), np.nan)
    for fold in np.unique(examples.fold).tolist():
        rows = np.flatnonzero(examples.fold == fold)
        score[rows] = logits_of(models / f"fold-{fold}", examples.take(rows))[1]
    return Method(NAME, MODEL, (Scores("", score, score),))


def with_models(models: Path, examples: Examples) -> Examples:
    """The windows of the folds that a model has never seen."""
    held = [int(folder.name.split("-")[1]) for folder in models.glob("fold-*")]
    return examples.take(np.flatnonzero(np.isin(examples.fold, held)))


def by_seeds(models: Path, examples: Examples) -> Method:
    """The final models, one set of scores per seed."""
    folders = sorted(models.glob("final-*"))
    found = [Scores(folder.name, *logits_of(folder, examples)) for folder in folders]
    return Method(NAME, MODEL, tuple(found))


def aparent2(weights: Path | None, examples: Examples) -> list[Method]:
    """The peer, where its weights are given."""
    if weights is None:
        return []
    assert examples.letters is not None
    logit = Aparent2(weights).scores(examples.letters, FLANK_NT)
    return [Method("APARENT2", PEER, (Scores("", logit, probability_of(logit)),))]


def table(title: str, examples: Examples, methods: list[Method], plan: SequencePlan) -> str:
    """Two tables as Markdown: the methods, and the paired differences from the model."""
    found = measure(examples, methods, NAME, plan)
    lines = [f"## {title}", "", "| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in method_rows(found):
        lines.append("| " + " | ".join(cell(row, column) for column in COLUMNS) + " |")
    lines += ["", "| polya-small minus | ROC-AUC | 95 % interval |", "|---|---|---|"]
    for row in difference_rows(found):
        if row["metric"] == "roc_auc":
            lines.append(f"| {row['other']} | {row['difference']:+.4f} | {row['low']:+.4f} to {row['high']:+.4f} |")
    return "\n".join([*lines, ""])


def cell(row: dict[str, object], column: str) -> str:
    """One cell, with its interval where it has one."""
    value, low = row[column], row.get(f"{column}_low")
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:.4f}" + (f" ({low:.4f} to {row[f'{column}_high']:.4f})" if isinstance(low, float) else "")


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--aparent2", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    store = TokenStore.open(arguments.stores / "human")
    folds = read_folds(arguments.stores / "human.folds.tsv", store)
    human = read_examples(store, TASK, folds)
    plan = SequencePlan(store, TASK, (), folds=folds, anchor0=None, draws=arguments.draws)
    held = with_models(arguments.models, human)
    methods = [by_folds(arguments.models, held), *fitted_floors(held, human), rule_method(held, ANCHOR0, "hexamer")]
    text = table("Human, families held out", held, [*methods, *aparent2(arguments.aparent2, held)], plan)
    mouse_store = TokenStore.open(arguments.stores / "mouse")
    mouse = read_examples(mouse_store, TASK)
    plan = SequencePlan(mouse_store, TASK, (), anchor0=None, draws=arguments.draws)
    methods = [by_seeds(arguments.models, mouse), *fitted_floors(mouse, human), rule_method(mouse, ANCHOR0, "hexamer")]
    text += "\n" + table("Mouse, trained on human", mouse, [*methods, *aparent2(arguments.aparent2, mouse)], plan)
    arguments.out.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
