"""What can be chosen about simulated RNAs."""

import dataclasses
from typing import Any


def _option(default: Any, help_text: str, least: float, most: float | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text, "min": least, "max": most})


@dataclasses.dataclass(frozen=True)
class ResmOptions:
    """Options of one set of simulated RNAs; the command line is built from these fields."""

    seed: int = _option(1, "Seed of every random stream; the same seed and options give the same bytes.", 0)
    rnas: int = _option(240, "RNAs without known structure, to pretrain on.", 8, 1_000_000)
    structures: int = _option(20, "RNAs with known structure, three fifths of them to train on.", 5, 100_000)
    members: int = _option(12, "Sequences of each of the four families.", 3, 1_000)
    values: int = _option(200, "Leaders of messenger RNAs with a measured value.", 20, 1_000_000)
    interactions: int = _option(10, "Pairs of a small RNA and its target.", 1, 10_000)
