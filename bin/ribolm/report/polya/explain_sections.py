"""Sections on what models of windows look at: signals destroyed beside a control, letters changed, words attended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.report.drawing.figures import captioned, new_figure, save_figure
from ribolm.report.drawing.multiqc import Section, slug, write_html, write_line_tabs, write_table, write_words
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK
from ribolm.report.folders.json_object import read_json_object

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHAPTER = "ribolm_polya_explain"
BOXES = Section(
    "explain_perturbation",
    CHAPTER,
    "Signals destroyed",
    "Probability of positives while a growing share of their AATAAA and ATTAAA is replaced by random hexamers, beside "
    "as many other hexamers of the same windows. Boxes: quartiles; whiskers: 5 and 95 %; broken line: threshold.",
    "Only what falls below the control is owed to the signal. At 0 % nothing is replaced.",
)
FLIPPED = Section(
    "explain_perturbation_table",
    CHAPTER,
    "Positives lost",
    "Share of the positives that are called untouched, and no longer once all their signals are replaced.",
)
IMPORTANCE = Section(
    "explain_importance",
    CHAPTER,
    "Letters that count",
    "Mean size of the change of the logit by single substitutions in positives, by distance from the anchor.",
    "Substitutions that raise and that lower the logit count alike. A letter that another one can stand in for counts "
    "little.",
)
WORDS = Section(
    "explain_words",
    CHAPTER,
    "Words attended to",
    "Six letters at the most attended token of each window, in positives beside negatives, over all frames of the "
    "tokens. Enrichment: share among attended tokens over the share among all tokens of the class.",
    "Attention is no proof of use: compare with the substitutions above.",
)
KINDS = {"signal": ("AATAAA, ATTAAA", GROUPS[0]), "control": ("other hexamers", BACKGROUND)}
QUANTILES = ("probability_q05", "probability_q25", "probability_q50", "probability_q75", "probability_q95")
TABLES: Mapping[str, tuple[str, ...]] = {
    "perturbation.tsv": ("kind", "level", "n", "n_with_signal", "misclassified", "flipped", "mean_change", *QUANTILES),
    "importance.tsv": ("place", "importance", "size"),
    "attention.tsv": ("word", "is_signal", "share_positives", "share_negatives", "enrichment_positives"),
}
SHARE = {"format": "{:,.2f}", "suffix": "\u00a0%", "min": 0, "max": 100}
COUNT = {"format": "{:,.0f}"}
FLIPPED_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "n": {"title": "Positives", "description": "Windows looked at", **COUNT},
    "n_with_signal": {"title": "With signal", "description": "Positives with AATAAA or ATTAAA", **COUNT},
    "missed": {"title": "Missed", "description": "Positives below the threshold, untouched", **SHARE},
    "signal": {"title": "Lost", "description": "Called untouched, not without their signals", **SHARE},
    "control": {"title": "Lost in the control", "description": "The same, other hexamers replaced", **SHARE},
    "signal_change": {"title": "Change", "description": "Mean of the logit, all signals replaced", "format": "{:.2f}"},
    "control_change": {"title": "Change in the control", "description": "Mean of the logit", "format": "{:.2f}"},
}
WORD_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "signal": {"title": "Signal", "description": "One of the 18 signal hexamers"},
    "share_positives": {"title": "Positives", "description": "Share of the attended tokens", **SHARE},
    "share_negatives": {"title": "Negatives", "description": "Share of the attended tokens", **SHARE},
    "enrichment_positives": {"title": "Enrichment", "description": "In positives", "format": "{:.1f}"},
    "enrichment_negatives": {"title": "In negatives", "description": "Enrichment in negatives", "format": "{:.1f}"},
}


@dataclass(frozen=True)
class ExplainFolder:
    """What `ribolm-explain windows` wrote; `words` is None for a model without attention."""

    name: str
    threshold: float
    perturbation: pl.DataFrame
    importance: pl.DataFrame
    words: pl.DataFrame | None


def read_explained(path: Path) -> ExplainFolder:
    """Read the folder. Raises DataError for missing files, and for tables of another kind."""
    summary = read_json_object(path / "summary.json")
    if not isinstance(summary.get("threshold"), int | float) or "attention" not in summary:
        raise DataError(f"{path / 'summary.json'}: has no threshold. Give a folder of `ribolm-explain windows`.")
    words = _read(path / "attention.tsv") if summary["attention"] else None
    perturbation, importance = _read(path / "perturbation.tsv"), _read(path / "importance.tsv")
    return ExplainFolder(path.name, float(summary["threshold"]), perturbation, importance, words)


def _read(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(require_file(path), separator="\t", null_values=".", infer_schema_length=None)
    except (pl.exceptions.ComputeError, pl.exceptions.NoDataError) as error:
        raise DataError(f"{path}: is no table. Run `ribolm-explain windows` again.") from error
    missing = [name for name in TABLES[path.name] if name not in table.columns]
    if missing:
        raise DataError(f"{path}: has no column '{missing[0]}'. Give a folder of `ribolm-explain windows`.")
    return table


def write_explain_sections(outdir: Path, folders: Sequence[ExplainFolder]) -> None:
    """Write the sections of all models, and the boxes of each, explain_boxes_<name>.png."""
    pictures = []
    for folder in folders:
        path = outdir / f"explain_boxes_{slug(folder.name)}.png"
        _draw(path, folder)
        pictures.append(captioned(path, f"Probability of positives of {folder.name} by share of signals replaced"))
    write_html(outdir, BOXES, "\n".join(pictures))
    write_table(outdir, FLIPPED, {folder.name: _flipped(folder) for folder in folders}, FLIPPED_COLUMNS, "Model")
    lines = {folder.name: list(folder.importance.select("place", "size").iter_rows()) for folder in folders}
    colours = {name: GROUPS[k % len(GROUPS)] for k, name in enumerate(lines)}
    labels = ("distance from the anchor (nt)", "mean size of the change (logit)")
    write_line_tabs(outdir, IMPORTANCE, {"all": lines}, colours, labels)
    rows = {}
    for folder in folders:
        prefix = f"{folder.name}: " if len(folders) > 1 else ""
        for row in folder.words.iter_rows(named=True) if folder.words is not None else ():
            rows[f"{prefix}{row['word'].replace('T', 'U')}"] = _word(row)
    if rows:
        write_table(outdir, WORDS, rows, WORD_COLUMNS, "Word")
    else:
        write_words(outdir, WORDS, "These models have no attention, so there are no words that they attend to.")


def _flipped(folder: ExplainFolder) -> dict[str, Any]:
    """The untouched windows, and what becomes of them at the highest level."""
    last = folder.perturbation.sort("level").unique("kind", keep="last")
    by_kind = {row["kind"]: row for row in last.iter_rows(named=True)}
    first = folder.perturbation.filter(pl.col("level") == 0).row(0, named=True)
    n = max(first["n"], 1)
    called = max(first["n"] - first["misclassified"], 1)
    row = {"n": first["n"], "n_with_signal": first["n_with_signal"], "missed": 100 * first["misclassified"] / n}
    for kind in KINDS:
        row |= {kind: 100 * by_kind[kind]["flipped"] / called, f"{kind}_change": by_kind[kind]["mean_change"]}
    return row


def _word(row: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {"signal": "yes" if row["is_signal"] in (True, "true") else "no"}
    for name in ("positives", "negatives"):
        cells |= {f"share_{name}": 100 * row[f"share_{name}"]}
        enrichment = row.get(f"enrichment_{name}")
        cells |= {f"enrichment_{name}": enrichment if enrichment == enrichment else None}
    return cells


def _draw(path: Path, folder: ExplainFolder) -> None:
    with new_figure(9.0, 3.4) as figure:
        axis = figure.subplots()
        for number, (kind, (label, colour)) in enumerate(KINDS.items()):
            _draw_boxes(axis, folder.perturbation.filter(pl.col("kind") == kind), label, colour, 3.6 * number - 1.8)
        axis.axhline(folder.threshold, color=INK, linewidth=0.8, linestyle="--", zorder=0)
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlabel("hexamers replaced (%)")
        axis.set_ylabel("probability")
        axis.set_title(f"{folder.name} (n = {folder.perturbation['n'][0]:,} positives)")
        axis.legend(loc="lower left", ncols=2, bbox_to_anchor=(0.0, 0.0))
        save_figure(figure, path)


def _draw_boxes(axis: Axes, rows: pl.DataFrame, label: str, colour: str, shift: float) -> None:
    keys = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [{**dict(zip(keys, row, strict=True)), "fliers": []} for row in rows.select(QUANTILES).iter_rows()]
    percent = [100 * level for level in rows["level"]]
    drawn = axis.bxp(
        boxes,
        positions=[at + shift for at in percent],
        widths=3.0,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour, "edgecolor": INK, "linewidth": 0.6},
        medianprops={"color": INK, "linewidth": 1.2},
        whiskerprops={"color": INK, "linewidth": 0.6},
        capprops={"color": INK, "linewidth": 0.6},
    )
    if drawn["boxes"]:
        drawn["boxes"][0].set_label(label)
    axis.set_xticks(percent, [f"{at:.0f}" for at in percent])
