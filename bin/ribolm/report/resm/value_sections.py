"""Sections on measured values such as ribosome load: methods, scatter, differences, strata."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import Section, interval_text, slug, write_html, write_table, write_words
from ribolm.report.folders.assessed_folder import AssessedFolder, Row
from ribolm.report.resm.method_table import (
    cells,
    column,
    shown_name,
    with_intervals,
    with_note,
    write_method_table,
)
from ribolm.report.resm.value_figure import draw_scatter

CHAPTER = "ribolm_rna_values"
METHODS = Section(
    "value_methods",
    CHAPTER,
    "Models of values",
    "Every method on the same sequences. R² is the share of the variance that is "
    "explained, below 0 where the mean would be the better prediction; intervals (95 %) from a bootstrap over groups.",
    "Read a model beside the floors: ridge regressions on letters and k-mers and gradient boosting need no language "
    "model, and the control of random weights tells what pretraining adds. Numbers of other data, or of another split "
    "of the same data, do not compare.",
)
SCATTER = Section(
    "value_scatter",
    CHAPTER,
    "Predicted against measured",
    "The line is where both agree; a point is the mean over seeds, and R² is that of the points. Beside the model the "
    "best method that needs no language model.",
)
DIFFERENCES = Section(
    "value_differences", CHAPTER, "Differences between models of values", "R² of the reference minus each other method."
)
STRATA = Section(
    "value_strata",
    CHAPTER,
    "With and without upstream AUG",
    "R² among leaders of one kind: an AUG upstream of the reading frame moves most of the variance, so that within a "
    "kind less is left to explain.",
)
METRICS = {
    "r2": column("R²", "Share of the variance that is explained"),
    "spearman": column("Spearman", "Rank correlation"),
    "rmse": column("RMSE", "Root of the mean squared error, in units of the value as it is learnt"),
}
COLUMNS = {
    **with_intervals(METRICS, "groups", hidden=("rmse",)),
    "n": column("n", "Sequences", "{:,.0f}"),
    "n_clusters": column("Groups", "Drawn together, as transcripts of one gene", "{:,.0f}"),
    "seeds": column("Seeds", form="{:,.0f}"),
    "n_seen": column("Seen in training", "Sequences it was trained on", "{:,.0f}"),
    "features": {"title": "Reads", "description": "What a floor is fitted on", "hidden": True},
}


def write_value_sections(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write the sections of all sets, and their scatters, value_scatter_<set>.png."""
    described = with_note(METHODS, folders)
    described = replace(described, description=f"{described.description}{_seen(folders)}")
    write_method_table(outdir, described, folders, COLUMNS)
    pictures = []
    for folder in folders:
        shown = _shown(folder)
        if shown and folder.tables.get("predictions"):
            path = outdir / f"value_scatter_{slug(folder.name)}.png"
            draw_scatter(path, folder, shown)
            pictures.append(captioned(path, f"Predicted against measured values of {folder.name}"))
    if pictures:
        write_html(outdir, SCATTER, "\n".join(pictures))
    else:
        write_words(outdir, SCATTER, "No sequence has both a measured and a predicted value.")
    write_table(outdir, DIFFERENCES, _differences(folders), DIFFERENCE_COLUMNS, "Methods")
    if any(folder.tables.get("strata") for folder in folders):
        write_table(outdir, STRATA, _strata(folders), STRATUM_COLUMNS, "Kind and method")


DIFFERENCE_COLUMNS: dict[str, dict[str, Any]] = {
    "difference": column("Difference", "In R²"),
    "interval": {"title": "95 % interval", "description": "Paired bootstrap over groups"},
    "p_value": column("p-value", "Two-sided, from the draws", "{:.3g}"),
}
STRATUM_COLUMNS = {
    **with_intervals({"r2": METRICS["r2"], "spearman": METRICS["spearman"]}, "groups"),
    "n": column("n", "Sequences", "{:,.0f}"),
    "mean": column("Mean", "Of the measured values"),
    "sd": column("SD", "Of the measured values"),
}


def _seen(folders: Sequence[AssessedFolder]) -> str:
    """What is known of the sequences that methods learnt from, "" where the table tells their number."""
    counts = [row.get("n_seen") for folder in folders for row in folder.tables.get("methods", ())]
    if None in counts:
        return " Where no number of sequences seen in training is told, nobody knows it."
    return " No method learnt from any of these sequences." if counts and not any(counts) else ""


def _shown(folder: AssessedFolder) -> list[str]:
    """The reference, and the floor of highest R²."""
    reference = str(folder.content.get("reference", ""))
    floors = [row for row in folder.rows("methods", kind="baseline") if row["method"] != reference]
    best = max(floors, key=lambda row: row["r2"] if row["r2"] is not None else float("-inf"), default=None)
    return [name for name in (reference, str(best["method"]) if best else "") if name]


def _differences(folders: Sequence[AssessedFolder]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        prefix = f"{folder.name}: " if len(folders) > 1 else ""
        for row in folder.rows("differences", metric="r2"):
            bounds = interval_text(row["low"], row["high"])
            rows[f"{prefix}{shown_name(row['method'])} − {shown_name(row['other'])}"] = {
                "difference": row["difference"],
                "interval": bounds,
                "p_value": row["p_value"],
            }
    return rows


def _strata(folders: Sequence[AssessedFolder]) -> dict[str, dict[str, Any]]:
    return {
        f"{prefix}{_stratum(row)}, {shown_name(row['method'])}": cells(row, STRATUM_COLUMNS)
        for folder in folders
        for prefix in (f"{folder.name}: " if len(folders) > 1 else "",)
        for row in folder.tables.get("strata", ())
    }


def _stratum(row: Row) -> str:
    """A stratum as people read it: "none" says nothing beside a method."""
    return f"no {row['stratum']}" if row["name"] == "none" else str(row["name"])
