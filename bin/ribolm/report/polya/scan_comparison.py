"""Section on a scan beside the 4-mer regression: known sites among as many of the best candidates of either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.report.drawing.figures import captioned, new_figure, save_figure
from ribolm.report.drawing.multiqc import Section, slug, write_html, write_table, write_words
from ribolm.report.drawing.palette import BACKGROUND, GROUPS
from ribolm.report.folders.json_object import read_json_object

CHAPTER = "ribolm_polya_scan"
BESIDE = Section(
    "scan_beside",
    CHAPTER,
    "Beside the 4-mer regression",
    "Known sites with a call within 20 nt, where the model and a regression on 4-mers keep the same share of the same "
    "candidates. Intervals (95 %) from drawing clusters of sites; the difference is paired.",
    "The regression is fitted on the windows that the model learnt from. By chance: the same sites shifted along their "
    "strand. FDR: against the same candidates with shuffled surroundings. Where the model was trained on this genome "
    "both have seen most of the sites, so that only their difference means something.",
)
FIGURE = Section("scan_beside_figure", CHAPTER, "Recovery at equal numbers of candidates", "")
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "n_known": {"title": "Known sites", "description": "Scanned, with known bases around them", "format": "{:,.0f}"},
    "model": {"title": "Model, %", "description": "Recovered by the model (95 % interval)"},
    "other": {"title": "Regression, %", "description": "Recovered by the 4-mer regression (95 % interval)"},
    "difference": {"title": "Difference, %", "description": "Model minus regression, paired (95 % interval)"},
    "by_chance": {"title": "By chance, %", "description": "Shifted sites met by the model's calls"},
    "fdr": {"title": "FDR, %", "description": "Of the model's calls, against shuffled surroundings"},
    "other_fdr": {"title": "FDR of regression, %", "description": "Of its calls, against shuffled surroundings"},
}


@dataclass(frozen=True)
class ComparisonFolder:
    """What `ribolm-evaluate scan` wrote: recoveries per method and limit, paired differences."""

    name: str
    recovery: list[dict[str, Any]]
    differences: list[dict[str, Any]]


def read_comparison(path: Path) -> ComparisonFolder:
    """Read the folder; DataError for one of another kind."""
    content = read_json_object(require_file(path / "metrics.json"))
    missing = [name for name in ("recovery", "differences") if name not in content]
    if missing:
        raise DataError(f"{path / 'metrics.json'}: has no '{missing[0]}'. Give a folder of `ribolm-evaluate scan`.")
    return ComparisonFolder(path.name, content["recovery"], content["differences"])


def write_comparison_section(outdir: Path, folders: Sequence[ComparisonFolder]) -> None:
    """Write the table of all scanned genomes, and a figure for each."""
    if not folders:
        write_words(outdir, BESIDE, "Not run: it needs known sites, and a model that brings its regression or windows.")
        return
    rows = {f"{folder.name}, {row['kept']}": _cells(folder, row) for folder in folders for row in folder.differences}
    write_table(outdir, BESIDE, rows, COLUMNS, "Genome and limit")
    pictures = []
    for folder in folders:
        path = outdir / f"scan_beside_{slug(folder.name)}.png"
        _draw(path, folder)
        pictures.append(captioned(path, f"Known sites of {folder.name} recovered by model and regression"))
    write_html(outdir, FIGURE, "\n".join(pictures))


def _of(folder: ComparisonFolder, method: str, kept: str) -> dict[str, Any]:
    return next(row for row in folder.recovery if (row["method"], row["kept"]) == (method, kept))


def _cells(folder: ComparisonFolder, difference: Mapping[str, Any]) -> dict[str, Any]:
    kept = difference["kept"]
    model, other = (_of(folder, difference[key], kept) for key in ("method", "other"))
    return {
        "n_known": model["n_known"],
        "model": _with_interval(model, "recovered"),
        "other": _with_interval(other, "recovered"),
        "difference": _with_interval(difference, "difference", "+"),
        "by_chance": _percent(model["by_chance"], 1),
        "fdr": _percent(model["fdr"]),
        "other_fdr": _percent(other["fdr"]),
    }


def _percent(share: float | None, digits: int = 0) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f}"


def _with_interval(row: Mapping[str, Any], key: str, sign: str = "") -> str:
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    if row[key] is None:
        return "–"
    value = f"{100 * row[key]:{sign}.1f}"
    return value if low is None else f"{value} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"


def _draw(path: Path, folder: ComparisonFolder) -> None:
    limits = list(dict.fromkeys(row["kept"] for row in folder.recovery))
    methods = list(dict.fromkeys(row["method"] for row in folder.recovery))
    width = 0.8 / (len(methods) + 1)
    with new_figure(7.0, 3.0) as figure:
        axis = figure.subplots()
        for k, method in enumerate(methods):
            rows = [_of(folder, method, kept) for kept in limits]
            heights = [100 * (row["recovered"] or 0.0) for row in rows]
            bounds = [[_distance(row, low) for row in rows] for low in (True, False)]
            at = [i + k * width for i in range(len(limits))]
            axis.bar(at, heights, width, yerr=bounds, color=GROUPS[k], label=method, capsize=3)
        chance = [100 * (_of(folder, methods[0], kept)["by_chance"] or 0.0) for kept in limits]
        at = [i + len(methods) * width for i in range(len(limits))]
        axis.bar(at, chance, width, color=BACKGROUND, label="shifted sites (chance)")
        axis.set_xticks([i + width * len(methods) / 2 for i in range(len(limits))], limits)
        axis.set_ylabel("known sites recovered (%)")
        axis.set_title(
            f"{folder.name}: n = {folder.recovery[0]['n_known']:,} sites" if folder.recovery else folder.name
        )
        figure.legend(loc="outside lower center", ncols=3)
        save_figure(figure, path)


def _distance(row: Mapping[str, Any], low: bool) -> float:
    """How far the interval reaches below or above the value, in percent; 0 without an interval."""
    bound = row["recovered_low" if low else "recovered_high"]
    return (
        0.0
        if bound is None or row["recovered"] is None
        else 100 * max((row["recovered"] - bound) * (1 if low else -1), 0.0)
    )
