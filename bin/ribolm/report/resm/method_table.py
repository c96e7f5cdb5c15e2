"""One table of methods, as in all sections on RNA language models: values, intervals, arms that did not run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_table, write_words
from ribolm.report.folders.assessed_folder import AssessedFolder, Row

KINDS = {
    "model": "model",
    "random": "random weights",
    "random weights": "random weights",
    "floor": "floor",
    "baseline": "floor",
}
Columns = Mapping[str, Mapping[str, Any]]


def column(title: str, description: str = "", form: str = "{:.3f}") -> dict[str, str]:
    """Settings of a column of numbers."""
    return {"title": title, "format": form, **({"description": description} if description else {})}


def shown_name(method: str) -> str:
    """A method as people read it: names of files have no blanks, models with a contact head are named after them."""
    return method.removesuffix(".contacts").replace("_sequence_only", ", sequence only").replace("_", " ")


def interval(row: Row, metric: str, form: str = "{:z.3f}") -> str | None:
    """The interval of a metric as text, None where there is none."""
    low, high = row.get(f"{metric}_low"), row.get(f"{metric}_high")
    return None if low is None or high is None else f"{form.format(low)}\u00a0to\u00a0{form.format(high)}"


def with_intervals(
    metrics: Mapping[str, Mapping[str, Any]], what: str, hidden: Sequence[str] = ()
) -> dict[str, Mapping[str, Any]]:
    """Columns of metrics, each with its interval beside it; `what`: drawn in the bootstrap.

    Intervals of the metrics in `hidden` are shown on demand: a table wider than the page hides its last columns.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for name, settings in metrics.items():
        found[name] = settings
        beside = {"title": "95 % interval", "description": f"Bootstrap over {what}"}
        found[f"{name}_interval"] = {**beside, **({"hidden": True} if name in hidden else {})}
    return found


def with_note(section: Section, folders: Sequence[AssessedFolder]) -> Section:
    """A section on what has intervals, with the note of the first folder whose intervals are rough."""
    noted = next((folder for folder in folders if folder.content.get("interval_note")), folders[0])
    return replace(section, description=noted.with_note(section.description))


def cells(row: Row, columns: Columns) -> dict[str, Any]:
    """A row of a methods table as cells of `columns`."""
    found = {name: row.get(name) for name in columns}
    for name in columns:
        if name.endswith("_interval"):
            found[name] = interval(row, name.removesuffix("_interval"))
    kind = str(row.get("kind", ""))
    return {**found, "kind": KINDS.get(kind, kind)}


def write_method_table(
    outdir: Path, section: Section, folders: Sequence[AssessedFolder], columns: Columns, table: str = "methods"
) -> None:
    """Write a table of all folders, and below it what did not run; of several folders, rows name the set."""
    shown = {**columns, "kind": {"title": "Kind", "description": "Model, control or floor"}}
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        prefix = f"{folder.name}: " if len(folders) > 1 else ""
        rows |= {f"{prefix}{shown_name(str(row['method']))}": cells(row, shown) for row in folder.tables.get(table, ())}
        rows |= {f"{prefix}{arm}": {"kind": why} for arm, why in folder.not_run.items()}
    if not any(folder.tables.get(table) for folder in folders):
        write_words(outdir, section, "Nothing could be evaluated: no method answered for any row of the set.")
        return
    known = {name for row in rows.values() for name, value in row.items() if value is not None}
    write_table(outdir, section, rows, {name: shown[name] for name in shown if name in known}, "Method")
