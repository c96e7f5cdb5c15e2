"""Gene annotation: GTF (1-based, inclusive) into arrays of 0-based half-open features."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError, bad_value
from ribolm.files import open_bytes
from ribolm.genome.coordinates import STRAND_CODE, Int64

FEATURES = ("exon", "CDS", "start_codon", "stop_codon")
MAX_DIGITS = 12  # longer numbers are no positions, and would not fit an int64
COLUMNS = ("seqname", "source", "feature", "start", "end", "score", "strand", "frame", "attribute")


@dataclass(frozen=True)
class FeatureTable:
    """Rows of one feature type: arrays of one length n, in file order.

    transcript int32 (index into `Annotation.transcripts`), chrom int32, start0/end0 int64, strand int8 (+1, -1),
    line int64 (line in the GTF, from 1).
    """

    transcript: npt.NDArray[np.int32]
    chrom: npt.NDArray[np.int32]
    start0: Int64
    end0: Int64
    strand: npt.NDArray[np.int8]
    line: Int64

    def __len__(self) -> int:
        return len(self.start0)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "FeatureTable":
        """Select rows by mask or index."""
        return FeatureTable(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class Annotation:
    """A GTF file: names in order of first appearance, features as arrays.

    `transcript_gene` int32 [n transcripts] indexes `genes`. `symbols` and `biotypes` belong to `genes`; a gene without
    `gene_name` is called by its id, one without `gene_type`/`gene_biotype` has "".
    """

    path: Path
    chroms: tuple[str, ...]
    genes: tuple[str, ...]
    symbols: tuple[str, ...]
    biotypes: tuple[str, ...]
    transcripts: tuple[str, ...]
    transcript_gene: npt.NDArray[np.int32]
    exons: FeatureTable
    cds: FeatureTable
    start_codons: FeatureTable
    stop_codons: FeatureTable

    @property
    def label(self) -> str:
        """How messages call this file."""
        return f"GTF {self.path.name}"


def read_gtf(path: Path | str) -> Annotation:
    """Read exon, CDS, start and stop codon rows of a plain or gzip GTF.

    Raises DataError naming the line for: wrong number of columns, positions that are no integers or reversed, a strand
    other than + or -, a missing gene_id; and for a file without exons. An exon without transcript_id belongs to a
    transcript named like its gene (a notice counts them). Cost: about 10 µs per row that is read.
    """
    reader = _GtfReader(Path(path))
    with open_bytes(path) as handle:
        for number, line in enumerate(handle, start=1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line[:1] not in b"#\r\n":
                reader.add(number, line)
    return reader.finish()


class _Names(dict[bytes, int]):
    """Index of each name, given on first sight."""

    def __missing__(self, name: bytes) -> int:
        self[name] = len(self)
        return self[name]

    def texts(self) -> tuple[str, ...]:
        return tuple(name.decode("utf-8", "replace") for name in self)


def _attribute(*keys: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!\w)(?:" + b"|".join(keys) + rb")\s+(?:\"([^\"]*)\"|([^\s;]+))")


GENE_ID, TRANSCRIPT_ID = _attribute(b"gene_id"), _attribute(b"transcript_id")
EMPTY_TRANSCRIPT_ID = re.compile(rb"(?<!\w)transcript_id\s*(?:\"\"\s*)?(?=;|$)")


def name_transcript(line: bytes) -> bytes:
    """The row (without line end) with its gene_id for a missing or empty transcript_id, as `read_gtf` has it."""
    fields = line.split(b"\t")
    if len(fields) != len(COLUMNS) or fields[2].decode("utf-8", "replace") not in FEATURES:
        return line
    gene_id = _first(GENE_ID, fields[8])
    if not gene_id or _first(TRANSCRIPT_ID, fields[8]):
        return line
    own = b'transcript_id "' + gene_id + b'"'
    fields[8], replaced = EMPTY_TRANSCRIPT_ID.subn(lambda _: own, fields[8], count=1)
    if not replaced:
        fields[8] = fields[8].rstrip(b"; ") + b"; " + own + b";"
    return b"\t".join(fields)


class _GtfReader:
    gene_name = _attribute(b"gene_name")
    gene_type = _attribute(b"gene_type", b"gene_biotype")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.chroms, self.genes, self.transcripts = _Names(), _Names(), _Names()
        self.symbols: list[str] = []
        self.biotypes: list[str] = []
        self.transcript_gene: list[int] = []
        self.rows: dict[bytes, list[tuple[int, int, int, int, int, int]]] = {name.encode(): [] for name in FEATURES}
        self.without_transcript = 0

    def add(self, number: int, line: bytes) -> None:
        fields = line.rstrip(b"\r\n").split(b"\t")
        if len(fields) != len(COLUMNS):
            raise DataError(
                f"{self.path.name} line {number}: {len(fields)} columns instead of {len(COLUMNS)}. "
                "A GTF has nine tab-separated columns; convert GFF3 with `gffread -T`."
            )
        rows = self.rows.get(fields[2])
        if rows is None:
            return
        start1, end1 = self._position(number, 3, fields), self._position(number, 4, fields)
        if not 1 <= start1 <= end1:
            raise self._bad(number, 3, fields, f"is not between 1 and the end {end1}", "Write start ≤ end, from 1.")
        if fields[6] not in (b"+", b"-"):
            raise self._bad(number, 6, fields, "is not + or -", "An exon needs a strand; remove the row or give one.")
        transcript = self._transcript(number, fields)
        strand = STRAND_CODE[fields[6].decode()]
        rows.append((transcript, self.chroms[fields[0]], start1 - 1, end1, strand, number))

    def _position(self, number: int, column: int, fields: list[bytes]) -> int:
        if not fields[column].isdigit() or len(fields[column]) > MAX_DIGITS:
            raise self._bad(number, column, fields, "is not a whole number", "Mend the position.")
        return int(fields[column])

    def _bad(self, number: int, column: int, fields: list[bytes], problem: str, remedy: str) -> DataError:
        value = fields[column].decode("utf-8", "replace")
        return bad_value(self.path, number, COLUMNS[column], value, problem, remedy)

    def _transcript(self, number: int, fields: list[bytes]) -> int:
        gene_id = _first(GENE_ID, fields[8])
        if not gene_id and re.match(rb"\s*\w+=", fields[8]):
            raise DataError(
                f"{self.path.name} line {number}, column 'attribute': is GFF3, not GTF. "
                "Convert it with `gffread -T -o genes.gtf` and the name of the file."
            )
        if not gene_id:
            raise self._bad(number, 8, fields, "has no gene_id", 'Write gene_id "NAME"; in the ninth column.')
        known_genes = len(self.genes)
        gene = self.genes[gene_id]
        if gene == known_genes:
            self.symbols.append((_first(self.gene_name, fields[8]) or gene_id).decode("utf-8", "replace"))
            self.biotypes.append(_first(self.gene_type, fields[8]).decode("utf-8", "replace"))
        transcript_id = _first(TRANSCRIPT_ID, fields[8])
        if not transcript_id:
            self.without_transcript += 1
            transcript_id = gene_id
        known_transcripts = len(self.transcripts)
        transcript = self.transcripts[gene_id + b"\0" + transcript_id]
        if transcript == known_transcripts:
            self.transcript_gene.append(gene)
        return transcript

    def finish(self) -> Annotation:
        if not self.rows[b"exon"]:
            raise DataError(f"{self.path}: no exon row. Give a GTF with exon features (GENCODE, Ensembl, RefSeq).")
        if self.without_transcript:
            notice(
                f"{self.path.name}: {self.without_transcript} rows have no transcript_id; their gene_id stands for it."
            )
        return Annotation(
            self.path,
            self.chroms.texts(),
            self.genes.texts(),
            tuple(self.symbols),
            tuple(self.biotypes),
            tuple(name.split(b"\0", 1)[1].decode("utf-8", "replace") for name in self.transcripts),
            np.array(self.transcript_gene, dtype=np.int32),
            *(_table(self.rows[name.encode()]) for name in FEATURES),
        )


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.search(text)
    return (found.group(1) or found.group(2) or b"") if found else b""


def _table(rows: list[tuple[int, int, int, int, int, int]]) -> FeatureTable:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    kinds = (np.int32, np.int32, np.int64, np.int64, np.int8, np.int64)
    return FeatureTable(*(np.ascontiguousarray(c, dtype=kind) for c, kind in zip(columns, kinds, strict=True)))
