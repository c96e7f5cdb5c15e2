"""Sections on the evaluation of whole windows: methods beside the published table, curves, differences, hexamers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_line_tabs, write_table, write_words
from ribolm.report.folders.evaluation_folder import CHANCE, DIAGONAL, WINDOWS, EvaluationFolder, Row

CHAPTER = "ribolm_polya_models"
METHODS = Section(
    "window_methods",
    CHAPTER,
    "Models of windows",
    "Every method over the same windows, with 95 % intervals from a bootstrap over {units}. "
    "Precision, recall and F1 are of the positive class, at the threshold of the evaluation.",
    "A language model that does not rank windows better than the 4-mer regression is not worth its cost.",
)
PUBLISHED_TABLE = Section(
    "window_published",
    CHAPTER,
    "Published: PolyA-GLM",
    "Means of five folds of sets that were not released (Saha et al. 2025, doi 10.1016/j.csbj.2025.12.011), gene "
    "negatives. They are no results of this run and were measured on other windows: read them beside, not against.",
    "The published AUC of tuned models is balanced accuracy, and is left out; precision and F1 are means over both "
    "classes. What was published of few-shot models stands in the section on those.",
)
CURVES = Section(
    "window_curves",
    CHAPTER,
    "ROC and precision-recall curves",
    "With the floors: baselines without a language model, shuffled labels, and what no knowledge gives.",
)
DIFFERENCES = Section(
    "window_differences",
    CHAPTER,
    "Differences between models of windows",
    "ROC-AUC of the reference minus that of each other method, from the same draws of {units}.",
)
HEXAMERS = Section(
    "window_hexamers",
    CHAPTER,
    "Per hexamer",
    "ROC-AUC among windows with one signal, where the signal itself tells nothing.",
)
# accuracy, precision, recall, F1
PUBLISHED: Mapping[str, tuple[float, float, float, float]] = {
    "tuned DNABERT-2": (0.7638, 0.7661, 0.7638, 0.7632),
    "tuned NT-100M": (0.7862, 0.7864, 0.7862, 0.7862),
    "tuned NT-500M": (0.7967, 0.7978, 0.7967, 0.7965),
    "tuned HyenaDNA": (0.7606, 0.7618, 0.7606, 0.7603),
}
SHARES = {"accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "f1": "F1"}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "roc_auc": {"title": "ROC-AUC", "description": "Area under the ROC curve", "format": "{:.3f}"},
    "roc_auc_interval": {"title": "95 % interval", "description": "Bootstrap over units"},
    "average_precision": {"title": "Average precision", "description": "Area under the curve", "format": "{:.3f}"},
    "average_precision_interval": {"title": "95 % interval", "description": "Bootstrap over units"},
    **{key: {"title": title, "format": "{:.3f}"} for key, title in SHARES.items()},
    "macro_f1": {"title": "F1, both classes", "description": "Mean of the classes' F1", "format": "{:.3f}"},
    "n": {"title": "n", "description": "Windows", "format": "{:,.0f}"},
    "n_sites": {"title": "Positives", "format": "{:,.0f}"},
    "n_clusters": {"title": "Units", "description": "Drawn as one", "format": "{:,.0f}"},
    "seeds": {"title": "Seeds", "format": "{:,.0f}"},
    "n_seen": {"title": "Seen in training", "description": "Windows it was trained on", "format": "{:,.0f}"},
    "parameters": {"title": "Parameters", "description": "Numbers that were fitted", "format": "{:,.0f}"},
    "kind": {"title": "Kind", "description": "What sort of method it is"},
}


def write_window_sections(outdir: Path, folders: Sequence[EvaluationFolder]) -> None:
    """Write all sections of the sets whose folders `ribolm-evaluate sequences` wrote; of several, rows name the set."""
    cells = {f"{_set(folder, folders)}{row['method']}": _cells(row) for folder in folders for row in _methods(folder)}
    if not any(row["n"] for row in cells.values()):
        write_words(
            outdir,
            _with_units(METHODS, folders),
            "No window has both a score and a label, so there is nothing to evaluate.",
        )
        return
    known = {key for row in cells.values() for key, value in row.items() if value is not None}
    rough = next((folder for folder in folders if folder.with_note("")), folders[0])
    methods = _with_units(METHODS, folders)
    columns = {key: COLUMNS[key] for key in COLUMNS if key in known}
    columns |= {"n_clusters": {**COLUMNS["n_clusters"], "description": f"Drawn as one: {_units(folders)}"}}
    write_table(outdir, replace(methods, description=rough.with_note(methods.description)), cells, columns, "Method")
    published = {f"{name} (published)": dict(zip(SHARES, values, strict=True)) for name, values in PUBLISHED.items()}
    write_table(outdir, PUBLISHED_TABLE, published, {key: COLUMNS[key] for key in SHARES}, "Model")
    _write_curves(outdir, folders)
    _write_differences(outdir, folders)
    _write_hexamers(outdir, folders)


def _units(folders: Sequence[EvaluationFolder]) -> str:
    """What the bootstrap draws, in words; folders of earlier versions do not tell."""
    return " or ".join(dict.fromkeys(str(folder.content.get("units") or "what folds keep whole") for folder in folders))


def _with_units(section: Section, folders: Sequence[EvaluationFolder]) -> Section:
    return replace(section, description=section.description.format(units=_units(folders)))


def _set(folder: EvaluationFolder, folders: Sequence[EvaluationFolder]) -> str:
    """What stands before the name of a row: the set, where there are several."""
    return f"{folder.path.name}: " if len(folders) > 1 else ""


def _methods(folder: EvaluationFolder) -> list[Row]:
    return folder.rows("methods", universe=WINDOWS)


def _cells(row: Row) -> dict[str, Any]:
    found = {key: row.get(key) for key in COLUMNS}
    for metric in ("roc_auc", "average_precision"):
        found[f"{metric}_interval"] = _interval(row.get(f"{metric}_low"), row.get(f"{metric}_high"))
    return found


def _interval(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.3f}\u00a0to\u00a0{high:.3f}"


def _write_curves(outdir: Path, folders: Sequence[EvaluationFolder]) -> None:
    tabs = {}
    colours: dict[str, str] = {}
    dashes: dict[str, str] = {}
    for folder in folders:
        for curve, title in (("roc", "ROC: true against false positive rate"), ("pr", "Precision against recall")):
            rows = folder.rows("curves", universe=WINDOWS, curve=curve)
            names = dict.fromkeys(str(row["method"]) for row in rows)
            lines = {name: [(row["x"], row["y"]) for row in rows if row["method"] == name] for name in names}
            level = float(_methods(folder)[0]["prevalence"] or 0.0)
            floor = [(0.0, 0.0), (1.0, 1.0)] if curve == "roc" else [(0.0, level), (1.0, level)]
            tabs[f"{_set(folder, folders)}{title}"] = {**lines, DIAGONAL if curve == "roc" else CHANCE: floor}
        colours, dashes = (known | more for known, more in zip((colours, dashes), folder.styles(), strict=True))
    limits = {"xmin": 0, "xmax": 1, "ymin": 0, "ymax": 1, "tt_decimals": 3}
    labels = ("False positive rate, or recall", "True positive rate, or precision")
    write_line_tabs(outdir, CURVES, tabs, colours, labels, dashes, smooth_points=400, **limits)


def _write_differences(outdir: Path, folders: Sequence[EvaluationFolder]) -> None:
    rows = {
        f"{_set(folder, folders)}{row['method']} − {row['other']}": {
            "difference": row["difference"],
            "interval": _interval(row["low"], row["high"]),
            "p_value": row["p_value"],
        }
        for folder in folders
        for row in folder.rows("differences", universe=WINDOWS, metric="roc_auc")
    }
    columns: Mapping[str, Mapping[str, Any]] = {
        "difference": {"title": "Difference", "description": "In ROC-AUC", "format": "{:.3f}"},
        "interval": {"title": "95 % interval", "description": "Paired bootstrap over units"},
        "p_value": {"title": "p-value", "description": "Two-sided, from the draws", "format": "{:.3g}"},
    }
    write_table(outdir, _with_units(DIFFERENCES, folders), rows, columns, "Methods")


def _write_hexamers(outdir: Path, folders: Sequence[EvaluationFolder]) -> None:
    rows: dict[str, dict[str, Any]] = {}
    columns: dict[str, Mapping[str, Any]] = {key: COLUMNS[key] for key in ("n", "n_sites")}
    for folder in folders:
        for row in folder.rows("strata", universe=WINDOWS, stratum="hexamer"):
            name = f"{_set(folder, folders)}{row['name']}"
            cells = rows.setdefault(name, {key: row[key] for key in ("n", "n_sites")})
            cells[str(row["method"])] = row["roc_auc"]
            columns[str(row["method"])] = {"title": str(row["method"]), "description": "ROC-AUC", "format": "{:.3f}"}
    if rows:
        write_table(outdir, HEXAMERS, rows, columns, "Hexamer")
