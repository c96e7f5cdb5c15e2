"""The methods of one comparison: their scores over the same candidates, one set per seed of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.baselines import Fitted, probability_of
from ribolm.evaluation.candidates import Bool, Candidates
from ribolm.evaluation.motif_rule import motif_scores
from ribolm.evaluation.positions import Contigs, find
from ribolm.evaluation.score_tables import NamedFiles, numbered_words, read_facts, read_scores
from ribolm.genome.coordinates import Int64
from ribolm.inference.seen import seen_by_models
from ribolm.sequences.universes import members

if TYPE_CHECKING:
    import polars

Float64 = npt.NDArray[np.float64]

MODEL, RANDOM, BASELINE, RULE, PEER, SHUFFLED = "model", "random weights", "baseline", "rule", "peer", "shuffled labels"
RANDOM_PREFIX = "random"
LARGE_SHARE = 0.5  # of the candidates, above which a peer that lacks them may be misplaced
BASELINE_NAMES = {"kmer_logistic": "k-mer logistic regression", "kmer_boosting": "k-mer gradient boosting"}
MOTIF_RULE_NAME = "motif rule"
SHUFFLED_NAME = "shuffled labels"


@dataclass(frozen=True)
class Scores:
    """Scores of one seed over n candidates: float64 [n], -inf where it gave none; `probability` NaN where unknown.

    `seen`: which of them the model was trained on, bool [n]; None where nobody knows.
    """

    seed: str
    score: Float64
    probability: Float64 | None = None
    seen: Bool | None = None

    def take(self, inside: Bool) -> "Scores":
        """Those of some of the candidates, bool [n]."""
        probability = None if self.probability is None else self.probability[inside]
        return Scores(self.seed, self.score[inside], probability, None if self.seen is None else self.seen[inside])


@dataclass(frozen=True)
class Method:
    """A method in one universe or in all: its seeds, and what is known of its size and speed.

    `kind`: one of MODEL, RANDOM, BASELINE, RULE, PEER, SHUFFLED. `universes` None where the scores hold for all.
    `seconds`: what one pass over all candidates took, whatever the universe (a network scores all bases at once);
    `sites_per_s` where each candidate costs by itself.
    """

    name: str
    kind: str
    seeds: tuple[Scores, ...]
    universes: tuple[str, ...] | None = None
    n_parameters: int | None = None
    sites_per_s: float | None = None
    seconds: float | None = None

    def serves(self, universe: str) -> bool:
        """Whether its scores may be read in a universe."""
        return self.universes is None or universe in self.universes

    @property
    def n_seen(self) -> int | None:
        """How many candidates it was trained on (the most of all its seeds); None where nobody knows."""
        if self.kind == SHUFFLED:
            return None
        return max((int(scores.seen.sum()) for scores in self.seeds if scores.seen is not None), default=None)


@dataclass(frozen=True)
class ScoredTable:
    """Scores as read: keys int64 ascending, score and probability float64 in their order.

    `which` int64: what of `trained_on` the model of each has seen.
    """

    files: NamedFiles
    keys: Int64
    score: Float64
    probability: Float64
    trained_on: tuple[str, ...]
    which: Int64

    def over(self, candidates: Candidates, store: str, folds: str) -> Scores:
        """Scores of candidates; -inf and NaN where the table lacks one. `store`, `folds`: digests, "" without folds."""
        keys = candidates.keys
        at = find(self.keys, keys)
        which = np.where(at >= 0, self.which[at], -1) if len(self.keys) else np.full(len(keys), -1)
        seen = seen_by_models(self.trained_on, which, store, folds, candidates.fold)
        score = np.where(at >= 0, self.score[at], -np.inf) if len(self.keys) else np.full(len(keys), -np.inf)
        probability = np.where(at >= 0, self.probability[at], np.nan) if len(self.keys) else np.full(len(keys), np.nan)
        return Scores(self.files.seed, score, None if np.isnan(probability).all() else probability, seen)


def read_tables(files: Sequence[NamedFiles], row_contigs: "polars.Series") -> tuple[Contigs, list[ScoredTable]]:
    """Read scores, with contig numbers that all of them and the rows of the store share. DataError for no row."""
    tables = [(named, read_scores(named)) for named in files]
    for named, table in tables:
        if not len(table) and len(row_contigs):  # an empty store has empty scores
            raise DataError(f"Scores '{named.label}': {named.paths[0]} holds no row. Give scores of one place or more.")
    contigs = Contigs.of(row_contigs, *(table["chrom"] for _, table in tables))
    found = []
    for named, table in tables:
        keys = contigs.table_keys(table)
        order = np.argsort(keys)
        values = [table[name].fill_null(float("nan")).to_numpy()[order] for name in ("score", "probability")]
        words, which = numbered_words(table)
        found.append(ScoredTable(named, keys[order], values[0], values[1], words, which[order]))
    return contigs, found


def scored_by_all(tables: Sequence[ScoredTable]) -> Int64:
    """Keys that every table scores, ascending. Tells when they differ; DataError when nothing is shared."""
    keys = tables[0].keys
    for table in tables[1:]:
        keys = np.intersect1d(keys, table.keys, assume_unique=True)
    if not len(keys) and any(len(table.keys) for table in tables):
        raise DataError("The score files share no place. Give scores of the same store for every model and seed.")
    for table in tables:
        if len(table.keys) > len(keys):
            n = len(table.keys) - len(keys)
            notice(f"scores '{table.files.label}': {n:,} places that other models or seeds lack are left out.")
    return keys


def methods_of_tables(
    tables: Sequence[ScoredTable], candidates: Candidates, kind: str, store: str = "", folds: str = ""
) -> list[Method]:
    """Models or peers with all their seeds, in the order in which they were named.

    `store`, `folds`: digests of the store and of its table of folds, by which candidates seen in training are known.
    """
    names = list(dict.fromkeys(table.files.method for table in tables))
    found = []
    for name in names:
        mine = [table for table in tables if table.files.method == name]
        facts = read_facts(mine[0].files)
        seconds = [fact["seconds"] for fact in facts if fact.get("seconds")]
        is_random = kind == MODEL and name.lower().startswith(RANDOM_PREFIX)
        found.append(
            Method(
                name,
                RANDOM if is_random else kind,
                tuple(table.over(candidates, store, folds) for table in mine),
                n_parameters=max((fact["n_parameters"] for fact in facts if "n_parameters" in fact), default=None),
                seconds=sum(seconds) if seconds and len(seconds) == len(mine[0].files.paths) else None,
            )
        )
    return found


def tell_seen(methods: Sequence[Method], n: int, what: str) -> None:
    """Say of every model whether it was trained on what it is measured by (n of `what`), or that nobody knows."""
    for method in methods:
        if method.n_seen:
            notice(
                f"scores '{method.name}': {method.n_seen:,} of {n:,} {what} were seen in training; its numbers tell "
                "how well it remembers, not what it is worth."
            )
        elif method.n_seen is None and method.kind in (MODEL, RANDOM):
            notice(f"scores '{method.name}': nothing is known of what their model and these {what} share.")


def tell_unplaced(peers: Sequence[Method], candidates: Candidates) -> None:
    """Say of every peer when it lacks most DRACH candidates, or when most of what it scores is no A."""
    is_drach, is_a = (members(candidates.contexts, universe) for universe in ("drach", "adenosine"))
    for peer in peers:
        scored = np.isfinite(peer.seeds[0].score)
        n_lacking, n_drach = int((is_drach & ~scored).sum()), int(is_drach.sum())
        if n_lacking > LARGE_SHARE * n_drach:
            notice(
                f"scores '{peer.name}': {n_lacking:,} of {n_drach:,} DRACH candidates have none and rank last. Check "
                "the contig names, and that positions count from 0."
            )
        n_other = int((scored & ~is_a).sum())
        if n_other > LARGE_SHARE * scored.sum() and not scored.all():
            notice(
                f"scores '{peer.name}': {n_other:,} of {int(scored.sum()):,} scored positions are no A. Check that "
                "they count from 0."
            )


def motif_rule(candidates: Candidates) -> Method:
    """The motif rule."""
    return Method(MOTIF_RULE_NAME, RULE, (Scores("", motif_scores(candidates.contexts)),), n_parameters=0)


def baseline_methods(fitted: Mapping[str, Mapping[str, Fitted]]) -> list[Method]:
    """Fitted baselines, one entry per kind and universe."""
    return [
        Method(
            BASELINE_NAMES[kind],
            BASELINE,
            (Scores("", fit.logit, probability_of(fit.logit)),),
            universes=(universe,),
            n_parameters=fit.n_parameters,
            sites_per_s=fit.sites_per_s,
        )
        for kind, by_universe in fitted.items()
        for universe, fit in by_universe.items()
        if np.isfinite(fit.logit).any()
    ]


def missing(method: Method, inside: Bool) -> int:
    """Candidates of a universe that a peer gave no score (most of all its seeds); they rank below all others."""
    if method.kind != PEER:
        return 0
    return max(int(np.isneginf(scores.score[inside]).sum()) for scores in method.seeds)
