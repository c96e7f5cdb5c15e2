"""Scores of bases as `ribolm-predict store` writes them, and which of them their models call sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.errors import DataError
from ribolm.evaluation.candidates import Candidates
from ribolm.evaluation.methods import MODEL, RANDOM, RANDOM_PREFIX, RULE, Method, ScoredTable, Scores
from ribolm.evaluation.positions import NOWHERE, Contigs, find
from ribolm.evaluation.score_tables import NamedFiles, numbered_words, read_facts, read_scores
from ribolm.evaluation.sequence_level.floors import hexamer_rule
from ribolm.evaluation.stored_letters import StoredLetters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.store import TokenStore

RULE_NAME = "candidate rule"
UPSTREAM_NT = 35
BASES_AT_A_TIME = 1 << 20
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ScoredBases:
    """One seed of a method: its scores by place, and which places it calls (None where no threshold is told)."""

    table: ScoredTable
    is_called: Bool | None
    n_parameters: int | None

    def called(self, keys: Int64) -> Bool | None:
        """Which of ascending keys are called, bool [n]; None where that is not known."""
        if self.is_called is None:
            return None
        at = find(self.table.keys, keys)
        return np.asarray((at >= 0) & self.is_called[at]) if len(self.is_called) else np.zeros(len(keys), dtype=bool)


def read_scored_bases(files: NamedFiles, contigs: Contigs) -> ScoredBases:
    """Read the files of one method and seed, each called at the threshold of its own model.

    Places on contigs that `contigs` lacks are left out. Raises DataError for a place that two files score.
    """
    parts = [_read_file(files, path, contigs) for path in files.paths]
    place, score, chance = (
        np.concatenate([getattr(part.table, name) for part in parts]) for name in ("keys", "score", "probability")
    )
    order = np.argsort(place, kind="stable")
    order = order[place[order] != NOWHERE]
    repeated = np.flatnonzero(np.diff(place[order]) == 0)
    if len(repeated):
        where = contigs.text(int(place[order][repeated[0]]))
        raise DataError(f"Scores '{files.label}': two files score {where}. Files of one name must cover other folds.")
    called = [part.is_called for part in parts if part.is_called is not None]
    is_called = np.concatenate(called)[order] if len(called) == len(parts) else None
    n_parameters = max((part.n_parameters or 0 for part in parts), default=0) or None
    words = tuple(word for part in parts for word in part.table.trained_on)
    before = np.cumsum([0, *(len(part.table.trained_on) for part in parts)])
    which = np.concatenate([part.table.which + before[number] for number, part in enumerate(parts)])
    whole = ScoredTable(files, place[order], score[order], chance[order], words, which[order])
    return ScoredBases(whole, is_called, n_parameters)


def _read_file(files: NamedFiles, path: Path, contigs: Contigs) -> ScoredBases:
    """One file, its places in any order; called from the threshold on that its metadata tell."""
    one = NamedFiles(files.method, files.seed, (path,))
    table, facts = read_scores(one), (read_facts(one) or [{}])[0]
    chance = table["probability"].fill_null(float("nan")).to_numpy()
    read = ScoredTable(one, contigs.table_keys(table), table["score"].to_numpy(), chance, *numbered_words(table))
    threshold = facts.get("threshold")
    return ScoredBases(read, None if threshold is None else chance >= threshold, facts.get("n_parameters"))


def methods_of_bases(scored: Sequence[ScoredBases], bases: Candidates, store: str) -> list[Method]:
    """Methods with all their seeds over the same bases, in the order in which they were named.

    `store`: digest of the store, by which bases that a model was trained on are known.
    """
    found = []
    for name in dict.fromkeys(one.table.files.method for one in scored):
        mine = [one for one in scored if one.table.files.method == name]
        kind = RANDOM if name.lower().startswith(RANDOM_PREFIX) else MODEL
        seeds = tuple(one.table.over(bases, store, "") for one in mine)
        found.append(Method(name, kind, seeds, n_parameters=mine[0].n_parameters))
    return found


def candidate_rule(store: TokenStore, bases: Candidates) -> Method:
    """The rule of the scan as a score: 18 to 1 by the best hexamer 10 to 35 nt before an A behind C or G, else 0."""
    stored, score = StoredLetters.of(store), np.zeros(len(bases))
    for begin in range(0, len(bases), BASES_AT_A_TIME):
        flat = bases.flat[begin : begin + BASES_AT_A_TIME]
        here = np.flatnonzero(_follows_c_or_g(stored.windows(flat, 1)))
        upstream = stored.windows(flat[here], UPSTREAM_NT)
        score[begin + here] = hexamer_rule(upstream, UPSTREAM_NT, "cleavage")
    return Method(RULE_NAME, RULE, (Scores("", score),), n_parameters=0)


def _follows_c_or_g(letters: Letters) -> Bool:
    return np.asarray((letters[:, 1] == ord("A")) & np.isin(letters[:, 0], (ord("C"), ord("G"))))
