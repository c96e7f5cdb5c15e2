"""Custom content for MultiQC: every section of ours is one `*_mqc.json` file, written here.

MultiQC merges files of one id, so that commands run once per group still fill one plot. Empty data never reaches it
(it would warn, and fail with --strict): a section without data says so in words instead.
"""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.files import write_json
from ribolm.report.drawing.palette import SEQUENTIAL

Number = float | int | None

CHAPTERS = {
    "ribolm_headline": ("Results at a glance", "The numbers to read first."),
    "ribolm_libraries": (
        "m6A libraries",
        "Whether the immunoprecipitation worked, and whether the libraries agree with each other.",
    ),
    "ribolm_peaks": (
        "m6A peaks",
        "How many peaks were called, how long they are, and where in transcripts they lie.",
    ),
    "ribolm_motif": (
        "m6A motif",
        "The methyltransferase writes m6A in DRACH (D = A, G or U; R = A or G; H = A, C or U). True m6A peaks hold "
        "more of it than the same transcripts do elsewhere.",
    ),
    "ribolm_metagene": (
        "m6A along transcripts",
        "In most mammalian tissues m6A gathers around the stop codon and in the 3'UTR.",
    ),
    "ribolm_sites": (
        "m6A sites",
        "How well scores of single positions find known sites: always with the universe of candidates, its prevalence, "
        "and the floors that need no model.",
    ),
    "ribolm_polya_sets": (
        "Poly(A) data sets",
        "Which known poly(A) sites could be used, what their negatives are, and how the letters of both differ.",
    ),
    "ribolm_polya_models": (
        "Poly(A) models",
        "How well windows around poly(A) sites are told from others, beside what needs no language model.",
    ),
    "ribolm_polya_tokens": (
        "Poly(A) sites base by base",
        "How well models that answer for every base find sites in whole genes, exactly and within some bases.",
    ),
    "ribolm_polya_scan": (
        "Poly(A) sites of genomes",
        "What a scan found, how much of it may be false, and how it compares with known sites.",
    ),
    "ribolm_polya_explain": (
        "What poly(A) models look at",
        "How much of a model's answer hangs on the signal, and on which other letters.",
    ),
    "ribolm_rna_structures": (
        "RNA structures",
        "Which bases pair: predictions for your RNAs, and how predictions compare with known structures, always beside "
        "thermodynamic folding.",
    ),
    "ribolm_rna_embeddings": (
        "RNA embeddings",
        "Where models place RNAs among each other.",
    ),
    "ribolm_rna_zeroshot": (
        "RNAs without training",
        "What language models know of RNAs before anything is learnt from labels, always beside what needs no model "
        "and beside random weights.",
    ),
    "ribolm_rna_values": (
        "Measured values of RNAs",
        "How well values such as ribosome load are predicted from sequence.",
    ),
    "ribolm_training": (
        "Training of the models",
        "Whether the models learnt, how long it took, and what was chosen automatically.",
    ),
    "ribolm_methods": (
        "Methods and limits",
        "What was done, with which versions and parameters, and what it cannot show.",
    ),
}


LEGEND_LINES = 24
COMMA = "&#44;"
SLASH = "&#47;"


@dataclass(frozen=True)
class Section:
    """Name and text of one section. `key` becomes the id `ribolm_<key>`; `chapter` is a key of `CHAPTERS`.

    `file_stem` ("" = key) names the file, so that runs for several groups do not overwrite each other.
    """

    key: str
    chapter: str
    title: str
    description: str
    helptext: str = ""
    file_stem: str = ""

    @property
    def id(self) -> str:
        """The id of the section in the report."""
        return f"ribolm_{slug(self.key)}"

    def path(self, outdir: Path) -> Path:
        """Where the section's file goes."""
        return outdir / f"{self.file_stem or slug(self.key)}_mqc.json"


def interval_text(low: float | None, high: float | None, unit: str = "") -> str | None:
    """An interval for a table cell, None where it is not defined."""
    return None if low is None or high is None else f"{low:z.2f}\u00a0to\u00a0{high:z.2f}{unit}"


def p_value_text(p_value: float | None, draws: int) -> str | None:
    """A Monte Carlo p-value for a table cell; the smallest that the draws allow is shown as a bound."""
    if p_value is None:
        return None
    return f"≤\u00a0{1 / draws:.2g}" if p_value <= 1 / draws else f"{p_value:.2g}"


