"""Which part of a sequence a model of values reads: the letters at one end, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ribolm.alphabet import Letters
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64, ranges

End = Literal["last", "first"]
WIDEST_NT = 1 << 20
PADDING = ord("N")


@dataclass(frozen=True)
class LengthRule:
    """What a model does with sequences of any length.

    `window_nt` None: it reads all letters. Else it reads the `end` letters of them, "last" (those before a coding
    sequence) or "first"; with `pads` shorter sequences are filled up with N at their other end, so that the letters
    that are read keep their distance from that end. `trained_nt`: shortest and longest sequence that it was trained on.
    """

    window_nt: int | None = None
    end: End = "last"
    pads: bool = True
    trained_nt: tuple[int, int] | None = None

    def apply(self, letters: Letters, offsets: Int64) -> tuple[Letters, Int64]:
        """The letters that are read: row i is letters[offsets[i]:offsets[i + 1]], uint8 ASCII; (letters, offsets)."""
        length = np.diff(offsets)
        if self.window_nt is None:
            return letters, offsets
        read = np.minimum(length, self.window_nt)
        starts = offsets[1:] - read if self.end == "last" else offsets[:-1]
        width = np.full(len(read), self.window_nt) if self.pads else read
        bounds = np.r_[0, np.cumsum(width)].astype(np.int64)
        found: Letters = np.full(bounds[-1], PADDING, dtype=np.uint8)
        begin = bounds[1:] - read if self.end == "last" else bounds[:-1]
        found[ranges(begin, read)] = letters[ranges(starts, read)]
        return found, bounds

    def sentence(self) -> str:
        """The rule in words."""
        if self.window_nt is None:
            return "all letters are read"
        other = "5'" if self.end == "last" else "3'"
        short = (
            f"shorter sequences are filled up with N at their {other} end" if self.pads else "shorter ones as they are"
        )
        return f"the {self.end} {self.window_nt:,} nt are read; {short}"

    def to_dict(self) -> dict[str, Any]:
        """JSON data: the rule, and what it says in words."""
        return {**asdict(self), "text": self.sentence()}

    @classmethod
    def of_dict(cls, content: Any, source: str) -> LengthRule:
        """The inverse of `to_dict`; no content: all letters are read. DataError for what is no rule."""
        if content is None:
            return cls()
        if not isinstance(content, Mapping) or content.get("end") not in ("last", "first"):
            raise DataError(f"{source}: length_rule {content!r} is none. Train the model again.")
        window_nt, trained_nt = content.get("window_nt"), content.get("trained_nt")
        if window_nt is not None and not (isinstance(window_nt, int) and 1 <= window_nt <= WIDEST_NT):
            raise DataError(f"{source}: window_nt of length_rule is {window_nt!r}. Train the model again.")
        trained = (int(trained_nt[0]), int(trained_nt[1])) if trained_nt else None
        return cls(window_nt, content["end"], bool(content.get("pads", True)), trained)
