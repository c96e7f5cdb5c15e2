"""ribolm-predict merge: the parts of a prediction made into one result, whichever prediction it was."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.inputs import require_inputs
from ribolm.cli.predict_polya import prepared
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

SCAN = (
    Spec("scored", list[Path] | None, None, "Parquet of `scan`; repeat."),
    Spec("model", Path | None, None, "The model of the scan."),
    Spec("fasta", Path | None, None, "The genome of the scan."),
    Spec("gtf", Path | None, None, "Genes that calls are annotated with."),
    Spec("known", Path | None, None, "Known sites: BED, GENCODE, PolyASite or PolyA_DB [default: ends in --gtf]."),
    Spec("regions", Path | None, None, "BED of what was scanned; sites elsewhere are not asked for [default: all]."),
    Spec("details", Path | None, None, "Folder for tables, tracks and a summary."),
    Spec(
        "session_alone",
        bool,
        False,
        "IGV session of what is in --details alone, not of --fasta and --gtf.",
        {"flag": "--session-alone"},
    ),
    Spec("fdr", float | None, None, "Largest estimated false discovery rate [default: 0.5].", {"min": 0, "max": 1}),
    Spec("top_share", float | None, None, "Keep this share of candidates instead.", {"min": 0, "max": 1}),
    Spec("prevalence", float | None, None, "Share of sites [default: estimated].", {"min": 1e-9, "max": 0.999999}),
    Spec("radius_nt", int | None, None, "Calls farther apart stay apart [default: 24].", {"min": 0, "max": 1000}),
    Spec("null_groups", int | None, None, "Shuffled groups of candidates [default: 20000].", {"min": 1}),
    Spec("seed", int | None, None, "Seed of the shuffles [default: 1].", {"min": 0}),
)
OPTIONS = ("fdr", "top_share", "prevalence", "radius_nt", "null_groups", "seed")


def add_merge(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; `computing` are the options of device and batches that all predictions share."""
    specs = (
        Spec("out", Path, REQUIRED, "BED to write; blocked gzip for a scan."),
        Spec("part", list[Path] | None, None, "A --table of `sites`; repeat."),
        Spec("table", Path | None, None, "Parquet to write as well, of `sites`."),
        *SCAN,
        *computing,
    )

    def merge(out: Path, part: list[Path] | None, table: Path | None, scored: list[Path] | None, **chosen: Any) -> None:
        """Unite the parts of a prediction: tables of `sites` (--part), or scores of `scan` (--scored)."""
        if part and scored:
            raise UsageError("--part belongs to `sites` and --scored to `scan`. Give one of them.")
        if not part and not scored:
            raise UsageError("Give at least one --part of `sites`, or --scored of `scan`.")
        if scored:
            if table:
                raise UsageError("--table belongs to --part; the parquet of a scan is written into --details.")
            _merge_scan(out, scored, **chosen)
            return
        foreign = [spec.name for spec in (*SCAN, *computing) if chosen.get(spec.name, spec.default) != spec.default]
        if foreign:
            raise UsageError(f"--{foreign[0].replace('_', '-')} belongs to --scored, not to --part. Leave it out.")
        _merge_sites(out, part or [], table)

    add_command(cli, "merge", specs, merge)


def _merge_sites(out: Path, part: list[Path], table: Path | None) -> None:
    from ribolm.inference.calls import merge_tables, write_bed, write_table

    require_inputs(out, part, table)
    calls, provenance = merge_tables(part)
    if table is not None:
        write_table(table, calls, provenance)
    write_bed(out, calls)
    print(f"{out}: {len(calls):,} sites of {len(part)} parts")


def _merge_scan(
    out: Path,
    scored: list[Path],
    model: Path | None,
    fasta: Path | None,
    gtf: Path | None,
    known: Path | None,
    regions: Path | None,
    details: Path | None,
    session_alone: bool,
    **chosen: Any,
) -> None:
    if model is None or fasta is None:
        raise UsageError("--scored needs the --model and the --fasta of the scan.")
    if chosen["fdr"] is not None and chosen["top_share"] is not None:
        raise UsageError("--fdr and --top-share are two thresholds. Give one of them.")
    if session_alone and details is None:
        raise UsageError(
            "--session-alone has no effect without --details, where the session is written. Give --details."
        )
    if chosen["top_share"] == 0:
        raise UsageError("--top-share 0 keeps no candidate. Give a share above 0, as 0.01.")
    _require_places(out, details, (fasta, gtf, known, regions, *scored))
    from ribolm.inference.scan.calls import CallOptions
    from ribolm.inference.scan.merge import merge_scan, open_inputs, write_scan
    from ribolm.inference.scan.scorer import ModelScorer
    from ribolm.inference.window_models import load_window_model
    from ribolm.report.browser.scan_tracks import write_scan_tracks

    options = CallOptions(**{key: value for key in OPTIONS if (value := chosen.pop(key)) is not None})
    loaded = load_window_model(model)
    scorer = ModelScorer(loaded, prepared(loaded, **chosen))
    inputs = open_inputs(scorer, scored, fasta, gtf, known, regions)
    merged = merge_scan(scorer, inputs, loaded.calibration, options)
    write_scan(merged, out, details)
    if details is not None:
        beside = (None, None) if session_alone else (fasta, gtf)
        write_scan_tracks(details, merged.columns, merged.inputs.genome.lengths, out, *beside)
    print(f"{out}: {len(merged.calls):,} calls of {merged.result.n_candidates:,} candidates")


def _require_places(out: Path, details: Path | None, files: tuple[Path | None, ...]) -> None:
    from ribolm.files import require_folder_possible

    if out.suffix not in (".gz", ".bgz"):
        raise UsageError(f"--out {out}: calls are written as blocked gzip. Let the name end with .bed.gz.")
    require_inputs(out, files)
    if details is not None:
        require_folder_possible(details)