def slug(name: str) -> str:
    """A name as part of an id: small letters, digits, underscores; a digest keeps names apart that were changed."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}".lstrip("_")


def write_bars(
    outdir: Path,
    section: Section,
    bars: Mapping[str, Mapping[str, Number]],
    categories: Mapping[str, Mapping[str, str]],
    y_label: str,
    **plot: Any,
) -> None:
    """Stacked bars: bars[name][category], categories[category] = {"name", "color"} in stacking order."""
    settings = {"ylab": y_label, "use_legend": len(categories) > 1, **plot}
    _write(outdir, section, "bargraph", _filled(bars), settings, categories=dict(categories))


def write_lines(
    outdir: Path,
    section: Section,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    colours: Mapping[str, str],
    labels: tuple[str, str],
    **plot: Any,
) -> None:
    """Lines: lines[name] = [(x, y), …], axis labels (x, y)."""
    drawn = {name: [[float(x), float(y)] for x, y in points] for name, points in lines.items() if len(points)}
    legend = len(drawn) <= LEGEND_LINES
    settings = {
        "showlegend": legend,
        "xlab": labels[0],
        "ylab": labels[1],
        "colors": {name: colours[name] for name in drawn},
        **plot,
    }
    _write(outdir, section, "linegraph", drawn, settings)


def write_line_tabs(
    outdir: Path,
    section: Section,
    tabs: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]],
    colours: Mapping[str, str],
    labels: tuple[str, str],
    dashes: Mapping[str, str] | None = None,
    **plot: Any,
) -> None:
    """Lines of several data sets behind tabs: tabs[tab][name] = [(x, y), …]; `dashes` names lines that are broken.

    With a single tab the plot has no switch.
    """
    drawn = {
        tab: {name: [[float(x), float(y)] for x, y in points] for name, points in lines.items() if len(points)}
        for tab, lines in tabs.items()
    }
    drawn = {tab: lines for tab, lines in drawn.items() if lines}
    names = {name for lines in drawn.values() for name in lines}
    settings: dict[str, Any] = {
        "showlegend": len(names) <= LEGEND_LINES,
        "xlab": labels[0],
        "ylab": labels[1],
        "colors": {name: colour for name, colour in colours.items() if name in names},
        "dash_styles": {name: dash for name, dash in (dashes or {}).items() if name in names},
        **plot,
    }
    if len(drawn) > 1:
        settings["data_labels"] = [{"name": tab, "xlab": labels[0], "ylab": labels[1]} for tab in drawn]
    data = list(drawn.values())
    _write(outdir, section, "linegraph", data if len(data) > 1 else next(iter(data), {}), settings)


def write_table(
    outdir: Path,
    section: Section,
    rows: Mapping[str, Mapping[str, Any]],
    columns: Mapping[str, Mapping[str, Any]],
    first_column: str,
) -> None:
    """A table: rows[name][column]; columns[column] = MultiQC header settings (title, description, format, …).

    Commas of text are written as entities, for MultiQC takes a plain one for a mark of thousands and drops it.
    """
    headers = _placed(columns, scale=False)
    settings = {"col1_header": first_column, "no_violin": True, "save_file": False, "sort_rows": False}
    cells = {
        name: {key: value.replace(",", COMMA) if isinstance(value, str) else value for key, value in row.items()}
        for name, row in _filled(rows).items()
    }
    _write(outdir, section, "table", cells, settings, headers=headers)


def write_heatmap(outdir: Path, section: Section, names: Sequence[str], matrix: Sequence[Sequence[float]]) -> None:
    """A square heatmap of correlations, rows and columns in the order of `names`."""
    lowest = min(min(row) for row in matrix)
    settings = {
        "min": min(0.0, lowest),
        "max": 1,
        "square": True,
        "colstops": [[0, SEQUENTIAL[0]], [1, SEQUENTIAL[1]]],
        "display_values": len(names) <= 24,
        "tt_decimals": 3,
        "cluster_rows": False,
        "cluster_cols": False,
    }
    cells = [[round(float(value), 6) for value in row] for row in matrix]
    _write(outdir, section, "heatmap", cells, settings, xcats=list(names), ycats=list(names))


def write_html(outdir: Path, section: Section, body: str) -> None:
    """A section of HTML."""
    _write(outdir, section, "html", body, {})


def write_words(outdir: Path, section: Section, sentence: str) -> None:
    """A section that has nothing to show and says why."""
    write_html(outdir, section, f'<div class="alert alert-info" role="note">{html.escape(sentence)}</div>')


def write_general_statistics(
    outdir: Path, file_stem: str, rows: Mapping[str, Mapping[str, Any]], columns: Mapping[str, Mapping[str, Any]]
) -> None:
    """Columns for MultiQC's first table, one row per library."""
    rows = _filled(rows)
    if rows:
        headers = {
            key: {"placement": 10.0 * i, "namespace": "ribolm", **c} for i, (key, c) in enumerate(columns.items())
        }
        content = {"id": f"ribolm_{slug(file_stem)}", "plot_type": "generalstats", "headers": headers, "data": rows}
        write_json(outdir / f"{file_stem}_mqc.json", content, sort_keys=False)


def _placed(columns: Mapping[str, Mapping[str, Any]], **defaults: Any) -> dict[str, dict[str, Any]]:
    """Column settings that fix the order of the columns."""
    return {key: {"placement": 10.0 * i, **defaults, **value} for i, (key, value) in enumerate(columns.items())}


def _filled(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows without their empty cells, which MultiQC leaves blank only when they are absent."""
    return {name: {key: value for key, value in row.items() if value is not None} for name, row in rows.items()}


def _shown(named: Any) -> Any:
    """The same with keys as MultiQC shows them whole, where they are names.

    It writes them into the page as they are, and takes them for paths of which it keeps the last part.
    """
    if not isinstance(named, dict):
        return named
    return {html.escape(key, quote=False).replace("/", SLASH): value for key, value in named.items()}


def _write(outdir: Path, section: Section, plot_type: str, data: Any, plot: dict[str, Any], **more: Any) -> None:
    data = [_shown(part) for part in data] if isinstance(data, list) else _shown(data)
    plot |= {key: _shown(plot[key]) for key in ("colors", "dash_styles") if key in plot}
    if not data:
        write_words(outdir, section, "There is nothing to show: no data reached this section.")
        return
    chapter_name, chapter_description = CHAPTERS[section.chapter]
    content: dict[str, Any] = {
        "id": section.id,
        "parent_id": section.chapter,
        "parent_name": chapter_name,
        "parent_description": chapter_description,
        "section_name": section.title,
        "description": section.description,
        "plot_type": plot_type,
    }
    if section.helptext:
        content["helptext"] = section.helptext
    if plot_type != "html":
        content["pconfig"] = {"id": f"{section.id}_plot", "title": f"ribolm: {section.title}", **plot}
    write_json(section.path(outdir), {**content, **more, "data": data}, sort_keys=False)
