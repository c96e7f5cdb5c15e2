"""Coordinate-sorted BAM of a simulated library, written without an aligner: SAM specification v1, section 4.2."""

import struct
from pathlib import Path

import numpy as np
import pysam

from ribolm.genome.coordinates import Int64
from ribolm.simulation.m6a_reads import Reads, read_names
from ribolm.simulation.m6a_transcriptome import Transcriptome
from ribolm.version import __version__

CHUNK = 1 << 16
NAME_DIGITS = 8
MAPQ = 60
BASE_QUALITY = 40
BASE_NIBBLE = np.zeros(256, dtype=np.uint8)
BASE_NIBBLE[np.frombuffer(b"ACGTN", dtype=np.uint8)] = [1, 2, 4, 8, 15]
NIBBLE_COMPLEMENT = np.arange(16, dtype=np.uint8)
NIBBLE_COMPLEMENT[[1, 2, 4, 8]] = [8, 4, 2, 1]


def write_bam(path: Path, reads: Reads) -> None:
    """Write and index the reads as primary, unique alignments (MAPQ 60, NH 1), proper pairs where paired.

    Introns are N operations. Memory: about 60 bytes per read; cost: about 4 µs per read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    order = _coordinate_order(reads)
    with pysam.BGZFile(str(path), mode="w1") as handle:  # type: ignore[call-arg, arg-type]
        handle.write(_header(reads.transcripts))
        for first in range(0, len(order), CHUNK):
            handle.write(_records(reads, order[first : first + CHUNK].astype(np.int64)))
    pysam.index(str(path))


def _header(transcripts: Transcriptome) -> bytes:
    names, lengths_nt = transcripts.contig_names, np.diff(transcripts.contig_offset)
    lines = ["@HD\tVN:1.6\tSO:coordinate"]
    lines += [f"@SQ\tSN:{name}\tLN:{length_nt}" for name, length_nt in zip(names, lengths_nt, strict=True)]
    lines += [f"@PG\tID:ribolm-simulate\tPN:ribolm-simulate\tVN:{__version__}"]
    text = "".join(f"{line}\n" for line in lines).encode()
    parts = [b"BAM\1", struct.pack("<i", len(text)), text, struct.pack("<i", len(names))]
    for name, length_nt in zip(names, lengths_nt, strict=True):
        raw = name.encode() + b"\0"
        parts += [struct.pack("<i", len(raw)), raw, struct.pack("<i", int(length_nt))]
    return b"".join(parts)


def _coordinate_order(reads: Reads) -> np.ndarray:
    """Read numbers by contig, leftmost position and read number, uint32."""
    n = len(reads.fragments) * reads.mates
    key = np.empty(n, dtype=np.int64)
    contig_offset = reads.transcripts.contig_offset
    for first in range(0, n, CHUNK):
        read = np.arange(first, min(first + CHUNK, n))
        fragment, mate = read // reads.mates, read % reads.mates
        left0, _, contig = _extent(reads, fragment, reads.is_sense(fragment, mate))
        key[first : first + CHUNK] = contig_offset[contig] + left0
    return np.argsort(key, kind="stable").astype(np.uint32)


def _strand(reads: Reads, fragment: Int64) -> tuple[np.ndarray, Int64]:
    """Whether the transcript of each fragment runs forward, and its contig."""
    gene = reads.transcripts.transcript_gene[reads.fragments.transcript[fragment]]
    return reads.transcripts.gene_strand[gene] > 0, reads.transcripts.gene_contig[gene]


def _extent(reads: Reads, fragment: Int64, sense: np.ndarray) -> tuple[Int64, Int64, Int64]:
    """Leftmost position (0-based), end position and contig of reads, int64 [n] each."""
    first, end = reads.span(fragment, sense)
    forward, contig = _strand(reads, fragment)
    left0 = reads.transcripts.to_genome0(np.where(forward, first, end - 1))
    right0 = reads.transcripts.to_genome0(np.where(forward, end - 1, first))
    return left0, right0 + 1, contig


def _records(reads: Reads, read: Int64) -> bytes:
    """BAM records of reads, in the order given; those of one CIGAR length are built together."""
    fragment, mate = read // reads.mates, read % reads.mates
    sense = reads.is_sense(fragment, mate)
    first, end = reads.span(fragment, sense)
    exon_place = reads.transcripts.exon_place
    low = np.searchsorted(exon_place, first, side="right") - 1
    n_blocks = np.searchsorted(exon_place, end - 1, side="right") - low
    fields = _fields(reads, fragment, mate, sense)
    sizes = np.array([_record_type(reads, k).itemsize for k in range(int(n_blocks.max()) + 1)])
    offset = np.r_[0, np.cumsum(sizes[n_blocks])]
    out = np.empty(int(offset[-1]), dtype=np.uint8)
    for k in np.unique(n_blocks):
        rows = np.flatnonzero(n_blocks == k)
        record = np.zeros(len(rows), dtype=_record_type(reads, int(k)))
        for name, values in fields.items():
            record[name] = values[rows]
        record["block_size"] = record.dtype.itemsize - 4
        record["n_cigar"] = 2 * k - 1
        record["cigar"] = _cigar(reads, fragment[rows], first[rows], end[rows], low[rows], int(k))
        raw = record.view(np.uint8).reshape(len(rows), -1)
        out[offset[rows][:, None] + np.arange(raw.shape[1])] = raw
    return out.tobytes()


def _record_type(reads: Reads, n_blocks: int) -> np.dtype:
    n = reads.read_length_nt
    return np.dtype(
        [
            ("block_size", "<i4"), ("contig", "<i4"), ("pos", "<i4"), ("l_name", "u1"), ("mapq", "u1"), ("bin", "<u2"),
            ("n_cigar", "<u2"), ("flag", "<u2"), ("l_seq", "<i4"), ("next_contig", "<i4"), ("next_pos", "<i4"),
            ("template_nt", "<i4"), ("name", "u1", (NAME_DIGITS + 2,)), ("cigar", "<u4", (max(2 * n_blocks - 1, 0),)),
            ("seq", "u1", ((n + 1) // 2,)), ("qual", "u1", (n,)), ("tags", "u1", (4,)),
        ]
    )  # fmt: skip


def _fields(reads: Reads, fragment: Int64, mate: Int64, sense: np.ndarray) -> dict[str, np.ndarray]:
    """All fields of the records that do not depend on the number of blocks."""
    left0, right0, contig = _extent(reads, fragment, sense)
    forward, _ = _strand(reads, fragment)
    reverse = sense != forward
    n = len(fragment)
    fields = {
        "contig": contig, "pos": left0, "l_name": np.full(n, NAME_DIGITS + 2), "mapq": np.full(n, MAPQ),
        "bin": _reg2bin(left0, right0), "l_seq": np.full(n, reads.read_length_nt), "flag": 16 * reverse,
        "next_contig": np.full(n, -1), "next_pos": np.full(n, -1), "template_nt": np.zeros(n, dtype=np.int64),
        "name": np.pad(read_names(fragment, NAME_DIGITS), ((0, 0), (0, 1))), "qual": np.full((n, 1), BASE_QUALITY),
        "tags": np.broadcast_to(np.frombuffer(b"NHC\1", dtype=np.uint8), (n, 4)),
        "seq": _packed(reads.letters(fragment, mate), reverse),
    }  # fmt: skip
    if reads.mates == 2:
        other_left0, other_right0, _ = _extent(reads, fragment, ~sense)
        outer_nt = np.maximum(right0, other_right0) - np.minimum(left0, other_left0)
        fields["flag"] = 3 + 16 * reverse + 32 * ~reverse + np.where(mate == 0, 64, 128)
        fields |= {
            "next_contig": contig,
            "next_pos": other_left0,
            "template_nt": np.where(reverse, -outer_nt, outer_nt),
        }
    return fields


def _packed(bases: np.ndarray, reverse: np.ndarray) -> np.ndarray:
    """Four bits per base, in the direction of the reference."""
    nibbles = BASE_NIBBLE[bases]
    nibbles[reverse] = NIBBLE_COMPLEMENT[nibbles[reverse, ::-1]]
    if nibbles.shape[1] % 2:
        nibbles = np.pad(nibbles, ((0, 0), (0, 1)))
    return np.asarray(nibbles[:, ::2] << 4 | nibbles[:, 1::2])


def _cigar(reads: Reads, fragment: Int64, first: Int64, end: Int64, low: Int64, n_blocks: int) -> np.ndarray:
    """Operations M N M … in the direction of the reference, uint32 [n, 2 · n_blocks − 1]."""
    transcripts = reads.transcripts
    forward, _ = _strand(reads, fragment)
    column = np.arange(n_blocks)
    exon = low[:, None] + np.where(forward[:, None], column, n_blocks - 1 - column)
    begin = transcripts.exon_place[exon]
    matched = np.minimum(end[:, None], transcripts.exon_place[exon + 1]) - np.maximum(first[:, None], begin)
    skipped = transcripts.exon_start0[exon[:, 1:]] - transcripts.exon_end0[exon[:, :-1]]
    cigar = np.empty((len(first), 2 * n_blocks - 1), dtype=np.uint32)
    cigar[:, ::2] = matched << 4
    cigar[:, 1::2] = skipped << 4 | 3
    return cigar


def _reg2bin(start0: Int64, end0: Int64) -> Int64:
    """Bin of the BAI index for [start0, end0), as in the SAM specification, section 5.3."""
    last = end0 - 1
    found = np.zeros(len(start0), dtype=np.int64)
    for shift, first_bin in ((26, 1), (23, 9), (20, 73), (17, 585), (14, 4681)):
        found = np.where(start0 >> shift == last >> shift, first_bin + (start0 >> shift), found)
    return found
