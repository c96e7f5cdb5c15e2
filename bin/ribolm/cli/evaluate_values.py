"""ribolm-evaluate values: predicted values against measured ones, beside regressions and gradient boosting."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.evaluation.values.assessment import ValuePlan

SCORES = "Table of `ribolm-predict sequences`; files of one name are its folds, NAME@SEED another seed; repeat."
VALUES = (
    Spec("store", Path, REQUIRED, "Token store with one measured value per sequence."),
    Spec("task", str, REQUIRED, "Name of the values in the store."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("scores", list[str] | None, None, SCORES, {"metavar": "NAME[@SEED]=FILE"}),
    Spec("folds", Path | None, None, "Folds of the store's rows [default: nothing was trained on it]."),
    Spec("fold", int | None, None, "Fold that is scored [default: all].", {"min": 0}),
    Spec("covariate", list[str] | None, None, "Further values of the store that baselines read; repeat."),
    Spec("reference", str, "", "Method that the others are compared with [default: the first]."),
    Spec("baselines", bool, True, "Fit ridge regressions and gradient boosting on the other folds."),
    Spec("draws", int, 1000, "Draws of groups for the intervals.", {"min": 0}),
    Spec("seed", int, 1, "Seed of draws and baselines.", {"min": 0}),
)


def add_values(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def values(outdir: Path, **chosen: Any) -> None:
        """R² and Spearman's correlation with intervals, by upstream AUG, beside one-hot, k-mers and boosting."""
        from ribolm.evaluation.values.assessment import assess_values
        from ribolm.evaluation.values.output import write_value_assessment

        plan = _plan(**chosen)
        write_value_assessment(outdir, assess_values(plan), plan.settings())

    add_command(cli, "values", VALUES, values)


def _plan(
    store: Path,
    scores: list[str] | None,
    folds: Path | None,
    fold: int | None,
    covariate: list[str] | None,
    baselines: bool,
    **words: Any,
) -> "ValuePlan":
    from ribolm.evaluation.score_tables import named_files
    from ribolm.evaluation.values.assessment import ValuePlan
    from ribolm.files import sha256_of
    from ribolm.labels.folds import read_folds
    from ribolm.sequences.store import TokenStore

    if fold is not None and folds is None:
        raise UsageError("--fold needs the --folds of the store.")
    if covariate and not baselines:
        raise UsageError("--covariate has no effect with --no-baselines: nothing reads it. Leave one of them out.")
    opened = TokenStore.open(store)
    return ValuePlan(
        store=opened,
        scores=named_files(scores or [], "--scores"),
        folds=read_folds(folds, opened) if folds else None,
        folds_sha256=sha256_of(folds) if folds else "",
        fold=fold,
        covariates=tuple(covariate or ()),
        fit_baselines=baselines,
        **words,
    )
