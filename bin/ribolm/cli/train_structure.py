"""ribolm-train structure: a head of secondary structure on an encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.training.recipes.structures import StructureOptions

EPOCHS, TOKENS_PER_STEP, LEARNING_RATE, PATIENCE = 10.0, 1_536, 2e-3, 10
POSITIVE, SHARE = {"min": 1}, {"min": 0, "max": 1}
SHAPE = (
    Spec("width", int, 48, "Channels of the map of pairs.", POSITIVE),
    Spec("dilations", str, "1,1,2,2,4,1", "Dilation of each block of the map; their number is its depth."),
    Spec("downsampling", int, 2, "Bases per side of one cell of the map: 1, 2 or 4.", {"min": 1, "max": 4}),
    Spec("side_width", int, 96, "Width of the layers along the sequence, between encoder and map.", POSITIVE),
    Spec("side_depth", int, 2, "Number of those layers.", {"min": 0}),
    Spec("side_kernel", int, 7, "Bases that one of them sees; odd.", POSITIVE),
    Spec("map_width", int, 12, "Channels at full resolution.", POSITIVE),
    Spec(
        "min_distance",
        int,
        3,
        "Bases nearer than this do not pair; folding programs pair none nearer than 4.",
        {"min": 1, "max": 4},
    ),
    Spec("attention", bool, False, "Read the encoder's attention maps, too.", {"flag": "--attention"}),
)
OWN = (
    Spec("dev", Path | None, None, "Store for early stopping and the threshold, instead of rows of --store."),
    Spec("folds", Path | None, None, "Table of ribolm-labels folds."),
    Spec("fold", int | None, None, "Fold that is never seen, the next one is dev [default: 0 is dev].", {"min": 0}),
    Spec("dev_share", float, 0.1, "Without --dev and --folds: share of the rows that is dev.", SHARE),
    Spec("no_thermodynamics", bool, False, "Without ViennaRNA's pair probabilities.", {"flag": "--no-thermodynamics"}),
    Spec("hidden_share", float, 0.25, "Share of the RNAs of an epoch that are shown without them.", SHARE),
    Spec("lora", int, 0, "Rank of adapters that are trained instead of the encoder; 0: none.", {"min": 0}),
    Spec("max_nt", int | None, None, "Leave longer RNAs out of training.", POSITIVE),
    Spec("crop_tokens", int | None, None, "Cut longer RNAs to so many bases, anew in each epoch.", POSITIVE),
)


Shared = Callable[[dict[str, Any], Sequence[Spec], float], dict[str, Any]]


def add_structure(
    cli: "typer.Typer",
    keys: "typer.Typer",
    lengths: Sequence[Spec],
    around: tuple[Sequence[Spec], Sequence[Spec]],
    shared: Shared,
) -> None:
    """Add the command and its key. around: options before and behind those of its own, `lengths` those of the schedule.

    `shared` turns chosen options into what every training has.
    """

    def structure(**chosen: Any) -> None:
        """Train a map of base pairs on known structures; choose the threshold on dev; write a model directory."""
        from ribolm.training.recipes.structures import train_structure

        train_structure(_options(chosen, lengths, shared))

    def key_of_structure(**chosen: Any) -> None:
        """Print the key of such a training."""
        from ribolm.training.recipes.structures import train_structure

        print(train_structure(_options(chosen, lengths, shared), key_only=True))

    specs = (*around[0], *OWN, *SHAPE, *lengths, *around[1])
    add_command(cli, "structure", specs, structure)
    add_command(keys, "structure", specs, key_of_structure)


def _options(chosen: dict[str, Any], lengths: Sequence[Spec], shared: Shared) -> "StructureOptions":
    from ribolm.models.pair_maps.configuration import read_dilations
    from ribolm.training.recipes.structures import StructureOptions

    own = {spec.name: chosen[spec.name] for spec in OWN}
    shape = {spec.name: chosen[spec.name] for spec in SHAPE}
    try:
        shape["dilations"] = read_dilations(shape["dilations"])
    except ValueError:
        raise UsageError(f"--dilations {shape['dilations']} are no numbers between commas. Give 1,1,2.") from None
    thermodynamics = not own.pop("no_thermodynamics")
    return StructureOptions(**shared(chosen, lengths, EPOCHS), **own, shape=shape, thermodynamics=thermodynamics)
