"""Sections on a scan for poly(A) sites: calls and their error, recovery beside chance, places, letters around them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.errors import DataError
from ribolm.files import open_text, require_file
from ribolm.genome.coordinates import Int64
from ribolm.report.drawing.cards import Number, cards
from ribolm.report.drawing.figures import captioned, new_figure, save_figure
from ribolm.report.drawing.letter_stacks import RNA, draw_stacks, information_bits
from ribolm.report.drawing.multiqc import Section, slug, write_bars, write_html, write_table, write_words
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK
from ribolm.report.folders.json_object import read_json_object

CHAPTER = "ribolm_polya_scan"
LONGEST = 30  # contigs in the plot
NO_KNOWN = "no list of sites and no annotation was given"
HEADLINE = Section("headline_scan", "ribolm_headline", "Poly(A) sites at a glance", "")
CALLS = Section(
    "scan_calls",
    CHAPTER,
    "Calls",
    "Candidates hold a signal hexamer before an A; a model scores them, scores near each other are united, and those "
    "with an estimated false discovery rate (FDR) below the limit are called.",
    "The FDR compares the scores with those of the same windows with shuffled letters (same composition, same signal). "
    "It is an estimate for sites that are like those the model learnt from.",
)
RECOVERY = Section(
    "scan_recovery",
    CHAPTER,
    "Known sites among the calls",
    "Share of the known sites with a call within {within} nt, and of the same sites shifted along their strand: what "
    "chance alone would recover.",
    "A call without a known site near it need not be false: lists of sites are never complete. Without a list, the "
    "ends of annotated transcripts stand for known sites. Where a part of the genome was scanned, sites elsewhere are "
    "left out, not missed.",
)
CONTIGS = Section(
    "scan_contigs",
    CHAPTER,
    "Calls per contig",
    "Calls per million scanned bases of the longest contigs; bases scanned on one strand count half.",
)
FEATURES = Section("scan_features", CHAPTER, "Where calls lie", "Part of a gene that a call lies in, on its strand.")
LETTERS_AROUND = Section(
    "scan_letters",
    CHAPTER,
    "Letters around the calls",
    "Information at every distance from the A of the call, bits against even bases. Candidates hold a hexamer 10 to 35 "
    "nt upstream and C or G before the A by rule; everything else comes from the model's choice.",
)
SHARE = {"format": "{:,.2f}", "suffix": "\u00a0%", "min": 0, "max": 100}
COUNT = {"format": "{:,.0f}"}
CALL_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "candidates": {"title": "Candidates", "description": "Places that the rule finds, both strands", **COUNT},
    "calls": {"title": "Calls", "description": "United candidates within the FDR", **COUNT},
    "calls_plus": {"title": "On +", "description": "Calls on the + strand", **COUNT},
    "calls_minus": {"title": "On −", "description": "Calls on the − strand", **COUNT},
    "fdr": {"title": "FDR", "description": "Estimated share of false calls", **SHARE},
    "prevalence": {"title": "Prevalence", "description": "Estimated share of sites among candidates", **SHARE},
    "threshold_logit": {"title": "Least logit", "description": "Of a call", "format": "{:.2f}"},
    "novel_sites": {"title": "Novel", "description": "Calls without a known site near them", **COUNT},
    "internally_primed": {"title": "A-rich behind", "description": "Calls before an A-rich stretch", **COUNT},
    "genes_with_isoforms": {"title": "Genes", "description": "Genes with calls in their 3'UTR", **COUNT},
}
RECOVERY_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "n_calls": {"title": "Calls", "description": "Calls at this limit", **COUNT},
    "n_known": {"title": "Known sites", "description": "Scanned, with known bases around them", **COUNT},
    "not_scanned": {"title": "Not scanned", "description": "Known sites left out: outside of the scan", **COUNT},
    "unknown_bases": {"title": "Beside N", "description": "Known sites left out: unknown bases around them", **COUNT},
    "recovered": {"title": "Recovered", "description": "Known sites with a call near them", **SHARE},
    "by_chance": {"title": "By chance", "description": "The same sites, shifted", **SHARE},
    "calls_at_known": {"title": "Calls at known sites", "description": "Calls near a known site", **SHARE},
    "calls_by_chance": {"title": "By chance", "description": "Calls near a shifted site", **SHARE},
    "fdr": {"title": "FDR", "description": "Estimated against shuffled letters", **SHARE},
}
LEFT_OUT = ("not_scanned", "unknown_bases")
AS_SHARES = ("recovered", "by_chance", "calls_at_known", "calls_by_chance", "fdr")


@dataclass(frozen=True)
class ScanFolder:
    """What `ribolm-predict merge --details` wrote: `summary`, and counts of A, C, G, T around calls, int64 [n, 4]."""

    name: str
    summary: Mapping[str, Any]
    places: Int64
    counts: Int64


def read_scan(path: Path) -> ScanFolder:
    """Read the folder. Raises DataError for missing files, and for tables of another kind."""
    summary = read_json_object(require_file(path / "summary.json"))
    missing = [name for name in ("candidates", "calls", "recovery", "per_contig", "features") if name not in summary]
    if missing:
        raise DataError(f"{path / 'summary.json'}: has no '{missing[0]}'. Give a folder of `ribolm-predict merge`.")
    table = require_file(path / "composition.tsv")
    with open_text(table) as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    try:
        places = np.array([int(row["place"]) for row in rows], dtype=np.int64)
        counts = np.array([[int(row[letter]) for letter in "ACGT"] for row in rows], dtype=np.int64).reshape(-1, 4)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{table}: needs whole numbers in place, A, C, G, T ({error!r}). Merge the scan again."
        ) from error
    return ScanFolder(path.name, summary, places, counts)


def write_scan_sections(outdir: Path, folders: Sequence[ScanFolder]) -> None:
    """Write the sections of all scanned genomes and a logo for each with calls, scan_logo_<name>.png."""
    write_html(outdir, HEADLINE, "".join(cards(_numbers(folder, len(folders) > 1)) for folder in folders))
    write_table(outdir, CALLS, {folder.name: _call_row(folder) for folder in folders}, CALL_COLUMNS, "Genome")
    _write_recovery(outdir, folders)
    _write_contigs(outdir, folders)
    names = list(dict.fromkeys(name for folder in folders for name in folder.summary["features"]))
    colours = (*GROUPS, BACKGROUND)
    categories = {name: {"name": name, "color": colours[k % len(colours)]} for k, name in enumerate(names)}
    bars = {folder.name: folder.summary["features"] for folder in folders if folder.summary["features"]}
    write_bars(outdir, FEATURES, bars, categories, "Calls")
    pictures = []
    for folder in (folder for folder in folders if len(folder.counts) and folder.counts.any()):
        path = outdir / f"scan_logo_{slug(folder.name)}.png"
        _draw(path, folder)
        pictures.append(captioned(path, f"Sequence logo around the calls of {folder.name}"))
    write_html(outdir, LETTERS_AROUND, "\n".join(pictures))


def _numbers(folder: ScanFolder, is_one_of_several: bool) -> list[Number]:
    found, prefix = folder.summary, f"{folder.name}: " if is_one_of_several else ""
    known = next((row for row in found["recovery"] if row["kept"] == "calls"), None)
    fdr = found.get("fdr_estimate")
    recovered, note = "–", NO_KNOWN
    novel = f"{found.get('novel_sites') or 0:,}" if found.get("known") else "–"
    if known and known["recovered"] is None:
        note = "not defined: no candidate, or no site that was scanned"
    elif known:
        by_chance = "–" if known["by_chance"] is None else f"{100 * known['by_chance']:.1f} %"
        recovered = f"{100 * known['recovered']:.1f} %"
        note = f"{found['known']}: " if found.get("known") else ""
        note += f"within {known['within_nt']} nt of a call; {by_chance} by chance"
        if left := (found.get("known_sites") or {}).get("not_scanned"):
            note += f"; {left:,} not scanned are left out"
    lacking = f"; {n:,} candidates were not scored" if (n := found.get("unscored_candidates")) else ""
    return [
        {"label": f"{prefix}poly(A) sites called", "value": f"{found['calls']:,}",
         "note": f"of {found['candidates']:,} candidates{lacking}"},
        {"label": "Estimated FDR", "value": "–" if fdr is None else f"{100 * fdr:.0f} %",
         "note": "against shuffled windows of the same letters"},
        {"label": "Known sites recovered", "value": recovered, "note": note},
        {"label": "Novel sites", "value": novel, "note": NO_KNOWN if novel == "–" else "calls far from known sites"},
    ]  # fmt: skip


def _call_row(folder: ScanFolder) -> dict[str, Any]:
    row = {key: folder.summary.get(key) for key in CALL_COLUMNS}
    if not folder.summary.get("known"):
        row["novel_sites"] = None
    fdr, prevalence = folder.summary.get("fdr_estimate"), folder.summary.get("prevalence")
    return row | {"fdr": _percent(fdr), "prevalence": _percent(prevalence)}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _write_recovery(outdir: Path, folders: Sequence[ScanFolder]) -> None:
    rows = {}
    for folder in folders:
        left = {key: (folder.summary.get("known_sites") or {}).get(key) for key in LEFT_OUT}
        for row in folder.summary["recovery"]:
            cells = {key: row.get(key) for key in RECOVERY_COLUMNS} | {key: _percent(row[key]) for key in AS_SHARES}
            rows[f"{folder.name}, {row['kept']}"] = cells | left
    if not rows:
        write_words(outdir, RECOVERY, "Neither known sites nor genes were given, so recovery cannot be told.")
        return
    within = folders[0].summary["recovery"][0]["within_nt"] if folders[0].summary["recovery"] else 20
    text = RECOVERY.description.format(within=within)
    section = Section(RECOVERY.key, CHAPTER, RECOVERY.title, text, RECOVERY.helptext)
    write_table(outdir, section, rows, RECOVERY_COLUMNS, "Genome and limit")


def _write_contigs(outdir: Path, folders: Sequence[ScanFolder]) -> None:
    bars = {}
    for folder in folders:
        contigs = sorted(folder.summary["per_contig"].items(), key=lambda item: -item[1]["length_nt"])[:LONGEST]
        for name, row in contigs:
            label = name if len(folders) == 1 else f"{folder.name} {name}"
            bars[label] = {"calls": 1e6 * row["calls"] / max(row.get("scanned_nt", row["length_nt"]), 1)}
    categories = {"calls": {"name": "Calls per Mb", "color": GROUPS[0]}}
    write_bars(outdir, CONTIGS, bars, categories, "Calls per Mb", cpswitch=False)


def _draw(path: Path, folder: ScanFolder) -> None:
    with new_figure(11.0, 2.2) as figure:
        axis = figure.subplots()
        draw_stacks(axis, information_bits(folder.counts), folder.places, RNA)
        axis.set_title(f"{folder.name}: calls (n = {int(folder.counts.sum(axis=1).max()):,})")
        axis.set_ylim(0, 2)
        axis.set_ylabel("bits")
        axis.set_xlabel("distance from the A (nt)")
        axis.axvline(0, color=INK, linewidth=0.6, linestyle=":", zorder=0)
        save_figure(figure, path)
