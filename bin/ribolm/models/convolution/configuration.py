"""What defines a convolutional backbone: the content of its config.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ribolm.errors import DataError
from ribolm.models.configuration import BackboneRules

MODEL_TYPE = "ribolm_convolution"
HEADS = ("places", "frames")
# left out where they say nothing, so that older models and the keys of their trainings stay as they are
LATER_FIELDS = {"reading_frames": False, "head": "places"}


@dataclass(frozen=True)
class ConvolutionConfig(BackboneRules):
    """Shape of a convolutional backbone.

    `base_token_ids`: tokens of A, C, G and T, which alone carry anything: all others are zero, as what lies beyond a
    sequence. `motif_nt`: width of the motifs; `stretch_nt`: tokens per stretch; `kernel`: stretches that a layer
    reads, `dilations` apart, taken in turn. `max_tokens`: longest sequence with its special tokens, which all are
    padded to. `head_units`, `head_size`: units of the head that weigh every stretch, and its dense layer. `towers`:
    networks side by side that share `hidden_size` evenly and whose logits are averaged. `reading_frames`: the motifs
    also read the frame of each base, counted from the end of the sequence, and the start and stop codons in it (see
    `frames`). `head`: "places" weighs every stretch; "frames" takes mean and maximum over each frame, and `head_units`
    is unused. Raises DataError for a shape that cannot be built.
    """

    vocab_size: int
    base_token_ids: tuple[int, ...]
    pad_token_id: int
    mask_token_id: int
    bos_token_id: int | None
    eos_token_id: int | None
    max_tokens: int
    hidden_size: int = 64
    n_layers: int = 3
    motif_nt: int = 13
    stretch_nt: int = 4
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4)
    head_units: int = 256
    head_size: int = 64
    hidden_dropout_prob: float = 0.2
    head_dropout_prob: float = 0.3
    input_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    towers: int = 1
    reading_frames: bool = False
    head: str = "places"

    def __post_init__(self) -> None:
        for name in ("base_token_ids", "dilations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        names = ("hidden_size", "motif_nt", "stretch_nt", "kernel", "max_tokens", "head_units", "head_size", "towers")
        wrong = [name for name in names if getattr(self, name) < 1]
        if wrong or self.motif_nt % 2 == 0 or self.kernel % 2 == 0 or not self.dilations:
            raise DataError(
                f"{wrong[0] if wrong else 'motif_nt, kernel or dilations'} of this configuration cannot be built: "
                "widths are odd, the others at least 1. Use the config.json of the model."
            )
        if self.head not in HEADS or (self.stretch_nt > 1 and (self.reading_frames or self.head == "frames")):
            raise DataError(
                f"head {self.head!r} with stretches of {self.stretch_nt} nt cannot be built. Use places, or frames and "
                "stretches of 1."
            )
        if self.hidden_size % self.towers:
            raise DataError(f"hidden_size {self.hidden_size} cannot be shared evenly by {self.towers} towers.")
        if len(self.base_token_ids) != 4 or not all(0 <= i < self.vocab_size for i in self.base_token_ids):
            raise DataError(f"base_token_ids {self.base_token_ids} are not four tokens of the vocabulary.")

    @property
    def n_stretches(self) -> int:
        """Stretches of the longest sequence."""
        return -(-self.max_tokens // self.stretch_nt)

    @property
    def one_tower(self) -> "ConvolutionConfig":
        """The shape of each of the networks side by side."""
        return self.with_towers(1)

    def with_towers(self, towers: int) -> "ConvolutionConfig":
        """The shape of so many networks like each of these, side by side."""
        return replace(self, towers=towers, hidden_size=self.hidden_size // self.towers * towers)

    @property
    def intermediate_size(self) -> int:
        """Numbers that a layer reads per stretch."""
        return self.hidden_size * self.kernel

    @property
    def num_hidden_layers(self) -> int:
        """Number of layers behind the motifs."""
        return self.n_layers

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`."""
        content = {name: value for name, value in asdict(self).items() if LATER_FIELDS.get(name, ...) != value}
        return {"model_type": MODEL_TYPE, **content}


def convolution_config_from_dict(content: Mapping[str, Any], source: str = "config.json") -> ConvolutionConfig:
    """Read a parsed `config.json`; DataError for missing fields and values of the wrong type."""
    known = {field.name for field in fields(ConvolutionConfig)}
    try:
        return ConvolutionConfig(**{name: value for name, value in content.items() if name in known})
    except TypeError as error:
        raise DataError(f"{source}: lacks a field or holds a value of the wrong type ({error}).") from error
