"""Sections on predicted structures: arcs, alone and against known ones, and a table of the user's RNAs."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.labels.structure.dot_bracket import write_brackets
from ribolm.labels.structure.pairs import UNPAIRED, Structure
from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import Section, slug, write_html, write_table, write_words
from ribolm.report.resm.arc_figure import Panel, crossing, draw_arcs
from ribolm.report.resm.method_table import column
from ribolm.report.resm.named_structures import Compared, Predicted

CHAPTER = "ribolm_rna_structures"
PICTURES = Section(
    "structure_pictures",
    CHAPTER,
    "Structures as arcs",
    "Each arc is a pair of bases. Of a set with known structures up to three RNAs are shown, at the quartiles of F1 "
    "(of five RNAs and more neither the best nor the worst): known pairs above, predicted ones below. Of other RNAs "
    "the first ones with a pair are shown.",
    "Arcs that cross are pseudoknots.",
)
TABLE = Section(
    "structure_predictions",
    CHAPTER,
    "Your RNAs",
    "What was predicted for your RNAs; the files in structures/ hold all of it.",
    "Confidence is what the model says of itself. It was not measured on RNAs like yours.",
)
DRAWN, LONGEST_NT = 6, 400
SHOWN_RNAS = 500
QUARTILES = (0.25, 0.5, 0.75)
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "length_nt": column("Length (nt)", form="{:,.0f}"),
    "pairs": column("Pairs", form="{:,.0f}"),
    "crossing": column("In pseudoknots", "Pairs that cross another one", "{:,.0f}"),
    "confidence": column("Confidence", "Of the model, 0 to 1"),
    "structure": {"title": "Structure", "description": "Dot-bracket, the first 60 bases"},
}


def write_prediction_sections(outdir: Path, predicted: Sequence[Predicted], compared: Sequence[Compared]) -> None:
    """Write the pictures (structures_<name>.png) and the table; without any structure a sentence says so."""
    pictures = [captioned(*_compared_picture(outdir, one)) for one in compared if _drawable(one)]
    pictures += [captioned(*_predicted_picture(outdir, one)) for one in predicted if _with_pairs(one.structures)]
    if pictures:
        write_html(outdir, PICTURES, "\n".join(pictures))
    else:
        write_words(outdir, PICTURES, "No pair was predicted in any RNA of up to 400 nt, so there is nothing to draw.")
    rows = {
        f"{one.name}: {structure.name}" if len(predicted) > 1 else structure.name: _cells(one, structure)
        for one in predicted
        for structure in one.structures[:SHOWN_RNAS]
    }
    if rows:
        write_table(outdir, replace(TABLE, description=_described(predicted)), rows, COLUMNS, "RNA")


def _described(predicted: Sequence[Predicted]) -> str:
    """The text of the table, which says where it does not hold all RNAs."""
    cut = [
        f"the first {SHOWN_RNAS:,} of {len(one.structures):,} RNAs of {html.escape(one.name)}"
        for one in predicted
        if len(one.structures) > SHOWN_RNAS
    ]
    return f"{TABLE.description} The table shows {' and '.join(cut)}." if cut else TABLE.description


def pair_f1(known: Structure, predicted: Structure) -> float:
    """F1 of the pairs of one RNA; 1 where neither has a pair."""
    shared = int(((known.partner == predicted.partner) & (known.partner != UNPAIRED)).sum()) // 2
    total = len(known.pairs()) + len(predicted.pairs())
    return 2 * shared / total if total else 1.0


def _drawable(one: Compared) -> list[tuple[float, Structure, Structure]]:
    """F1, known and predicted structures of RNAs that fit a picture, the worst first."""
    pairs = zip(one.known, one.predicted, strict=True)
    found = [
        (pair_f1(known, other), known, other)
        for known, other in pairs
        if len(known) <= LONGEST_NT and len(known.pairs())
    ]
    return sorted(found, key=lambda entry: (entry[0], entry[1].name))


def _compared_picture(outdir: Path, one: Compared) -> tuple[Path, str]:
    found = _drawable(one)
    places = dict.fromkeys(int(share * (len(found) - 1)) for share in QUARTILES)
    panels = [Panel(f"{known.name}: F1 = {f1:.2f}", other, known) for f1, known, other in (found[at] for at in places)]
    path = outdir / f"structures_{slug(one.name)}_known.png"
    draw_arcs(path, panels)
    return path, f"Known and predicted pairs of RNAs of {one.name}"


def _with_pairs(structures: Sequence[Structure]) -> list[Structure]:
    return [one for one in structures if len(one.pairs()) and len(one) <= LONGEST_NT][:DRAWN]


def _predicted_picture(outdir: Path, one: Predicted) -> tuple[Path, str]:
    panels = [Panel(f"{structure.name}, {len(structure)} nt", structure) for structure in _with_pairs(one.structures)]
    path = outdir / f"structures_{slug(one.name)}.png"
    draw_arcs(path, panels)
    return path, f"Predicted pairs of RNAs of {one.name}"


def _cells(one: Predicted, structure: Structure) -> dict[str, Any]:
    told = one.told.get(structure.name, {})
    confidence = told.get("confidence")
    text = write_brackets(structure)
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return {
        "length_nt": len(structure),
        "pairs": len(structure.pairs()),
        "crossing": int(np.sum(crossing(structure))),
        "confidence": None if confidence == "NA" else confidence,  # NA: there is no pair to be sure of
        "structure": f"<code>{html.escape(shown)}</code>",
    }
