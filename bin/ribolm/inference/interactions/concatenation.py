"""Two RNAs as one sequence, without a linker: its contacts between the two, from both orders of the chains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np

from ribolm.console import Progress
from ribolm.files import atomic_path, write_json
from ribolm.inference.batches import Float32, Forward
from ribolm.inference.calibration import probability
from ribolm.inference.contacts import ContactModel, contact_logits
from ribolm.inference.interactions.stretches import WIDTH_NT, Stretch, best_stretch
from ribolm.labels.interactions.pairs import Interaction

COLUMNS = (
    "name", "query", "target", "query_nt", "target_nt", "query_start0", "query_end0", "target_start0", "target_end0",
    "logit", "logit_query_first", "logit_target_first", "order_difference", "highest_probability",
)  # fmt: skip
PAIR_COLUMNS = ("name", "query0", "target0", "probability")


@dataclass(frozen=True)
class CrossMap:
    """Logits of contacts between two RNAs, float32 [query, target], from either order of the chains."""

    query_first: Float32
    target_first: Float32

    @property
    def mean(self) -> Float32:
        """Mean of both orders."""
        return np.asarray((self.query_first + self.target_first) / 2, dtype=np.float32)

    @property
    def order_difference(self) -> float:
        """Mean absolute difference of the logits between the orders: what is no property of the two RNAs."""
        return float(np.abs(self.query_first - self.target_first).mean())


def cross_map(model: ContactModel, forward: Forward, query: str, target: str) -> CrossMap:
    """Contacts of two RNAs, letters ACGUN; no least distance across the junction (the protocol without linker).

    Memory: that of the contacts of one RNA as long as both.
    """
    n, m = len(query), len(target)
    query_first = contact_logits(model, forward, query + target)[
        :n, n:
    ].copy()  # a copy, so that the whole map is freed
    target_first = contact_logits(model, forward, target + query)[:m, m:].T.copy()
    return CrossMap(query_first, target_first)


@dataclass(frozen=True)
class Predicted:
    """A pair with its map, the best stretch of the mean map, and the logits of that stretch in either order."""

    pair: Interaction
    cross: CrossMap
    stretch: Stretch
    in_order: tuple[float, float]


def predict_interactions(
    model: ContactModel, forward: Forward, pairs: Sequence[Interaction], width: int = WIDTH_NT
) -> Iterator[Predicted]:
    """Predict every pair, in order."""
    with Progress("pairing", len(pairs), "pairs") as progress:
        for pair in pairs:
            cross = cross_map(model, forward, pair.query.letters, pair.target.letters)
            stretch = best_stretch(cross.mean, width)
            parts = (_along(cross.query_first, stretch), _along(cross.target_first, stretch))
            yield Predicted(pair, cross, stretch, parts)
            progress.advance()


def _along(block: Float32, stretch: Stretch) -> float:
    """Mean of the antiparallel cells of a stretch."""
    steps = np.arange(stretch.query_end0 - stretch.query_start0)
    return float(block[stretch.query_start0 + steps, stretch.target_end0 - 1 - steps].mean(dtype=np.float64))


class Kept(NamedTuple):
    """The table of pairs of bases: where it is written, and from which probability on."""

    path: Path
    least: float


def write_interactions(
    out: Path, predicted: Iterable[Predicted], facts: Mapping[str, Any], contacts: Kept | None = None
) -> int:
    """Write one line per pair, beside it `<out>.json` (`facts`), and pairs of bases to `contacts`; returns the number.

    Ranges are 0-based and half-open; `query0`, `target0` count from 0 in their RNAs.
    """
    n = 0
    with ExitStack() as files:
        handle = _opened(files, out, COLUMNS)
        beside = _opened(files, contacts.path, PAIR_COLUMNS) if contacts else None
        for one in predicted:
            handle.write("\t".join(_cells(one)) + "\n")
            if contacts and beside:
                beside.writelines(_pair_lines(one, contacts.least))
            n += 1
    write_json(out.with_name(f"{out.name}.json"), facts)
    return n


def _opened(files: ExitStack, path: Path, columns: Sequence[str]) -> TextIO:
    temporary = files.enter_context(atomic_path(path))
    handle = files.enter_context(temporary.open("w", encoding="utf-8", newline="\n"))
    handle.write("\t".join(columns) + "\n")
    return handle


def _cells(one: Predicted) -> list[str]:
    pair, stretch = one.pair, one.stretch
    names = [pair.name, pair.query.name, pair.target.name]
    places = [len(pair.query.letters), len(pair.target.letters), *stretch[:4]]
    highest = float(probability(one.cross.mean.max(keepdims=True).astype(np.float64)).item())
    numbers = [stretch.mean, *one.in_order, one.cross.order_difference, highest]
    return [*names, *map(str, places), *(f"{round(value, 6) + 0.0:.6f}" for value in numbers)]


def _pair_lines(one: Predicted, least: float) -> Iterator[str]:
    chance = probability(one.cross.mean.astype(np.float64))
    at = np.argwhere(chance >= least).tolist()
    return (f"{one.pair.name}\t{i}\t{j}\t{chance[i, j]:.6f}\n" for i, j in at)
