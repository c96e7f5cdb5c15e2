"""ribolm-evaluate tokens: what scores of every base of whole genes are worth."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

SCORES = "Parquet of `ribolm-predict store`; files of one name are its folds, NAME@SEED another seed; repeat."
TOKENS = (
    Spec("store", Path, REQUIRED, "Token store of whole genes with labels per base."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("scores", list[str] | None, None, SCORES, {"metavar": "NAME[@SEED]=FILE"}),
    Spec("task", str, "polya", "Name of the labels in the store."),
    Spec("tolerance", str, "0,5,10,25", "Distances in nt by which a site may be missed, comma-separated."),
    Spec("reference", str, "", "Method that the others are compared with [default: the first]."),
    Spec("draws", int, 1000, "Draws of genes for the intervals.", {"min": 0}),
    Spec("seed", int, 1, "Seed of draws and permutation.", {"min": 0}),
)


def add_tokens(cli: "typer.Typer") -> None:
    """Add `ribolm-evaluate tokens`."""

    def tokens(
        store: Path, outdir: Path, scores: list[str] | None, task: str, tolerance: str, reference: str, draws: int,
        seed: int,
    ) -> None:  # fmt: skip
        """ROC-AUC, average precision and calls of bases, exactly and within tolerances, methods paired over genes."""
        from ribolm.evaluation.score_tables import named_files
        from ribolm.evaluation.token_level.assessment import TokenPlan, assess_tokens
        from ribolm.evaluation.token_level.output import write_token_assessment
        from ribolm.sequences.store import TokenStore

        named = named_files(scores or [], "--scores")
        plan = TokenPlan(TokenStore.open(store), task, named, _distances(tolerance), reference, draws, seed)
        write_token_assessment(outdir, assess_tokens(plan), plan.settings())

    add_command(cli, "tokens", TOKENS, tokens)


def _distances(text: str) -> tuple[int, ...]:
    from ribolm.files import is_whole_number

    words = [word.strip() for word in text.split(",")]
    if not all(map(is_whole_number, words)):
        raise UsageError(f"--tolerance {text}: is no list of whole numbers of nt. Give for instance 0,5,10,25.")
    return tuple(int(word) for word in words)
