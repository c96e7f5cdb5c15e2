"""ribolm-evaluate: what scores of sites and sequences are worth, and what training and test share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.cli.evaluate_families import add_families
from ribolm.cli.evaluate_perplexity import add_perplexity
from ribolm.cli.evaluate_regression import add_regression
from ribolm.cli.evaluate_scan import add_scan
from ribolm.cli.evaluate_sequences import add_few_shot, add_sequences
from ribolm.cli.evaluate_structure import add_structure
from ribolm.cli.evaluate_tokens import add_tokens

if TYPE_CHECKING:
    import typer

SCORES = "Scores of a model over the store; files of one name are its folds, NAME@SEED another seed; repeat."
PEER = "Scores of another tool: parquet, CSV, TSV or BED with chrom, start0, strand, score; repeat."
TRAIN = "Labelled store to fit the baselines on, where the evaluated one was never trained on."
CORPUS = "Token store of pretraining, for the leakage audit; repeat."


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-evaluate."""
    return run(app, argv, "ribolm-evaluate")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (
        _add_sites,
        add_sequences,
        add_tokens,
        add_scan,
        add_regression,
        add_few_shot,
        add_families,
        add_structure,
        add_perplexity,
        _add_leakage,
    ):
        add(cli)
    return cli


def _add_sites(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def sites(
        store: Annotated[Path, Option(help="Token store with the labels of the sites.")],
        scores: Annotated[list[str], Option(metavar="NAME[@SEED]=FILE", help=SCORES)],
        outdir: Annotated[Path, Option(help="Folder for metrics.json and the tables.")],
        task: Annotated[str, Option(help="Name of the labels in the store.")] = "m6a",
        folds: Annotated[Path | None, Option(help="Folds of the store's rows [default: nothing was trained].")] = None,
        peer: Annotated[list[str] | None, Option(metavar="NAME=FILE", help=PEER)] = None,
        train_store: Annotated[Path | None, Option(help=TRAIN)] = None,
        corpus: Annotated[list[Path] | None, Option(help=CORPUS)] = None,
        gtf: Annotated[Path | None, Option(help="Genes: adds metrics per feature where it has CDS rows.")] = None,
        reference: Annotated[str, Option(help="Method that the others are compared with.")] = "",
        baselines: Annotated[bool, Option(help="Fit logistic regression and gradient boosting on k-mers.")] = True,
        leakage: Annotated[bool, Option(help="Compare the sequences of the folds.")] = True,
        draws: Annotated[int, Option(min=0, help="Draws of genes for the intervals.")] = 1000,
        seed: Annotated[int, Option(min=0, help="Seed of draws, permutation and baselines.")] = 1,
    ) -> None:
        """Average precision, ROC-AUC, precision at recall and calibration in three universes, beside the floors."""
        from ribolm.evaluation.assessment import assess
        from ribolm.evaluation.output import write_assessment
        from ribolm.evaluation.plan import read_plan

        words = {"task": task, "reference": reference, "draws": draws, "seed": seed}
        switches = {"fit_baselines": baselines, "audit_leakage": leakage}
        plan = read_plan(store, folds, scores, peer or [], train_store, corpus or [], gtf, **words, **switches)
        write_assessment(outdir, assess(plan), plan.settings())


def _add_leakage(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def leakage(
        train: Annotated[Path, Option(help="Token store that is trained on.")],
        test: Annotated[Path, Option(help="Token store that is tested.")],
        out: Annotated[Path, Option(help="Table to write (leakage.tsv).")],
        task: Annotated[str, Option(help="Labels whose sites are compared, where both have them.")] = "m6a",
        remove: Annotated[Path | None, Option(help="Store to write: --train without what it shares.")] = None,
        check: Annotated[
            list[str] | None, Option(help="sites, intervals, genes, kmers or identity [default: all]; repeat.")
        ] = None,
    ) -> None:
        """What two stores share: sites, intervals, genes, exact 51-mers, near-identical windows."""
        from ribolm.evaluation.leakage import CHECKS
        from ribolm.evaluation.plan import compare_stores

        compare_stores(train, test, task, out, remove, check or list(CHECKS))
