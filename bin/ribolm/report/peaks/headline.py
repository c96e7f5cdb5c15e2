"""The five numbers to read first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.evaluation.proportions import ratio_of_shares, wilson
from ribolm.genome.regions import read_bed
from ribolm.report.drawing.cards import SEPARATOR, Number, cards
from ribolm.report.drawing.multiqc import Section, p_value_text, write_html
from ribolm.report.folders.json_object import read_json_object
from ribolm.report.folders.peak_folder import PeakFolder, whole_groups
from ribolm.report.peaks.metagene import NEAR_STOP_NT
from ribolm.report.peaks.shared_peaks import shared_counts

SHOWN_PAIRS = 3
SECTION = Section("headline", "ribolm_headline", "Results at a glance", "")


def headline_numbers(folders: Sequence[PeakFolder], motif_files: Sequence[Path]) -> list[Number]:
    """Label, value and note of: peaks, enrichment, DRACH, stop codon, shared peaks (or length where one group)."""
    folders = whole_groups(folders)
    names = {folder.name for folder in folders}
    motifs = {str(content.get("name")): content for content in map(read_json_object, motif_files)}
    motifs = {name: content for name, content in motifs.items() if name in names}
    peaks = {folder.name: folder.read_peaks() for folder in folders}
    last = _shared(folders) if len(folders) > 1 else _lengths(peaks)
    return [_peaks(peaks), _enrichment(folders), _drach(motifs), _near_stop(peaks), last]


def write_headline_section(outdir: Path, numbers: Sequence[Number]) -> None:
    """Write the numbers as the first section of the report."""
    write_html(outdir, SECTION, cards(numbers))


def _number(label: str, values: Sequence[str], note: str) -> Number:
    return {"label": label, "value": SEPARATOR.join(values) if values else "not available", "note": note}


def _named(name: str, text: str, of_many: bool) -> str:
    return f"{name} {text}" if of_many else text


def _peaks(peaks: dict[str, list[dict[str, Any]]]) -> Number:
    values = [_named(name, f"{len(rows):,}", len(peaks) > 1) for name, rows in peaks.items()]
    return _number("m6A peaks", values, "replicates of a group called together")


def _enrichment(folders: Sequence[PeakFolder]) -> Number:
    values, ranges = [], []
    for folder in folders:
        pooled = [
            (sum(x.fragments_in_peaks or 0 for x in libraries), sum(x.fragments_on_exons or 0 for x in libraries))
            for libraries in (folder.of_assay("ip"), folder.of_assay("input"))
        ]
        ratio = ratio_of_shares(*pooled[0], *pooled[1])
        if ratio.value is not None:
            values.append(_named(folder.name, f"{ratio.value:.1f}×", len(folders) > 1))
            share = wilson(*pooled[0]).value or 0.0
            ranges.append(f"{_named(folder.name, '', len(folders) > 1)}{ratio.low:.1f}-{ratio.high:.1f}".strip())
            ranges[-1] += f", IP {100 * share:.0f} % in peaks"
    note = f"fragments in peaks, share in IP over share in input; 95 % interval {'; '.join(ranges)}"
    return _number("Enrichment in peaks", values, note if ranges else "no peak holds fragments of both IP and input")


def _drach(motifs: dict[str, dict[str, Any]]) -> Number:
    values, notes = [], []
    for name, content in sorted(motifs.items()):
        ratio = content.get("odds_ratio") or {}
        if ratio.get("value") is None:
            notes.append(f"{name}: too few peaks")
            continue
        values.append(_named(name, f"{ratio['value']:.2f}", len(motifs) > 1))
        interval = f"{ratio['low']:.2f}-{ratio['high']:.2f}" if ratio.get("low") is not None else "no interval"
        notes.append(f"{_named(name, '', len(motifs) > 1)}{interval}, n = {ratio['n']:,}, p {_p_text(content)}".strip())
    note = f"odds ratio against matched windows of the same genes; 95 % interval {'; '.join(notes)}"
    return _number("DRACH in peaks", values, note if motifs else "no motif analysis was given")


def _p_text(content: dict[str, Any]) -> str:
    text = p_value_text(content["p_value"], content["draws"]) or "unknown"
    return text if text.startswith("≤") else f"= {text}"


def _near_stop(peaks: dict[str, list[dict[str, Any]]]) -> Number:
    values, notes = [], []
    for name, rows in peaks.items():
        distances = [
            float(row["distance_to_stop_nt"]) for row in rows if (row.get("distance_to_stop_nt") or "").strip()
        ]
        share = wilson(sum(abs(distance) <= NEAR_STOP_NT for distance in distances), len(distances))
        if share.value is not None:
            values.append(_named(name, f"{100 * share.value:.0f} %", len(peaks) > 1))
            interval = f"{100 * (share.low or 0):.0f}-{100 * (share.high or 0):.0f} %, n = {share.n:,}"
            notes.append(f"{_named(name, '', len(peaks) > 1)}{interval}".strip())
    note = f"of peaks on coding transcripts; 95 % interval {'; '.join(notes)}"
    return _number(
        f"Peaks within {NEAR_STOP_NT} nt of the stop codon",
        values,
        note if notes else "no peak lies on a transcript with a coding region (or the GTF has no CDS)",
    )


def _shared(folders: Sequence[PeakFolder]) -> Number:
    regions = {folder.name: read_bed(folder.path / "peaks.bed") for folder in folders}
    values, notes = [], []
    for (a, b), (of_a, of_b) in shared_counts(regions).items():
        pair = f"{a} & {b} " if len(folders) > 2 else ""
        share = [100 * n / len(regions[name]) if regions[name] else 0.0 for name, n in ((a, of_a), (b, of_b))]
        values.append(f"{pair}{share[0]:.0f} % / {share[1]:.0f} %")
        notes.append(f"{of_a:,} of {len(regions[a]):,} peaks of {a}, {of_b:,} of {len(regions[b]):,} of {b}")
    note = f"overlap a peak of the other group on the same strand: {'; '.join(notes)}"
    shown = values[:SHOWN_PAIRS]
    if len(values) > SHOWN_PAIRS:
        shown.append(f"and {len(values) - SHOWN_PAIRS:,} more pairs")
    return _number("Peaks shared between groups", shown, note)


def _lengths(peaks: dict[str, list[dict[str, Any]]]) -> Number:
    lengths = sorted(row["length_nt"] for rows in peaks.values() for row in rows if row["length_nt"] is not None)
    if not lengths:
        return _number("Median peak length", [], "no peak was called")
    middle = (lengths[(len(lengths) - 1) // 2] + lengths[len(lengths) // 2]) / 2
    note = f"along spliced RNA, from {lengths[0]:,.0f} to {lengths[-1]:,.0f} nt, n = {len(lengths):,}"
    return _number("Median peak length", [f"{middle:,.0f} nt"], note)
