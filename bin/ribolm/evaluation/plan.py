"""From paths to what is evaluated: stores, folds, scores and genes opened and checked before long work begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.errors import UsageError
from ribolm.evaluation.bootstrap import DRAWS
from ribolm.evaluation.leakage import CHECKS, Side, audit
from ribolm.evaluation.leakage_removal import shared_rows, write_without
from ribolm.evaluation.score_tables import NamedFiles, named_files
from ribolm.evaluation.tables import LEAKAGE_COLUMNS, write_tsv
from ribolm.files import atomic_path, require_file, require_folder_possible, sha256_of
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.labels.folds import Folds, read_folds
from ribolm.sequences.store import TokenStore


@dataclass(frozen=True)
class Plan:
    """What to evaluate. `folds` None: the store was never trained on. `train`: a store to fit baselines on.

    `reference` "" = the first model that is not the random control. `corpora`: stores of pretraining, by name.
    `folds_sha256`: of the table of folds, "" without one, by which models tell what they have seen.
    """

    store: TokenStore
    folds: Folds | None
    scores: Sequence[NamedFiles]
    peers: Sequence[NamedFiles] = ()
    train: TokenStore | None = None
    corpora: Sequence[tuple[str, TokenStore]] = ()
    annotation: Annotation | None = None
    task: str = "m6a"
    reference: str = ""
    fit_baselines: bool = True
    audit_leakage: bool = True
    draws: int = DRAWS
    seed: int = 1
    folds_sha256: str = ""

    def settings(self) -> dict[str, Any]:
        """What the numbers depend on, for metrics.json: identities of the data instead of paths."""
        chosen = {name: getattr(self, name) for name in ("task", "reference", "fit_baselines", "draws", "seed")}
        return {
            **chosen,
            "store_sha256": self.store.digest,
            "train_store_sha256": self.train.digest if self.train else None,
            "n_folds": self.folds.n_folds if self.folds else None,
        }


def read_plan(
    store: Path,
    folds: Path | None,
    scores: Sequence[str],
    peers: Sequence[str],
    train: Path | None,
    corpora: Sequence[Path],
    gtf: Path | None,
    **chosen: Any,
) -> Plan:
    """Open everything that the command line names. Raises DataError and UsageError for what does not fit."""
    if folds is not None and train is not None:
        raise UsageError("--folds and --train-store contradict each other: the store is either split or a test set.")
    fits, audits = chosen.get("fit_baselines", True), chosen.get("audit_leakage", True)
    if corpora and not audits:
        raise UsageError("--corpus has no effect with --no-leakage: nothing is compared. Leave one of them out.")
    if train is not None and not (fits or audits):
        raise UsageError("--train-store has no effect with --no-baselines and --no-leakage. Leave it out.")
    opened = TokenStore.open(store)
    named, others = named_files(scores, "--scores"), named_files(peers, "--peer")
    shared = {files.method for files in named} & {files.method for files in others}
    if shared:
        raise UsageError(f"--peer {sorted(shared)[0]}: a model of --scores has that name. Call it differently.")
    for files in (*named, *others):
        for path in files.paths:
            require_file(path)
    return Plan(
        opened,
        read_folds(folds, opened) if folds else None,
        named,
        others,
        TokenStore.open(train) if train else None,
        [(path.name, TokenStore.open(path)) for path in corpora],
        read_gtf(gtf) if gtf else None,
        folds_sha256=sha256_of(folds) if folds else "",
        **chosen,
    )


def compare_stores(
    train: Path, test: Path, task: str, out: Path, remove: Path | None, checks: Sequence[str] = CHECKS
) -> None:
    """Write the leakage table of two stores and, with `remove`, the training store without what they share."""
    unknown = [check for check in checks if check not in CHECKS]
    if unknown:
        raise UsageError(f"--check {unknown[0]} is not known. Choose from {', '.join(CHECKS)}.")
    sides = [Side.whole(name, TokenStore.open(path), task) for name, path in (("train", train), ("test", test))]
    require_folder_possible(out.parent)
    findings = audit(sides[0], sides[1], checks)
    with atomic_path(out) as temporary:
        write_tsv(temporary, [finding.row() for finding in findings], LEAKAGE_COLUMNS)
    for finding in findings:
        notice(f"{finding.check}: {finding.n_test_shared:,} of {finding.n_test:,} of the test are in training, too.")
    if remove is not None:
        drop = shared_rows(findings, len(sides[0].store))
        kept = write_without(sides[0].store, drop, remove, f"shared with the test by {', '.join(checks)}")
        notice(f"{int(drop.sum()):,} training sequences removed, {kept:,} kept in {remove}.")
