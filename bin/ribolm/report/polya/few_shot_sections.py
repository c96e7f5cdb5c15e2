"""Section on few-shot classification: backbones of this run beside the published ones, which saw other data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.report.drawing.multiqc import Section, write_table
from ribolm.report.folders.json_object import read_json_object

CHAPTER = "ribolm_polya_models"
FEW_SHOT = Section(
    "fewshot",
    CHAPTER,
    "Few-shot classification",
    "Backbones as they are, without training: a window is called a site where its embedding is nearer, by cosine, to "
    "the mean of {shots} windows with a site than to that of {shots} without (p > 0.5). Means over {draws} draws on "
    "each of {folds} folds. ROC-AUC and average precision rank the windows by the difference of both cosines; "
    "precision, recall and F1 are of the positive class, the last F1 is the mean of both classes'.",
    "Rows marked 'published, other data' are of Saha et al. 2025 (doi 10.1016/j.csbj.2025.12.011, table 1), measured "
    "on sets that were not released: read them beside, not against. One published recall is a misprint; the value that "
    "precision and F1 imply is shown. A backbone whose ROC-AUC stays near 0.5 does not tell the classes apart.",
)
SHOWN = ("roc_auc", "average_precision", "accuracy", "precision", "recall", "f1")
# ROC-AUC, accuracy, precision, recall, F1: sets with negatives in genes (G-G), then between genes (IG-G)
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float, float, float]]] = {
    "DNABERT-2": {
        "gene": (0.4876, 0.4994, 0.4997, 0.8885, 0.6396),
        "intergene": (0.4650, 0.4787, 0.4840, 0.6651, 0.5606),
    },
    "NT-500M": {
        "gene": (0.6801, 0.6043, 0.6626, 0.4252, 0.5180),
        "intergene": (0.6723, 0.5967, 0.6472, 0.4252, 0.5132),
    },
    "HyenaDNA": {
        "gene": (0.7510, 0.6769, 0.6896, 0.6434, 0.6657),
        "intergene": (0.7541, 0.6988, 0.7235, 0.643, 0.6811),
    },
}
PUBLISHED_METRICS = ("roc_auc", "accuracy", "precision", "recall", "f1")
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "source": {"title": "Data", "description": "This run, or published on data that were not released"},
    "roc_auc": {"title": "ROC-AUC", "description": "Of the ranking", "format": "{:.3f}"},
    "roc_auc_sd": {"title": "SD", "description": "Of the ROC-AUC over draws and folds", "format": "{:.3f}"},
    "average_precision": {"title": "Average precision", "description": "Of the ranking", "format": "{:.3f}"},
    "accuracy": {"title": "Accuracy", "description": "At p > 0.5, of all windows", "format": "{:.3f}"},
    "precision": {"title": "Precision", "description": "At p > 0.5, positive class", "format": "{:.3f}"},
    "recall": {"title": "Recall", "description": "At p > 0.5, positive class", "format": "{:.3f}"},
    "f1": {"title": "F1", "description": "At p > 0.5, positive class", "format": "{:.3f}"},
    "macro_f1": {"title": "F1, both classes", "description": "At p > 0.5, mean of the classes", "format": "{:.3f}"},
    "n": {"title": "n", "description": "Windows", "format": "{:,.0f}"},
    "prevalence": {"title": "Prevalence", "description": "Share of windows with a site", "format": "{:.3f}"},
}


@dataclass(frozen=True)
class FewShotFolder:
    """What `ribolm-evaluate fewshot` wrote: settings, and the rows of its summary by metric."""

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]


def read_few_shot(path: Path) -> FewShotFolder:
    """Read the folder. Raises DataError for one of another command."""
    content = read_json_object(require_file(path / "metrics.json"))
    if content.get("kind") != "fewshot":
        raise DataError(f"{path / 'metrics.json'}: is not of `ribolm-evaluate fewshot`. Give the folder that it wrote.")
    return FewShotFolder(path.name, content["settings"], {row["metric"]: row for row in content["metrics"]})


def write_few_shot_section(outdir: Path, folders: Sequence[FewShotFolder]) -> None:
    """Write one table of all sets and backbones, the published ones below them."""
    rows = {folder.name: _row(folder) for folder in folders}
    for model, sets in PUBLISHED.items():
        for kind, values in sets.items():
            place = "in genes" if kind == "gene" else "between genes"
            cells = dict(zip(PUBLISHED_METRICS, values, strict=True))
            rows[f"{model}, negatives {place} (published, other data)"] = {"source": "published, other data", **cells}
    known = {key for row in rows.values() for key, value in row.items() if value is not None}
    write_table(outdir, _filled(folders), rows, {key: COLUMNS[key] for key in COLUMNS if key in known}, "Set and model")


def _filled(folders: Sequence[FewShotFolder]) -> Section:
    said = {key: _numbers(folders, key) for key in ("shots", "draws", "n_folds")}
    text = FEW_SHOT.description.format(shots=said["shots"], draws=said["draws"], folds=said["n_folds"])
    return Section(FEW_SHOT.key, CHAPTER, FEW_SHOT.title, text, FEW_SHOT.helptext)


def _numbers(folders: Sequence[FewShotFolder], key: str) -> str:
    """The values of a setting, each once."""
    return " or ".join(str(value) for value in sorted({int(folder.settings[key]) for folder in folders}))


def _row(folder: FewShotFolder) -> dict[str, Any]:
    found = {key: folder.metrics[key]["mean"] for key in (*SHOWN, "macro_f1")}
    about = {key: folder.settings.get(key) for key in ("n", "prevalence")}
    return {"source": "this run", **found, "roc_auc_sd": folder.metrics["roc_auc"]["sd"], **about}
