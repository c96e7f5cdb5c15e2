"""ribolm-predict: trained models applied to genomes, sequences and token stores."""

import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, Universe, add_command, new_app, run
from ribolm.cli.inputs import require_inputs
from ribolm.cli.predict_contacts import add_contacts
from ribolm.cli.predict_embed import add_embed
from ribolm.cli.predict_folding import add_folding
from ribolm.cli.predict_interactions import add_interactions
from ribolm.cli.predict_merge import add_merge
from ribolm.cli.predict_polya import add_polya
from ribolm.cli.predict_scan import add_scan
from ribolm.cli.predict_structure import add_structure
from ribolm.cli.predict_variants import add_variants
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.inference.batches import Forward
    from ribolm.inference.ensemble import Ensemble


class Precision(StrEnum):
    """Number format of matrix products."""

    fp32 = "fp32"
    bf16 = "bf16"


MAX_TOKENS = 1 << 24  # more than any card takes at a time
MAX_THREADS = 1024  # beyond some thousand torch dies without a word
MODEL = Spec("model", list[Path] | None, None, "Model folder; repeat for the mean of several.")
UNIVERSE = Spec("universe", Universe, Universe.drach, "Positions to score.")
COMPUTING = (
    Spec("device", Device, Device.auto, "Where to compute."),
    Spec("precision", Precision, Precision.fp32, "Matrix products; bf16 moves logits by about 0.01."),
    Spec("tokens_per_batch", int | None, None, "Tokens at a time [default: by device].", {"min": 1, "max": MAX_TOKENS}),
    Spec("threads", int | None, None, "CPU threads [default: all that are allowed].", {"min": 1, "max": MAX_THREADS}),
)
SITES = (
    Spec("out", Path, REQUIRED, "BED to write: BED6, probability, logit, context."),
    MODEL,
    Spec("bed", Path | None, None, "Peaks to search: BED3 to BED12."),
    Spec("gtf", Path | None, None, "Genes: all are searched; with --bed, peaks are read spliced."),
    Spec("sequences", Path | None, None, "FASTA whose records are searched."),
    Spec("fasta", Path | None, None, "Genome of --bed and --gtf: plain or gzip FASTA."),
    UNIVERSE,
    Spec("threshold", float | None, None, "Least probability [default: all].", {"min": 0, "max": 1}),
    Spec("table", Path | None, None, "Parquet to write as well."),
    *COMPUTING,
)
STORE = (
    Spec("store", Path, REQUIRED, "Token store whose rows have places."),
    Spec("out", Path, REQUIRED, "Parquet to write: one row per place."),
    MODEL,
    Spec("folds", Path | None, None, "folds.tsv of the store."),
    Spec("fold", int | None, None, "Fold whose rows are scored [default: all rows].", {"min": 0}),
    UNIVERSE,
    *COMPUTING,
)


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-predict."""
    return run(app, argv, "ribolm-predict")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_sites, _add_store):
        add(cli)
    add_polya(cli, COMPUTING)
    add_scan(cli, COMPUTING)
    add_variants(cli, COMPUTING, _prepare)
    add_merge(cli, COMPUTING)
    add_structure(cli, COMPUTING)
    add_embed(cli, COMPUTING)
    add_contacts(cli, COMPUTING)
    add_interactions(cli, COMPUTING)
    add_folding(cli)
    return cli


def _prepare(
    models: list[Path] | None, device: Device, precision: Precision, tokens_per_batch: int | None, threads: int | None
) -> "tuple[Ensemble, Forward]":
    import torch

    from ribolm.inference.batches import Forward
    from ribolm.inference.ensemble import load_ensemble

    if threads is not None:
        torch.set_num_threads(threads)
    ensemble = load_ensemble(models or [])
    networks = tuple(model.network for model in ensemble.models)
    return ensemble, Forward.prepare(networks, ensemble.tokenizer, device.value, precision.value, tokens_per_batch)


def _add_sites(cli: "typer.Typer") -> None:
    def sites(
        out: Path,
        model: list[Path] | None,
        bed: Path | None,
        gtf: Path | None,
        sequences: Path | None,
        fasta: Path | None,
        universe: Universe,
        threshold: float | None,
        table: Path | None,
        **computing: Any,
    ) -> None:
        """Score every candidate under peaks, in genes or in sequences."""
        require_inputs(out, (bed, gtf, sequences, fasta), table)
        from ribolm.inference.first_look import look_at_inputs

        look_at_inputs(model or [], bed, gtf, sequences, fasta)  # before torch is imported: told at once
        from ribolm.inference.calls import write_bed, write_table
        from ribolm.inference.sites import call_provenance, choose_places, predict_sites

        ensemble, forward = _prepare(model, **computing)
        where = choose_places(ensemble, bed, gtf, sequences, fasta)
        calls = predict_sites(ensemble, forward, where, universe.value, threshold)
        if table is not None:
            write_table(table, calls, call_provenance(ensemble, forward, universe.value, threshold))
        write_bed(out, calls)
        print(f"{out}: {len(calls):,} sites")

    add_command(cli, "sites", SITES, sites)


def _add_store(cli: "typer.Typer") -> None:
    def store(
        store: Path,
        out: Path,
        model: list[Path] | None,
        folds: Path | None,
        fold: int | None,
        universe: Universe,
        **computing: Any,
    ) -> None:
        """Score the rows of a token store, for evaluation."""
        require_inputs(out, (folds,))
        if fold is not None and folds is None:
            raise UsageError("--fold needs the --folds of the store.")
        from ribolm.inference.seen import Asked, require_unseen
        from ribolm.inference.stored import score_facts, score_store, write_scores
        from ribolm.labels.folds import read_folds
        from ribolm.sequences.store import TokenStore

        opened = TokenStore.open(store)
        dealt = read_folds(folds, opened) if folds else None
        ensemble, forward = _prepare(model, **computing)
        if folds is not None and fold is not None:
            for one in ensemble.models:
                require_unseen(one, Asked.of(folds, opened.digest), fold)
        started_s = time.monotonic()
        tables = score_store(ensemble, forward, opened, universe.value, dealt, fold)
        n = write_scores(out, tables, lambda: score_facts(ensemble, universe.value, time.monotonic() - started_s))
        print(f"{out}: {n:,} places")

    add_command(cli, "store", STORE, store)
