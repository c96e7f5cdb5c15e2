"""What defines the head that predicts secondary structure; a part of task.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ribolm.errors import DataError
from ribolm.sequences.vocabulary import Tokenizer

DOWNSAMPLINGS = (1, 2, 4)


@dataclass(frozen=True)
class PairMapConfig:
    """Shape of the head of secondary structure.

    bases: ids of A, C, G and U in the vocabulary; any other token is N. width: channels of the trunk; dilations: one
    residual block each, of a 3 x 3 convolution so dilated; downsampling: bases per side of one cell of the trunk.
    side_width, side_depth, side_kernel: the layers along the sequence between backbone and map. map_width: channels at
    full resolution. min_distance: bases j - i < min_distance cannot pair. thermodynamic: whether pair probabilities of
    a folding program are an input; attention: whether the corrected attention maps of all heads of the backbone are.
    Raises DataError for a shape that cannot be built.
    """

    bases: tuple[int, int, int, int]
    width: int = 48
    dilations: tuple[int, ...] = (1, 1, 2, 2, 4, 1)
    downsampling: int = 2
    side_width: int = 96
    side_depth: int = 2
    side_kernel: int = 7
    map_width: int = 12
    min_distance: int = 3
    thermodynamic: bool = True
    attention: bool = False

    def __post_init__(self) -> None:
        if len(self.bases) != 4 or len(set(self.bases)) != 4:
            raise DataError(f"a pair map needs four different ids of bases, not {self.bases}. Use the model's own.")
        if min(self.width, self.side_width, self.map_width, *self.dilations, 1) < 1 or self.side_depth < 0:
            raise DataError("widths and dilations of a pair map must be 1 or more. Change them.")
        if self.downsampling not in DOWNSAMPLINGS:
            known = ", ".join(map(str, DOWNSAMPLINGS))
            raise DataError(f"a pair map is downsampled by {known}, not by {self.downsampling}. Choose one of these.")
        if self.side_kernel < 1 or self.side_kernel % 2 == 0:
            raise DataError(f"side_kernel {self.side_kernel} must be odd, so that a base stands in its middle.")

    @property
    def halo(self) -> int:
        """How many bases around a stretch its logits depend on, a multiple of the downsampling.

        One cell for each step of a dilation, one base for the last convolution; the layers along the sequence are
        computed over its whole length and add nothing.
        """
        around = sum(self.dilations) * self.downsampling + 1
        return -(-around // self.downsampling) * self.downsampling

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: object, source: object = "task.json") -> PairMapConfig:
        """The inverse of `to_dict`; DataError for unknown, missing or misshapen fields."""
        if not isinstance(content, Mapping) or not set(content) <= {field.name for field in fields(cls)}:
            raise DataError(f"{source}: pair_map {content!r} describes no head of this version. Train the model anew.")
        try:
            known: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}
            return cls(**known)
        except TypeError as error:
            raise DataError(f"{source}: pair_map is not complete or wrong ({error}). Copy the model again.") from error


def base_ids(tokenizer: Tokenizer) -> tuple[int, int, int, int]:
    """Ids of A, C, G and U; DataError for a tokenizer in which a base has not one token of its own."""
    letters = tokenizer.middle_letters().tolist() if tokenizer.per_nucleotide else []
    if any(letters.count(ord(base)) != 1 for base in "ACGT"):
        raise DataError(
            f"the tokenizer {tokenizer.kind} has not one token for each base, which pairs of bases need. Use a model "
            "of single nucleotides."
        )
    a, c, g, u = (letters.index(ord(base)) for base in "ACGT")
    return a, c, g, u


def read_dilations(text: str) -> tuple[int, ...]:
    """Numbers between commas; ValueError for anything else."""
    found: Sequence[int] = [int(part) for part in text.split(",")]
    return tuple(found)
