"""The strandedness of every library in the report, from the files that `ribolm-preprocess strandedness` writes."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.report.drawing.multiqc import Section, write_bars, write_general_statistics, write_table, write_words
from ribolm.report.folders.json_object import read_json_object

SECTION = Section(
    "strandedness",
    "ribolm_libraries",
    "Strandedness",
    "Share of fragments whose read 1 lies on the strand of the gene (forward) or on the other strand (reverse), over "
    "exons of genes on one strand only. dUTP protocols are reverse; about half and half is unstranded.",
    "What these shares say stands in the table below. Peak calling takes the value of the samplesheet or of "
    "--strandedness where one was given, and infers it otherwise. Where the reads contradict a given value, mend it. "
    "Libraries of one protocol should agree; one that differs may be mislabelled.",
)
TABLE = Section(
    "strandedness_table",
    "ribolm_libraries",
    "Strandedness: numbers",
    "What the reads of every library say, and why.",
)
CATEGORIES = {
    "forward": {"name": "read 1 on the strand of the gene", "color": "#1b7f79"},
    "reverse": {"name": "read 1 on the other strand", "color": "#e08e2b"},
}
COLUMNS: dict[str, dict[str, Any]] = {
    "strandedness": {"title": "Inferred", "description": "Inferred from the reads"},
    "forward": {"title": "Forward", "description": "Share of fragments", "suffix": " %", "format": "{:,.1f}"},
    "reverse": {"title": "Reverse", "description": "Share of fragments", "suffix": " %", "format": "{:,.1f}"},
    "fragments": {"title": "Fragments (n)", "description": "Fragments that could be judged", "format": "{:,.0f}"},
    "reason": {"title": "Reason", "description": "How the value was found"},
}


def write_strandedness_report(outdir: Path, paths: Sequence[Path]) -> None:
    """Write the bars, the table and a column of the first table. Raises DataError for a file of another kind."""
    rows = {}
    for path in paths:
        content = read_json_object(path)
        if "library" not in content or "strandedness" not in content:
            raise DataError(
                f"{path}: has no 'library' and 'strandedness'. Give files of `ribolm-preprocess strandedness`."
            )
        rows[str(content["library"])] = content
    rows = dict(sorted(rows.items()))
    bars = {name: _shares(row) for name, row in rows.items() if row.get("fragments")}
    if bars:
        settings = {"cpswitch": False, "ysuffix": " %", "ymin": 0, "ymax": 100, "sort_samples": False, "tt_decimals": 1}
        write_bars(outdir, SECTION, bars, CATEGORIES, "% of fragments", **settings)
    else:
        write_words(outdir, SECTION, "No library has a fragment on an exon, so strandedness cannot be seen.")
    if rows:
        write_table(outdir, TABLE, {name: _row(row) for name, row in rows.items()}, COLUMNS, "Library")
    general = {name: {"strandedness": row["strandedness"]} for name, row in rows.items()}
    column = {"title": "Strandedness", "description": "Strand of read 1 with respect to its transcript", "scale": False}
    write_general_statistics(outdir, "general_strandedness", general, {"strandedness": column})


def _shares(row: dict[str, Any]) -> dict[str, float]:
    return {key: 100 * float(row.get(f"fraction_{key}") or 0.0) for key in CATEGORIES}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    judged = bool(row.get("fragments"))
    shares = _shares(row) if judged else {}
    text = {"strandedness": str(row["strandedness"]), "reason": html.escape(str(row.get("reason") or ""))}
    return {**text, **shares, "fragments": row.get("fragments") or 0}
