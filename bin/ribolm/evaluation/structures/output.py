"""Files of an evaluation of structures: metrics.json, a table by RNA, and the few lines that are printed."""

from pathlib import Path

from ribolm.console import notice
from ribolm.evaluation.bootstrap import Interval
from ribolm.evaluation.structures.assessment import Row, StructureAssessment
from ribolm.evaluation.structures.measures import per_rna
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_path, write_json

SHOWN = {"f1": "F1", "precision": "precision", "recall": "recall", "f1_within_1": "F1 ±1", "pooled_f1": "pooled F1"}
STRATUM = {"length_nt": "nt"}
RNA_COLUMNS = (
    "name", "family", "length_nt", "method", "reference_pairs", "predicted_pairs", "hits", "f1", "precision", "recall",
    "f1_within_1", "precision_within_1", "recall_within_1",
)  # fmt: skip


def write_structure_assessment(out: Path, found: StructureAssessment, settings: Row, table: Path | None = None) -> None:
    """Write metrics.json to `out` and, where asked, one line per RNA to `table`; print the numbers."""
    reference = found.reference
    content = {
        "kind": "structures",
        "reference": found.methods[0] if found.methods else None,
        "split": found.split,
        "settings": settings,
        "rnas": {"scored": len(reference), "without_reference_pairs": len(reference.without_pairs)},
        "interval_note": found.interval_note,
        "metrics": found.metric_rows(),
        "differences": found.difference_rows(),
        "strata": found.strata,
    }
    if table is not None:
        with atomic_path(table) as temporary:
            write_tsv(temporary, rna_rows(found), RNA_COLUMNS)
    write_json(out, content)
    if found.interval_note:
        notice(found.interval_note)
    print(printed(found))


def rna_rows(found: StructureAssessment) -> list[Row]:
    """One row per RNA and prediction: length, pairs, hits, precision, recall, F1."""
    rows = []
    for method, counts in found.counts.items():
        singles = per_rna(counts)
        for at, structure in enumerate(found.reference.structures):
            family = found.reference.families[at] if found.reference.families else None
            row: Row = {"name": structure.name, "family": family, "length_nt": len(structure), "method": method}
            row |= {"reference_pairs": int(counts.true[at]), "predicted_pairs": int(counts.predicted[at])}
            row["hits"] = int(counts.hits[at])
            rows.append({**row, **{name: float(values[at]) for name, values in singles.items()}})
    return rows


def printed(found: StructureAssessment) -> str:
    """The numbers as text: one line per prediction, differences, strata by F1."""
    shown = SHOWN | ({"family_f1": "F1 by family"} if found.reference.families else {})
    header = ["prediction", "RNAs", *shown.values()]
    lines = [
        [method, f"{len(found.reference):,}", *(_bounds(found.draws.interval(method, metric)) for metric in shown)]
        for method in found.methods
    ]
    blocks = [_aligned([header, *lines])]
    for row in found.difference_rows():
        if row["metric"] == "f1" and row["difference"] is not None:
            interval = _bounds(Interval(row["difference"], row["low"], row["high"]), sign="+")
            blocks.append(f"F1 of {row['method']} minus {row['other']}: {interval}")
    for method, best in found.pooled_max.items():
        text = f"{method}: pooled F1 at most {best.f1:.3f}, at {best.threshold:g}"
        blocks.append(f"{text} (optimistic: the best threshold for the very RNAs that are scored)")
    for kind in dict.fromkeys(row["stratum"] for row in found.strata):
        blocks.append(_strata(kind, found))
    return "\n".join(blocks)


def _strata(kind: str, found: StructureAssessment) -> str:
    here = [row for row in found.strata if row["stratum"] == kind]
    lines = [[STRATUM.get(kind, kind), "RNAs", *found.methods]]
    for name in dict.fromkeys(row["name"] for row in here):
        rows = [row for row in here if row["name"] == name]
        cells = [_bounds(Interval(row["f1"], row["f1_low"], row["f1_high"])) for row in rows]
        lines.append([name, f"{rows[0]['n']:,}", *cells])
    return _aligned(lines)


def _bounds(found: Interval, sign: str = "") -> str:
    if found.value is None:
        return "undefined"
    value = f"{found.value:{sign}.3f}"
    return value if found.low is None else f"{value} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
