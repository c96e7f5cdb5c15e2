"""Section on contacts read from attention: secondary structure without training a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_table
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.method_table import cells, column, with_intervals, with_note
from ribolm.report.resm.structure_sections import METRICS, method_rows

CHAPTER = "ribolm_rna_zeroshot"
METHODS = Section(
    "contact_methods",
    CHAPTER,
    "Structures read from attention",
    "Frozen attention maps through a regression fitted on a few RNAs. F1 per RNA: pairs above a threshold that was "
    "chosen on the validation set, one partner per base, mean over RNAs; intervals (95 %) from a bootstrap over RNAs. "
    "Pooled maximum: pairs of all RNAs together at the threshold that is best on these very RNAs, as published, and "
    "therefore optimistic.",
    "An encoder with random weights passes part of this test, for letters shine through its attention: read a model "
    "beside that control.",
)
COLUMNS = {
    **with_intervals({"f1": METRICS["f1"]}, "RNAs"),
    "pooled_max_f1": column("Pooled maximum F1", "Best threshold on the tested RNAs: optimistic"),
    "threshold": column("Its threshold", "Probability"),
    "n": column("n", "RNAs with known pairs", "{:,.0f}"),
}


def write_contact_section(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write one row per method; of several sets, rows name the set."""
    rows: dict[str, dict[str, Any]] = {}
    for folder in folders:
        prefix = f"{folder.name.removesuffix('.contacts')}: " if len(folders) > 1 else ""
        for method, row in method_rows(folder).items():
            found = cells(row, COLUMNS)
            rows[f"{prefix}{method}"] = {key: found[key] for key in COLUMNS}
    write_table(outdir, with_note(METHODS, folders), rows, COLUMNS, "Method")
