"""A genome scan for browsers: one bigWig per strand, and an IGV session that shows them beside the genes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ribolm.files import atomic_directory, atomic_path
from ribolm.report.browser.bigwig import write_bigwig
from ribolm.report.drawing.palette import group_colours

STRANDS = {"plus": "+", "minus": "-"}


def write_scan_tracks(
    folder: Path,
    columns: dict[str, list[Any]],
    lengths: dict[str, int],
    calls: Path,
    fasta: Path | None,
    gtf: Path | None,
) -> None:
    """Write plus.bw and minus.bw (probability at the base of every call) and igv_session.xml into a folder.

    `columns`: those of the table of calls. The session names files by their way from the folder, so that both can be
    moved together. Without `fasta` it is shown on the genome that is open, without `gtf` with that genome's own genes.
    """
    sizes = {name: max(length_nt, 1) for name, length_nt in lengths.items()}
    with atomic_directory(folder) as new:
        for name, strand in STRANDS.items():
            write_bigwig(new / f"{name}.bw", sizes, _runs(columns, strand))
    shown, genome, genes = (os.path.relpath(path, folder) if path else None for path in (calls, fasta, gtf))
    with atomic_path(folder / "igv_session.xml") as temporary:
        temporary.write_text(scan_session(str(shown), genome, [genes] if genes else [], _locus(columns)), "utf-8")


def scan_session(calls: str, fasta: str | None, annotations: Sequence[str], locus: str = "All") -> str:
    """XML of a session with the calls, both strands and the genes; paths as given. IGV keeps its genome without one."""
    genome = {"genome": fasta} if fasta else {}
    root = ElementTree.Element("Session", {**genome, "locus": locus, "version": "8"})
    resources = ElementTree.SubElement(root, "Resources")
    kinds = {**{f"{name}.bw": "bigwig" for name in STRANDS}, calls: "bed", **dict.fromkeys(annotations, "gtf")}
    for path, kind in kinds.items():
        ElementTree.SubElement(resources, "Resource", {"path": path, "type": kind})
    data = ElementTree.SubElement(root, "Panel", {"name": "DataPanel"})
    colours = group_colours(list(STRANDS))
    for name, strand in STRANDS.items():
        attributes = {
            "id": f"{name}.bw", "name": f"poly(A) probability {strand}", "color": _rgb(colours[name]), "height": "50",
            "renderer": "BAR_CHART", "windowFunction": "max", "autoScale": "false",
        }  # fmt: skip
        track = ElementTree.SubElement(data, "Track", attributes)
        ElementTree.SubElement(track, "DataRange", {"minimum": "0.0", "baseline": "0.0", "maximum": "1.0"})
    features = ElementTree.SubElement(root, "Panel", {"name": "FeaturePanel"})
    shown = {"Reference sequence": "Reference sequence", calls: "poly(A) calls", **dict.fromkeys(annotations, "genes")}
    for identifier, name in shown.items():
        ElementTree.SubElement(features, "Track", {"id": identifier, "name": name, "displayMode": "EXPANDED"})
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _runs(columns: dict[str, list[Any]], strand: str) -> Iterator[tuple[str, int, int, float]]:
    keys = ("chrom", "start0", "strand", "probability")
    rows = [row for row in zip(*(columns[key] for key in keys), strict=True) if row[2] == strand]
    for chrom, start0, _, probability in sorted(rows, key=lambda row: (row[0].encode(), row[1])):
        yield chrom, start0, start0 + 1, probability


def _locus(columns: dict[str, list[Any]]) -> str:
    """Around the most probable call, where there is one."""
    if not columns["start0"]:
        return "All"
    best = max(range(len(columns["start0"])), key=lambda k: (columns["probability"][k], -k))
    at0 = columns["start0"][best]
    return f"{columns['chrom'][best]}:{max(at0 - 2000, 1)}-{at0 + 2000}"


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
