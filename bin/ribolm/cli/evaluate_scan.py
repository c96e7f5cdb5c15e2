"""ribolm-evaluate scan: what a genome scan recovers of known sites."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

SCAN = (
    Spec("scored", list[Path] | None, None, "Parquet of `ribolm-predict scan`; repeat."),
    Spec("model", Path, REQUIRED, "The model of the scan."),
    Spec("fasta", Path, REQUIRED, "The genome of the scan."),
    Spec("known", Path, REQUIRED, "Known sites: BED, GENCODE, PolyASite or PolyA_DB."),
    Spec("regions", Path | None, None, "BED of what was scanned; sites elsewhere are not asked for [default: all]."),
    Spec("store", Path | None, None, "Windows to fit the 4-mer regression on: those that the model learnt from."),
    Spec("regression", Path | None, None, "One of `ribolm-evaluate regression` [default: that of the model's folder]."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("task", str, "polya", "Name of the labels in the store."),
    Spec("null_groups", int, 20_000, "Shuffled groups of candidates.", {"min": 1}),
    Spec("draws", int, 1000, "Draws of sites for the intervals.", {"min": 0}),
    Spec("seed", int, 1, "Seed of draws and shuffles.", {"min": 0}),
    Spec("device", Device, Device.auto, "Where to compute."),
)


def add_scan(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def scan(
        scored: list[Path] | None,
        model: Path,
        fasta: Path,
        known: Path,
        regions: Path | None,
        store: Path | None,
        regression: Path | None,
        outdir: Path,
        device: Device,
        **chosen: Any,
    ) -> None:
        """Known sites within 20 nt of the best 1, 2 and 5 % of candidates, beside the 4-mer regression and chance."""
        from ribolm.files import require_file, require_folder_possible

        if not scored:
            raise UsageError("Give at least one --scored.")
        if store and regression:
            raise UsageError("--store and --regression are two regressions. Give one of them.")
        floor = store or _regression_file(model, regression)
        for path in (fasta, known, regions, None if store else floor, *scored):
            if path is not None:
                require_file(path)
        require_folder_possible(outdir)
        from ribolm.evaluation.scan_recovery import sentences, write_comparison

        found = _compare(tuple(scored), model, fasta, known, regions, floor, device, **chosen)
        files = {"known": known, "regions": regions, "store": store, "regression": None if store else floor}
        named = {name: path.name if path else None for name, path in files.items()}
        write_comparison(outdir, found, {**chosen, **named})
        print("\n".join(sentences(found)))

    add_command(cli, "scan", SCAN, scan)


def _regression_file(model: Path, regression: Path | None) -> Path:
    """The file given, or the one beside the model's weights."""
    from ribolm.models.directories import REGRESSION

    if regression is None and not (model / REGRESSION).is_file():
        raise UsageError(
            f"{model}: brings no {REGRESSION}. Give --store with the windows that the model learnt from, or "
            "--regression."
        )
    return regression or model / REGRESSION


def _compare(
    scored: tuple[Path, ...],
    model: Path,
    fasta: Path,
    known: Path,
    regions: Path | None,
    floor: Path,
    device: Device,
    task: str,
    draws: int,
    null_groups: int,
    seed: int,
) -> Any:
    from ribolm.evaluation.scan_recovery import REGRESSION, compare_scans, regression_beside, rescored
    from ribolm.inference.calibration import Calibration
    from ribolm.inference.scan.calls import CallOptions
    from ribolm.inference.scan.gathered import precision_of_parts
    from ribolm.inference.scan.merge import open_inputs
    from ribolm.inference.scan.scorer import ModelScorer
    from ribolm.inference.window_models import forward_of, load_window_model

    loaded = load_window_model(model)
    scorer = ModelScorer(loaded, forward_of(loaded, device.value, precision_of_parts(scored)))
    inputs = open_inputs(scorer, scored, fasta, None, known, regions)
    assert inputs.known is not None
    regression = regression_beside(scorer, floor, task)
    methods = (
        ("model", scorer, inputs.scored, loaded.calibration),
        (REGRESSION, regression, rescored(regression, inputs), Calibration()),
    )
    options = CallOptions(fdr=1.0, null_groups=null_groups, seed=seed)
    return compare_scans(methods, inputs, inputs.known, options, draws)
