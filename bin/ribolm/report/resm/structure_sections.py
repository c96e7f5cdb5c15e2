"""Sections on what predicted structures are worth: methods and floors, by length and family, beside the published."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import Section, interval_text, slug, write_html, write_table
from ribolm.report.folders.assessed_folder import AssessedFolder, Row
from ribolm.report.resm.method_table import cells, column, shown_name, with_intervals, with_note
from ribolm.report.resm.structure_figure import draw_strata

CHAPTER = "ribolm_rna_structures"
METHODS = Section(
    "structure_methods",
    CHAPTER,
    "Predicted against known structures",
    "Every method on the same RNAs. F1 of the pairs of each RNA, all brackets counted, then the mean over RNAs; "
    "intervals (95 %) from a bootstrap over distinct sequences. RNAs without known pairs are left out. Sequence only: "
    "the same model without ViennaRNA's pair probabilities.",
    "Thermodynamic folding needs no training and is the floor; a model of random start tells what pretraining adds. "
    "The pooled F1 lets long RNAs weigh more, the mean over families lets each family count once.",
)
FIGURE = Section(
    "structure_figure",
    CHAPTER,
    "F1 by length and family",
    "Means over the RNAs of a bin, with 95 % intervals; bins of few RNAs have wide ones.",
)
DIFFERENCES = Section(
    "structure_differences",
    CHAPTER,
    "Differences between predictions of structure",
    "F1 per RNA of the first method minus each other one, from the same draws of RNAs.",
)
PUBLISHED_TABLE = Section(
    "structure_published",
    CHAPTER,
    "Published: structures of bpRNA's TS0",
    "Mean F1 per RNA on the TS0 set, measured by others: fully fine-tuned models, or a frozen language model under "
    "one small head (Zablocki et al. 2025). No results of this run; with other rules for the same data they do not "
    "compare to the third digit.",
    "MXfold2's 0.551 is of every fourth RNA of TS0. Families that a model has seen in training are not kept out of "
    "TS0.",
)
# method, how it was trained, F1
PUBLISHED: tuple[tuple[str, str, float], ...] = (
    ("AIDO.RNA", "fully fine-tuned", 0.783),
    ("RiNALMo", "fully fine-tuned", 0.747),
    ("RNA-FM", "fully fine-tuned", 0.676),
    ("BPfold", "fully fine-tuned", 0.658),
    ("UFold", "fully fine-tuned", 0.654),
    ("RNAErnie", "fully fine-tuned", 0.622),
    ("SPOT-RNA", "fully fine-tuned", 0.619),
    ("MXfold2", "every fourth RNA", 0.551),
    ("ERNIE-RNA", "frozen, small head", 0.628),
    ("RiNALMo, frozen", "frozen, small head", 0.599),
    ("RNA-FM, frozen", "frozen, small head", 0.522),
    ("RNA-MSM", "frozen, small head", 0.426),
    ("one-hot", "small head", 0.351),
)
METRICS = {
    "f1": column("F1", "Mean over RNAs"),
    "f1_within_1": column("F1 ±1", "One base of a pair may be off by one"),
    "pooled_f1": column("Pooled F1", "Pairs of all RNAs together"),
    "family_f1": column("F1 by family", "Mean over families"),
}
COLUMNS = {
    **with_intervals(METRICS, "RNAs", hidden=("f1_within_1", "pooled_f1", "family_f1")),
    "precision": column("Precision", "Mean over RNAs"),
    "recall": column("Recall", "Mean over RNAs"),
    "n": column("n", "RNAs with known pairs", "{:,.0f}"),
    "n_families": column("Families", form="{:,.0f}"),
}
DIFFERENCE_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "difference": column("Difference", "In mean F1"),
    "interval": {"title": "95 % interval", "description": "Paired bootstrap over RNAs"},
    "p_value": column("p-value", "Two-sided, from the draws", "{:.3g}"),
}
NOT_GIVEN = "not run: no method of this name was evaluated"
ABSENT = "not run: weights absent or given under another name"
# arms that a reader expects, and no more of a cause than is known here where they are not there
ARMS = {
    "random start": NOT_GIVEN,
    "LinearPartition": "not run: not installed or not asked for (--linearpartition)",
    "ESM-2, mapped": ABSENT,
    "ESM-2, unmapped": ABSENT,
}


def write_structure_sections(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write the sections of all tested sets, and their figures, structure_f1_<set>.png; nothing without a set."""
    if not folders:
        return
    shown: dict[str, Mapping[str, Any]] = {
        **COLUMNS,
        "state": {"title": "Not run", "description": "What is known of it"},
    }
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        prefix = f"{folder.name}: " if len(folders) > 1 else ""
        for method, row in method_rows(folder).items():
            rows[f"{prefix}{method}"] = {key: value for key, value in cells(row, COLUMNS).items() if key != "kind"}
    present = " ".join(rows)
    rows |= {name: {"state": why} for name, why in ARMS.items() if name not in present}
    known = {name for row in rows.values() for name, value in row.items() if value is not None}
    columns = {name: shown[name] for name in shown if name in known}
    write_table(outdir, with_note(METHODS, folders), rows, columns, "Method")
    _write_figures(outdir, folders)
    differences = _differences(folders)
    if differences:
        write_table(outdir, DIFFERENCES, differences, DIFFERENCE_COLUMNS, "Methods")
    published = {
        f"{method} (published)": {"source": "published", "how": how, "f1": f1} for method, how, f1 in PUBLISHED
    }
    write_table(outdir, PUBLISHED_TABLE, published, PUBLISHED_COLUMNS, "Method")


PUBLISHED_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "source": {"title": "Data", "description": "Published"},
    "how": {"title": "Training", "description": "As published"},
    "f1": METRICS["f1"],
}


def method_rows(folder: AssessedFolder) -> dict[str, Row]:
    """One row per method out of the metrics, which have one row per number."""
    found: dict[str, dict[str, Any]] = {}
    for one in folder.content.get("metrics") or ():
        row = found.setdefault(shown_name(str(one["method"])), {"n": one["n"], "n_families": one["n_families"] or None})
        metric = str(one["metric"])
        row |= {metric: one["value"], f"{metric}_low": one["low"], f"{metric}_high": one["high"]}
        row |= {"threshold": one["threshold"]} if one.get("threshold") is not None else {}
    return dict(found)


def _write_figures(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    pictures = []
    for folder in folders:
        strata = [{**row, "method": shown_name(str(row["method"]))} for row in folder.content.get("strata") or ()]
        if strata:
            path = outdir / f"structure_f1_{slug(folder.name)}.png"
            draw_strata(path, folder.name, strata)
            pictures.append(captioned(path, f"F1 of methods by length and family of the RNAs of {folder.name}"))
    if pictures:
        write_html(outdir, FIGURE, "\n".join(pictures))


def _differences(folders: Sequence[AssessedFolder]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        prefix = f"{folder.name}: " if len(folders) > 1 else ""
        for row in folder.content.get("differences") or ():
            if row["metric"] == "f1":
                name = f"{prefix}{shown_name(row['method'])} − {shown_name(row['other'])}"
                bounds = interval_text(row["low"], row["high"])
                rows[name] = {"difference": row["difference"], "interval": bounds, "p_value": row["p_value"]}
    return rows
