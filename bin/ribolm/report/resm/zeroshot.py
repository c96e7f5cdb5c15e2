"""All sections on what models know without training, and what others published of theirs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_table
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.contact_sections import write_contact_section
from ribolm.report.resm.family_sections import write_family_sections
from ribolm.report.resm.interaction_sections import write_interaction_sections
from ribolm.report.resm.method_table import column
from ribolm.report.resm.perplexity_sections import write_perplexity_section

KINDS = ("families", "interactions", "structures", "perplexity")
CHAPTER = "ribolm_rna_zeroshot"
PUBLISHED_TABLE = Section(
    "zeroshot_published",
    CHAPTER,
    "Published: models without training",
    "No results of this run: measured by others on other data, to be read beside, not against. Overlap of families "
    "and F1 of structures: a review of RNA language models (arXiv 2505.09087). Interactions: mean F1 of the pairs "
    "between the chains of 64 complexes of known structure, predicted on the concatenation or by the program's own "
    "way.",
    "RESM's own numbers are not printed: its paper's result tables were not to be read, and its weights do not come "
    "with ribolm.",
)
# task, method, value
PUBLISHED: tuple[tuple[str, str, float], ...] = (
    ("overlap_ratio", "RNA-FM", 0.070),
    ("structure_f1", "RNA-MSM", 0.631),
    ("structure_f1", "ESM-2 15B, proteins alone, unmapped", 0.675),
    ("interaction_f1", "SPOT-RNA, concatenation", 0.516),
    ("interaction_f1", "EternaFold, concatenation", 0.490),
    ("interaction_f1", "MXfold2, concatenation", 0.456),
    ("interaction_f1", "RNAcofold", 0.461),
    ("interaction_f1", "RNAfold, concatenation", 0.442),
    ("interaction_f1", "IntaRNA 2", 0.393),
    ("interaction_f1", "RNAduplex", 0.339),
)
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "source": {"title": "Data", "description": "Published, other data"},
    "overlap_ratio": column("Overlap", "Of families; lower is better; not our definition"),
    "structure_f1": column("F1 of structures", "Zero-shot"),
    "interaction_f1": column("F1 of interactions", "64 complexes"),
}


def write_zeroshot_sections(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write the sections of every kind of evaluation among the folders, and the published table behind them."""
    writers = {
        "perplexity": write_perplexity_section,
        "structures": write_contact_section,
        "families": write_family_sections,
        "interactions": write_interaction_sections,
    }
    for kind, write in writers.items():
        some = [folder for folder in folders if folder.content["kind"] == kind]
        if some:
            write(outdir, some)
    rows: dict[str, dict[str, Any]] = {}
    for task, method, value in PUBLISHED:
        rows.setdefault(f"{method} (published)", {"source": "published, other data"})[task] = value
    write_table(outdir, PUBLISHED_TABLE, rows, COLUMNS, "Method")
