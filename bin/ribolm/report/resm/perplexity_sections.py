"""Section on perplexity by type of RNA, model by model, beside a guess by chance."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_table
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.method_table import column, interval

CHAPTER = "ribolm_rna_zeroshot"
PERPLEXITY = Section(
    "perplexity",
    CHAPTER,
    "Perplexity by type of RNA",
    "Loss of hidden nucleotides (nats), and e to that power: among how many equally likely nucleotides the model still "
    "hesitates. Pretraining in the same run leaves these RNAs out; whether given weights have seen them is not known. "
    "Intervals (95 %) from a bootstrap over RNAs.",
    "A guess by chance among four nucleotides has a perplexity of 4. A little below is what base composition gives; "
    "types with many relatives in the training data come lower, which is memory as much as understanding.",
)
COLUMNS: dict[str, dict[str, Any]] = {
    "perplexity": column("Perplexity", "e to the power of the loss; lower is better"),
    "loss": column("Loss", "Nats per hidden nucleotide", "{:.4f}"),
    "loss_interval": {"title": "95 % interval", "description": "Of the loss, bootstrap over RNAs"},
    "chance": column("By chance", "Perplexity of a guess among all letters"),
    "accuracy": column("Accuracy", "Share of hidden nucleotides that are guessed"),
    "n_sequences": column("RNAs", form="{:,.0f}"),
    "n": column("Hidden", "Nucleotides", "{:,.0f}"),
}


def write_perplexity_section(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write one row per model and type of RNA."""
    rows = {
        f"{folder.name}: {row['type']}": {
            **{name: row.get(name) for name in COLUMNS},
            "loss_interval": interval(row, "loss", "{:.4f}"),
            "chance": None if row.get("chance_loss") is None else math.exp(row["chance_loss"]),
        }
        for folder in folders
        for row in folder.tables.get("perplexity", ())
    }
    write_table(outdir, PERPLEXITY, rows, COLUMNS, "Model and type")
