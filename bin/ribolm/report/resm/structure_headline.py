"""The numbers to read first of a run on RNAs: how good predicted structures are, and how many there are."""

from collections.abc import Sequence
from pathlib import Path

from ribolm.report.drawing.cards import SEPARATOR, Number, cards, write_headline
from ribolm.report.drawing.multiqc import Section, write_html
from ribolm.report.folders.assessed_folder import AssessedFolder, Row
from ribolm.report.resm.named_structures import Predicted
from ribolm.report.resm.structure_sections import method_rows

HEADLINE = Section("headline_structures", "ribolm_headline", "RNA structures at a glance", "")
FLOOR = "RNAfold MFE"


def write_structure_headline(outdir: Path, folders: Sequence[AssessedFolder], predicted: Sequence[Predicted]) -> None:
    """Write headline_structures.json and its section; nothing where there is no number."""
    numbers = [*(_tested(folder) for folder in folders if method_rows(folder)), *_counted(predicted)]
    if numbers:
        write_headline(outdir / "headline_structures.json", numbers)
        write_html(outdir, HEADLINE, cards(numbers))


def _tested(folder: AssessedFolder) -> Number:
    """F1 of the first method and of RNAfold on one set."""
    rows = method_rows(folder)
    first = next(iter(rows))
    shown = [f"{name}: {_f1(rows[name])}" for name in dict.fromkeys((first, FLOOR)) if name in rows]
    note = f"F1 of base pairs, mean over {rows[first]['n']:,} RNAs with known pairs."
    return {"label": f"Structures of {folder.name}", "value": SEPARATOR.join(shown), "note": note}


def _f1(row: Row) -> str:
    return "undefined" if row["f1"] is None else f"{row['f1']:.3f}"


def _counted(predicted: Sequence[Predicted]) -> list[Number]:
    structures = [structure for one in predicted for structure in one.structures]
    if not structures:
        return []
    paired = sum(1 for structure in structures if len(structure.pairs()))
    label, note = "Your RNAs", "With at least one predicted pair, of all RNAs whose structures were predicted."
    return [{"label": label, "value": f"{paired:,} of {len(structures):,}", "note": note}]
