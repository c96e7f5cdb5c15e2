"""What `ribolm-labels polya` leaves behind: sites, outcomes, bases, and a folder for every set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ribolm.candidates.kernel import NO_HEXAMER
from ribolm.files import atomic_path, write_json
from ribolm.genome.coordinates import STRAND_SIGN, Int64
from ribolm.labels.polya.anchors import MEANING_TEXT
from ribolm.labels.polya.build import PolyaData
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.sets import LabelledSet
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import Tokenizer

TASK = "polya"
SITE_COLUMNS = (
    "chrom", "start0", "end0", "name", "score", "strand", "base", "signal", "internal_priming", "gene", "outcome",
)  # fmt: skip
ROW_COLUMNS = ("name", "label", "signal", "internal_priming", "gene")
BASE_COLUMNS = ("offset_nt", "A", "C", "G", "T", "N")
COMPOSITION_COLUMNS = ("set", "label", "index", "A", "C", "G", "T")
ROWS_AT_A_TIME = 1 << 14


def write_polya(folder: Path, data: PolyaData, tokenizer: Tokenizer) -> None:
    """Write sites.bed.gz, outcomes.tsv, bases.tsv, composition.tsv, summary.json; store, FASTA, TSV of each set."""
    write_bgzf(folder / "sites.bed.gz", _site_lines(data))
    data.outcomes.write(folder / "outcomes.tsv")
    _write_tsv(folder / "bases.tsv", BASE_COLUMNS, ((offset, *counts.values()) for offset, counts in data.bases))
    _write_tsv(folder / "composition.tsv", COMPOSITION_COLUMNS, _composition_rows(data))
    for one in data.sets:
        (folder / one.name).mkdir()
        _write_set(folder / one.name, one, data, tokenizer)
    write_json(folder / "summary.json", summary(data))


def write_bgzf(path: Path, lines: Iterable[str]) -> None:
    """Write lines as blocked gzip, which gzip and tabix read; the same bytes for the same lines."""
    import pysam

    with atomic_path(path) as temporary, pysam.BGZFile(str(temporary), "w", None) as handle:
        for line in lines:
            handle.write(f"{line}\n".encode())


def composition(one: LabelledSet, data: PolyaData, label: int) -> Int64:
    """Counts of A, C, G, T at every place of the windows of one class, int64 [width, 4]."""
    counts = np.zeros((one.width_nt, 4), dtype=np.int64)
    rows = np.flatnonzero(one.label == label)
    for begin in range(0, len(rows), ROWS_AT_A_TIME):
        letters = one.letters(data.genome, rows[begin : begin + ROWS_AT_A_TIME])
        for column, base in enumerate(b"ACGT"):
            counts[:, column] += (letters == base).sum(axis=0)
    return counts


def signal_text(data: PolyaData, hexamer: int, distance_nt: int) -> str:
    """`HEXAMER@-d`, or a point where there is none."""
    return "." if hexamer == NO_HEXAMER else data.rule.name(int(hexamer), int(distance_nt))


def window_terms(width_nt: int) -> dict[str, object]:
    """What a model of these windows must know of them: the anchor, its index, the width, the letter beyond contigs."""
    return {"anchor": "cleavage", "anchor_offset0": width_nt // 2, "window_nt": width_nt, "padding": "N"}


def summary(data: PolyaData) -> dict[str, object]:
    """Numbers and rules of the sets."""
    sites, shares = data.given.list, data.signals
    return {
        "task": TASK,
        **window_terms(data.rules.width_nt),
        "format": sites.format,
        "base_given": MEANING_TEXT[data.given.anchors.meaning] if sites.shape == "base" else sites.shape,
        "margin_nt": data.rules.margin_nt,
        "margin_strands": "both",
        "preceding": data.rule.preceding,
        "hexamers": list(data.rules.hexamers),
        "nearest_nt": data.rule.nearest_nt,
        "farthest_nt": data.rule.farthest_nt,
        "seed": data.rules.seed,
        "signals": {**vars(shares), "share": shares.share, "chance": shares.chance, "at_chance": shares.is_chance},
        "sets": {one.name: {"rows": len(one), "positives": int(one.label.sum())} for one in data.sets},
        "outcomes": {stage: data.outcomes.of(stage) for stage in dict.fromkeys(s for s, _ in data.outcomes.counts)},
    }


def _site_lines(data: PolyaData) -> Iterator[str]:
    yield "#" + "\t".join(SITE_COLUMNS)
    given, names, lengths = data.given, data.genome.names, np.diff(data.genome.offsets)
    for k in range(len(given)):
        at0 = int(given.places.at0[k])
        if not 0 <= at0 < lengths[given.places.contig[k]]:
            continue  # the base behind a contig's last one
        place = (names[given.places.contig[k]], at0, at0 + 1, given.list.name[given.row[k]] or ".", 0)
        more = (
            STRAND_SIGN[int(given.places.strand[k])],
            chr(given.base[k]),
            signal_text(data, given.hexamer[k], given.distance_nt[k]),
            int(given.is_primed[k]),
            _gene_name(data.genes, int(given.gene[k])) or ".",
            given.outcome[k],
        )
        yield "\t".join(map(str, (*place, *more)))


def _gene_name(genes: Genes, row: int) -> str | None:
    return None if row < 0 else genes.names[int(genes.gene[row])]


def _write_set(folder: Path, one: LabelledSet, data: PolyaData, tokenizer: Tokenizer) -> None:
    names = _row_names(one, data)
    write_bgzf(folder / "windows.fa.gz", _fasta_lines(one, data, names))
    write_bgzf(folder / "rows.tsv.gz", _row_lines(one, data, names))
    terms = window_terms(one.width_nt)
    source = {"kind": "polya", "set": one.name, "genome_sha256": data.genome.sha256, "options": terms}
    with StoreWriter(folder / "store", tokenizer, {TASK: LabelSpec("sequence", 1, (TASK,))}, source) as writer:
        for begin in range(0, len(one), ROWS_AT_A_TIME):
            rows = np.arange(begin, min(begin + ROWS_AT_A_TIME, len(one)))
            letters = one.letters(data.genome, rows)
            bounds = np.arange(len(rows) + 1, dtype=np.int64) * one.width_nt
            tokens, offsets = tokenizer.encode_rows(letters.ravel(), bounds)
            places = _places(one, data, rows)
            writer.add_batch(tokens, offsets, [names[k] for k in rows], places, {TASK: one.label[rows]})


def _places(one: LabelledSet, data: PolyaData, rows: Int64) -> PlaceBatch:
    starts0 = one.starts0[rows]
    return PlaceBatch(
        [data.genome.names[contig] for contig in one.places.contig[rows]],
        [STRAND_SIGN[int(strand)] for strand in one.places.strand[rows]],
        [_gene_name(data.genes, int(gene)) for gene in one.gene[rows]],
        [None if cluster < 0 else f"C{cluster}" for cluster in one.cluster[rows]],
        np.arange(len(rows) + 1, dtype=np.int64),
        starts0,
        starts0 + one.width_nt,
    )


def _row_names(one: LabelledSet, data: PolyaData) -> list[str]:
    """`chrom:start0-end0(strand)` of the anchor."""
    places = zip(one.places.contig.tolist(), one.places.at0.tolist(), one.places.strand.tolist(), strict=True)
    return [f"{data.genome.names[contig]}:{at0}-{at0 + 1}({STRAND_SIGN[strand]})" for contig, at0, strand in places]


def _fasta_lines(one: LabelledSet, data: PolyaData, names: list[str]) -> Iterator[str]:
    for begin in range(0, len(one), ROWS_AT_A_TIME):
        rows = np.arange(begin, min(begin + ROWS_AT_A_TIME, len(one)))
        for row, letters in zip(rows, one.letters(data.genome, rows), strict=True):
            yield f">{names[row]} label={int(one.label[row])}\n{letters.tobytes().decode()}"


def _row_lines(one: LabelledSet, data: PolyaData, names: list[str]) -> Iterator[str]:
    yield "\t".join(ROW_COLUMNS)
    for row, name in enumerate(names):
        signal = signal_text(data, one.hexamer[row], one.distance_nt[row])
        gene = _gene_name(data.genes, int(one.gene[row])) or ""
        yield f"{name}\t{int(one.label[row])}\t{signal}\t{int(one.is_primed[row])}\t{gene}"


def _composition_rows(data: PolyaData) -> Iterator[tuple[object, ...]]:
    for one in data.sets:
        for label in (1, 0):
            for index, counts in enumerate(composition(one, data, label).tolist()):
                yield (one.name, label, index, *counts)


def _write_tsv(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write("\t".join(columns) + "\n")
        handle.writelines("\t".join(map(str, row)) + "\n" for row in rows)
