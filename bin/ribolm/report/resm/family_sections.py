"""Sections on families told apart by likeness alone: methods, what they saw in training, families."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_table
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.method_table import column, with_intervals, with_note, write_method_table

CHAPTER = "ribolm_rna_zeroshot"
METHODS = Section(
    "family_methods",
    CHAPTER,
    "Families told apart without training",
    "Mean of the last hidden states over the bases of an RNA, centred, compared by cosine. Nearest neighbour: share "
    "of RNAs whose nearest other one is of their family. Retrieval: mean average precision of the own family among "
    "all others. Overlap: area that the histograms within and between families share; lower is better, and the "
    "definition is ours. Intervals (95 %) from a bootstrap over families.",
    "k-mers need no language model and are a high floor; an encoder with random weights passes part of the test as "
    "well. A model below both has learnt nothing that shows here.",
)
SEEN = Section(
    "family_overlap",
    CHAPTER,
    "Families: seen in training",
    "Sequences of the set that stand, letter by letter, in what models of this run were pretrained on.",
)
METRICS = {
    "nearest_neighbour_accuracy": column("Nearest neighbour", "Accuracy; higher is better"),
    "mean_average_precision": column("Retrieval", "Mean average precision; higher is better"),
    "overlap_ratio": column("Overlap", "Of histograms within and between families; lower is better"),
}
COLUMNS = {
    **with_intervals(METRICS, "families"),
    "n": column("n", "Sequences", "{:,.0f}"),
    "n_families": column("Families", form="{:,.0f}"),
    "n_parameters": column("Weights", "Of the encoder", "{:,.0f}"),
}
SEEN_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "n": column("n", "Sequences of the set", "{:,.0f}"),
    "n_shared": column("Seen", "Sequences that stand in the training data", "{:,.0f}"),
    "n_families": column("Families", form="{:,.0f}"),
    "n_families_shared": column("Families seen", "With a sequence that was seen", "{:,.0f}"),
}


def write_family_sections(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write the sections of all sets of families."""
    write_method_table(outdir, with_note(METHODS, folders), folders, COLUMNS)
    seen = {
        f"{folder.name}: {row['data']}": {name: row.get(name) for name in SEEN_COLUMNS}
        for folder in folders
        for row in folder.tables.get("overlap", ())
    }
    if seen:
        write_table(outdir, SEEN, seen, SEEN_COLUMNS, "Set and training data")
