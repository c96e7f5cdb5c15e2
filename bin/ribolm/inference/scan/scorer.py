"""What scores a candidate: a model of windows, put on the candidate's base or on its hexamers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT, CandidateRule
from ribolm.candidates.kernel import NO_HEXAMER
from ribolm.candidates.upstream import ranks_upstream
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32, Forward
from ribolm.inference.sequences import score_windows
from ribolm.inference.window_models import Anchor, Padding, WindowModel
from ribolm.labels.polya.strand_letters import Places, contains_unknown, letters_around

HEXAMER_ANCHOR_NT = 3  # the fourth base of a hexamer is the anchor of a model of hexamers
WINDOWS_AT_ONCE = 1 << 13


class WindowScorer(Protocol):
    """A model of windows as a scan sees it: windows in, uncalibrated logits out, each by itself."""

    @property
    def anchor(self) -> Anchor:
        """`cleavage`: the window is about the A of a candidate; `hexamer`: about the fourth base of a hexamer."""

    @property
    def window_nt(self) -> int:
        """Width of a window."""

    @property
    def anchor_offset0(self) -> int:
        """Index of the anchor in the window."""

    @property
    def padding(self) -> Padding:
        """`N` stands for bases beyond a contig, or they are refused."""

    def score(self, letters: Letters) -> Float32:
        """Logits float32 [n] of windows uint8 [n, window_nt]."""

    def provenance(self) -> dict[str, Any]:
        """What decides the logits."""


@dataclass(frozen=True)
class ModelScorer:
    """A loaded model on a device as a `WindowScorer`."""

    model: WindowModel
    forward: Forward

    @property
    def anchor(self) -> Anchor:
        """Base that the window is about."""
        return self.model.anchor

    @property
    def window_nt(self) -> int:
        """Width of a window."""
        return self.model.window_nt

    @property
    def anchor_offset0(self) -> int:
        """Index of the anchor in the window."""
        return self.model.anchor_offset0

    @property
    def padding(self) -> Padding:
        """What stands for missing bases."""
        return self.model.padding

    def score(self, letters: Letters) -> Float32:
        """Logits of windows, in passes of one shape."""
        return score_windows(self.model, self.forward, letters)

    def provenance(self) -> dict[str, Any]:
        """Task, window, the sha256 of the weights, and the number format of their products, which moves logits."""
        return {**self.model.provenance(), "precision": self.forward.device.precision}


@dataclass
class WindowFaults:
    """How many of the windows scored were padded or hold an N of the genome."""

    windows: int = 0
    with_unknown: int = 0


def score_places(scorer: WindowScorer, genome: Genome, anchors: Places, faults: WindowFaults | None = None) -> Float32:
    """Logits of windows around anchors, float32 [n]; equal anchors are scored once.

    Raises DataError where a window leaves its contig and the model refuses that.
    """
    key = anchors.contig << 40 | anchors.at0 << 1 | (anchors.strand > 0)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    unique = anchors.take(first)
    logits = np.empty(len(first), dtype=np.float32)
    after_nt = scorer.window_nt - 1 - scorer.anchor_offset0
    for begin in range(0, len(first), WINDOWS_AT_ONCE):
        part = unique.take(np.arange(begin, min(begin + WINDOWS_AT_ONCE, len(first))))
        if scorer.padding == "refuse":
            _require_inside(genome, part, scorer)
        letters = letters_around(genome, part, scorer.anchor_offset0, after_nt)
        if faults is not None:
            faults.windows += len(part)
            faults.with_unknown += int(contains_unknown(letters).sum())
        logits[begin : begin + len(part)] = scorer.score(letters)
    return np.asarray(logits[inverse])


def _require_inside(genome: Genome, anchors: Places, scorer: WindowScorer) -> None:
    after_nt = scorer.window_nt - 1 - scorer.anchor_offset0
    upstream = np.where(anchors.strand > 0, scorer.anchor_offset0, after_nt)
    low = anchors.at0 - upstream
    outside = (low < 0) | (low + scorer.window_nt > np.diff(genome.offsets)[anchors.contig])
    if outside.any():
        k = int(np.argmax(outside))
        raise DataError(
            f"The window of {scorer.window_nt} nt around {genome.names[anchors.contig[k]]}:{anchors.at0[k]:,} leaves "
            "its contig, which this model refuses. Leave such candidates out, or take a model with padding N."
        )


def hexamers_in_reach(upstream: Letters, rule: CandidateRule) -> tuple[Int64, Int64]:
    """(candidate, distance in nt) of every hexamer of the rule upstream of candidates, int64 [m] each.

    `upstream` uint8 [n, farthest_nt + 1]: letters of each candidate's strand up to its base, which is the last.
    Ascending by candidate, the farthest hexamer first.
    """
    rank, distance = ranks_upstream(upstream, rule)
    row, start = np.nonzero(rank != NO_HEXAMER)
    return row.astype(np.int64), distance[start]


def best_of_hexamers(
    scorer: WindowScorer, genome: Genome, places: Places, named_nt: Int64, rule: CandidateRule,
    faults: WindowFaults | None = None,
) -> Float32:  # fmt: skip
    """The best logit of each candidate over its hexamers, the named one always among them; float32 [n]."""
    row, distance = hexamers_in_reach(letters_around(genome, places, rule.farthest_nt, 0), rule)
    row = np.concatenate([np.arange(len(places)), row])
    distance = np.concatenate([named_nt, distance])
    anchors = places.take(row).shifted(HEXAMER_ANCHOR_NT - distance)
    best = np.full(len(places), -np.inf, dtype=np.float32)
    np.maximum.at(best, row, score_places(scorer, genome, anchors, faults))
    return best


def require_rule(name: npt.NDArray[np.object_], distance_nt: Int64, rule: CandidateRule, path_name: str) -> None:
    """Raise DataError for the first candidate whose hexamer or distance (int64 [n]) the rule does not have."""
    known = {hexamer: True for hexamer in rule.hexamers}
    stands = np.array([text.partition("@")[0] in known for text in name.tolist()], dtype=bool)
    wrong = np.flatnonzero(~stands | (distance_nt < rule.nearest_nt) | (distance_nt > rule.farthest_nt))
    if len(wrong):
        raise DataError(
            f"{path_name}: the candidate {name[wrong[0]]} is not of the rule given ({len(rule.hexamers)} hexamers, "
            f"{rule.nearest_nt} to {rule.farthest_nt} nt upstream). Give the options that made the candidates."
        )


def require_named_hexamers(
    genome: Genome, places: Places, name: npt.NDArray[np.object_], distance_nt: Int64, path_name: str
) -> None:
    """Raise DataError where a name's hexamer does not stand in the genome: candidates of another genome or build."""
    reach = int(distance_nt.max(initial=0))
    letters = letters_around(genome, places, reach, 0)
    at = reach - distance_nt[:, None] + np.arange(HEXAMER_NT)
    stands = np.take_along_axis(letters, np.minimum(at, reach), axis=1)
    hexamers, inverse = np.unique([text.partition("@")[0] for text in name.tolist()], return_inverse=True)
    wanted = np.array([list(one.encode()[:HEXAMER_NT].ljust(HEXAMER_NT)) for one in hexamers], dtype=np.uint8)
    wrong = (stands != wanted[inverse.reshape(-1)]).any(axis=1) if len(name) else np.zeros(0, dtype=bool)
    if wrong.any():
        k = int(np.argmax(wrong))
        sign = "+" if places.strand[k] > 0 else "-"
        raise DataError(
            f"{path_name}: {genome.names[places.contig[k]]}:{places.at0[k]} {sign} is called {name[k]}, but "
            f"{genome.label} has {stands[k].tobytes().decode()} there. Use the FASTA that the candidates were found in."
        )
