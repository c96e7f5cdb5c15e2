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
from ribolm.evaluation.score_tables import NamedFiles, read_facts, read_scores
from ribolm.genome.coordinates import Int64

if TYPE_CHECKING:
    import polars

Float64 = npt.NDArray[np.float64]

MODEL, RANDOM, BASELINE, RULE, PEER, SHUFFLED = "model", "random weights", "baseline", "rule", "peer", "shuffled labels"
RANDOM_PREFIX = "random"
BASELINE_NAMES = {"kmer_logistic": "k-mer logistic regression", "kmer_boosting": "k-mer gradient boosting"}
MOTIF_RULE_NAME = "motif rule"
SHUFFLED_NAME = "shuffled labels"


@dataclass(frozen=True)
class Scores:
    """Scores of one seed over n candidates: float64 [n], -inf where it gave none; `probability` NaN where unknown."""

    seed: str
    score: Float64
    probability: Float64 | None = None


@dataclass(frozen=True)
class Method:
    """A method in one universe or in all: its seeds, and what is known of its size and speed.

    `kind`: one of MODEL, RANDOM, BASELINE, RULE, PEER, SHUFFLED. `universes` None where the scores hold for all.
    `seconds`: what one pass over all candidates took, whatever the universe (a network scores all bases at once);
    `sites_per_s` where each candidate costs by itself. `n_seen`: how many
    candidates it was trained on, None where nobody knows.
    """

    name: str
    kind: str
    seeds: tuple[Scores, ...]
    universes: tuple[str, ...] | None = None
    n_parameters: int | None = None
    sites_per_s: float | None = None
    seconds: float | None = None
    n_seen: int | None = None

    def serves(self, universe: str) -> bool:
        """Whether its scores may be read in a universe."""
        return self.universes is None or universe in self.universes


@dataclass(frozen=True)
class ScoredTable:
    """Scores as read: keys int64 ascending, score and probability float64 in their order."""

    files: NamedFiles
    keys: Int64
    score: Float64
    probability: Float64

    def over(self, keys: Int64) -> Scores:
        """Scores of ascending keys; -inf and NaN where the table lacks one."""
        at = find(self.keys, keys)
        score = np.where(at >= 0, self.score[at], -np.inf) if len(self.keys) else np.full(len(keys), -np.inf)
        probability = np.where(at >= 0, self.probability[at], np.nan) if len(self.keys) else np.full(len(keys), np.nan)
        return Scores(self.files.seed, score, None if np.isnan(probability).all() else probability)


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
        found.append(ScoredTable(named, keys[order], values[0], values[1]))
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


def methods_of_tables(tables: Sequence[ScoredTable], candidates: Candidates, kind: str) -> list[Method]:
    """Models or peers with all their seeds, in the order in which they were named."""
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
                tuple(table.over(candidates.keys) for table in mine),
                n_parameters=max((fact["n_parameters"] for fact in facts if "n_parameters" in fact), default=None),
                seconds=sum(seconds) if seconds and len(seconds) == len(mine[0].files.paths) else None,
            )
        )
    return found


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
