"""Sections on models that answer for every base: what they are worth at each tolerance, in pairs, and their curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import Section, slug, write_html, write_table, write_words
from ribolm.report.folders.token_folder import PUBLISHED, TokenFolder
from ribolm.report.polya.token_figure import draw_token_curves

CHAPTER = "ribolm_polya_tokens"
METHODS = Section(
    "token_methods",
    CHAPTER,
    "Sites base by base",
    "Models that answer for every base of whole genes that they have not seen. At ±0 nt every base counts; at ±t nt "
    "a site is the best score within t nt on its strand, and every other stretch of about 2 t + 1 bases one negative, "
    "with the best of its own, so that chance gains as much in both. Intervals (95 %) from a bootstrap over genes. "
    "Precision and recall of the positive class: at the threshold that each model took from its development genes.",
    "Sites are rare: read average precision beside the prevalence, which scores without any knowledge reach, and "
    "beside the rule of candidates, which needs no model. The row marked 'published, other data' is of Saha et al. "
    "2025 (doi 10.1016/j.csbj.2025.12.011): HyenaDNA, causal, without a delay, on genes that were not released.",
)
CURVES = Section(
    "token_curves",
    CHAPTER,
    "Precision and recall of bases",
    "Solid: models; dotted: the rule of candidates and shuffled labels; dashed: the prevalence, the floor. The hollow "
    "mark is the published point, of other data.",
)
DIFFERENCES = Section(
    "token_differences",
    CHAPTER,
    "Causal against bidirectional",
    "The reference minus each other method at the same tolerance, from the same draws of genes.",
    "A causal backbone reads its answer some bases later and on both strands, so that it has seen what follows a site.",
)
# sites are so rare that four decimals of their precision are often none
FOUR, SHORT, COUNT = {"format": "{:.4f}"}, {"format": "{:.3g}"}, {"format": "{:,.0f}"}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "source": {"title": "Data", "description": "This run, or published on data that were not released"},
    "average_precision": {"title": "Average precision", "description": "Of the ranking", **SHORT},
    "average_precision_interval": {"title": "95 % interval", "description": "Bootstrap over genes"},
    "roc_auc": {"title": "ROC-AUC", "description": "Of the ranking", **FOUR},
    "roc_auc_interval": {"title": "95 % interval", "description": "Bootstrap over genes"},
    "precision_at_recall_16": {"title": "P at R 16 %", "description": "Precision at the published recall", **SHORT},
    "precision": {"title": "Precision", "description": "Of the calls, positive class", **SHORT},
    "recall": {"title": "Recall", "description": "Of the calls, positive class", **FOUR},
    "true_positives": {"title": "Found", "description": "Sites that are called", **COUNT},
    "false_positives": {"title": "False", "description": "Calls that are no site", **COUNT},
    "n": {"title": "n", "description": "Bases, or windows of a tolerance", **COUNT},
    "n_sites": {"title": "Sites", **COUNT},
    "n_genes": {"title": "Genes", "description": "Overlapping genes count as one", **COUNT},
    "prevalence": {"title": "Prevalence", "description": "Sites among n", "format": "{:.2e}"},
}
DIFFERENCE_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "average_precision": {"title": "Average precision", "description": "Difference", **SHORT},
    "average_precision_interval": {"title": "95 % interval", "description": "Paired bootstrap over genes"},
    "average_precision_p": {"title": "p-value", "description": "Two-sided, from the draws", "format": "{:.3g}"},
    "roc_auc": {"title": "ROC-AUC", "description": "Difference", **FOUR},
    "roc_auc_interval": {"title": "95 % interval", "description": "Paired bootstrap over genes"},
    "roc_auc_p": {"title": "p-value", "description": "Two-sided, from the draws", "format": "{:.3g}"},
}


def write_token_sections(outdir: Path, folders: Sequence[TokenFolder]) -> None:
    """Write the sections of all genomes, and their curves, token_curves_<name>.png."""
    drawn = [folder for folder in folders if any(row["n_sites"] for row in folder.methods)]
    if not drawn:
        write_words(outdir, METHODS, "No whole gene of the tested folds holds a known site: nothing can be evaluated.")
        return
    rows = {_name(folder, row, len(folders)): _cells(row) for folder in folders for row in folder.methods}
    rows["HyenaDNA, ±0 nt (published, other data)"] = {"source": "published, other data", **PUBLISHED}
    known = {key for row in rows.values() for key, value in row.items() if value is not None}
    notes = [str(note) for folder in folders if (note := folder.content.get("interval_note"))]
    section = replace(METHODS, description=" ".join([METHODS.description, *dict.fromkeys(notes)]))
    write_table(outdir, section, rows, {key: COLUMNS[key] for key in COLUMNS if key in known}, "Method and tolerance")
    pictures = []
    for folder in drawn:
        path = outdir / f"token_curves_{slug(folder.name)}.png"
        draw_token_curves(path, folder)
        pictures.append(captioned(path, f"Precision against recall of {folder.name}, by tolerance"))
    write_html(outdir, CURVES, "\n".join(pictures))
    write_table(outdir, DIFFERENCES, _differences(folders), DIFFERENCE_COLUMNS, "Methods and tolerance")


def _name(folder: TokenFolder, row: Mapping[str, Any], n_folders: int) -> str:
    genome = f"{folder.name}: " if n_folders > 1 else ""
    return f"{genome}{row['method']}, ±{row['tolerance_nt']:.0f} nt"


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: row.get(key) for key in COLUMNS}
    for metric in ("average_precision", "roc_auc"):
        found[f"{metric}_interval"] = _interval(row.get(f"{metric}_low"), row.get(f"{metric}_high"))
    return {**found, "source": "this run"}


def _interval(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.3g}\u00a0to\u00a0{high:.3g}"


def _differences(folders: Sequence[TokenFolder]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        genome = f"{folder.name}: " if len(folders) > 1 else ""
        for row in folder.differences:
            if row["metric"] in ("average_precision", "roc_auc"):
                name = f"{genome}{row['method']} − {row['other']}, ±{row['tolerance_nt']:.0f} nt"
                metric = str(row["metric"])
                more = {f"{metric}_interval": _interval(row["low"], row["high"]), f"{metric}_p": row["p_value"]}
                rows.setdefault(name, {}).update({metric: row["difference"], **more})
    return rows
