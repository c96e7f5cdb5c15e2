"""One colour for IP, one for input, one per group: the same in every plot and track."""

from collections.abc import Sequence

IP = "#c8452f"
INPUT = "#4f7ea8"
BACKGROUND = "#9aa0a6"
INK = "#2f3437"
GROUPS = ("#1b7f79", "#e08e2b", "#6a4c93", "#b5405b", "#5b8c2a", "#8a6d3b", "#3f6fb5", "#a05195")
SEQUENTIAL = ("#f4f7f7", "#1b7f79")
REGIONS = {
    "5'UTR": "#f2c14e",
    "CDS": "#7a9e9f",
    "stop codon": "#8b2f4b",
    "3'UTR": "#d97b66",
    "non-coding": "#c5c9cc",
    "exon": "#8fa3b3",
}
LETTERS = {"A": "#2a9d4b", "C": "#2f6fb5", "G": "#e0a100", "U": "#c8452f"}


def group_colours(groups: Sequence[str]) -> dict[str, str]:
    """A colour for each group, by its place in the sorted list of names; they repeat after eight."""
    return {name: GROUPS[i % len(GROUPS)] for i, name in enumerate(sorted(set(groups)))}


def assay_colour(assay: str) -> str:
    """The colour of an IP or an input library."""
    return IP if assay == "ip" else INPUT
