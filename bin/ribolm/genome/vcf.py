"""Variants of a VCF, one per alternative allele, checked against the genome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ribolm.console import notice
from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_bytes, require_file
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs, shown
from ribolm.genome.fasta import Genome

FIXED_COLUMNS = 5  # CHROM POS ID REF ALT; the others are not read
BASES = frozenset("ACGTN")
LINES_LOOKED_AT = 10_000  # read in some hundredths of a second


@dataclass(frozen=True)
class Variant:
    """One alternative allele: `start0` is the 0-based first base of `ref`; alleles upper case, of ACGTN, not empty."""

    chrom: str
    start0: int
    name: str
    ref: str
    alt: str

    @property
    def end0(self) -> int:
        """Base behind the reference allele."""
        return self.start0 + len(self.ref)


def read_variants(path: Path, genome: Genome) -> Iterator[Variant]:
    """Read a VCF, plain or gzip, allele by allele in its order.

    Alleles without a sequence (symbolic, breakends, *, missing) and records on contigs that the genome lacks (decoys,
    viruses) are left out and counted in a notice. Raises DataError naming the line for: no header, too few columns, a
    position that is none, letters that are no bases, places beyond a contig, and reference alleles that are not the
    genome's; and for contigs of another naming style, or none that the genome has.
    """
    skipped: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    has_known = False
    for number, (chrom, start0, name, ref, alternatives) in _records(path):
        if chrom not in genome.lengths:
            if chrom not in unknown:
                require_one_naming_style(genome.label, genome.names, f"VCF {path.name}", (chrom,))
            unknown[chrom] += 1
            continue
        has_known = True
        _require_reference(path, number, chrom, start0, ref, genome, genome.lengths[chrom])
        for alt in alternatives:
            kind = _kind_without_sequence(alt)
            if kind:
                skipped[kind] += 1
            else:
                yield Variant(chrom, start0, name, ref, _bases(path, number, "ALT", alt))
    if not has_known:
        require_shared_contigs(genome.label, genome.names, f"VCF {path.name}", list(unknown))
    if unknown:
        notice(f"{path.name}: {unknown.total():,} records left out: {genome.label} lacks {shown(list(unknown))}.")
    for kind, count in skipped.items():
        notice(f"{path.name}: {count:,} alternative alleles left out: {kind}.")


def look_at_variants(path: Path) -> None:
    """Raise DataError for what the first lines of a VCF are refused for, whatever genome they belong to."""
    for number, (*_, alternatives) in islice(_records(path), LINES_LOOKED_AT):
        for alt in alternatives:
            if not _kind_without_sequence(alt):
                _bases(path, number, "ALT", alt)


def _records(path: Path) -> Iterator[tuple[int, tuple[str, int, str, str, list[str]]]]:
    """Number and fields of every line below the header."""
    begun = False
    with open_bytes(require_file(path)) as handle:
        for number, raw in enumerate(handle, 1):
            line = _text(path, number, raw)
            if line.startswith("##") or not line.strip():
                continue
            if not begun:
                begun = _require_header(path, number, line)
                continue
            yield number, _fields(path, number, line)
    if not begun:
        raise DataError(f"{path.name}: has no line #CHROM. Give a VCF.")


def _text(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} line {number}: is no text. Give a VCF, plain or gzip, no BCF.") from error


def _require_header(path: Path, number: int, line: str) -> bool:
    if not line.startswith("#CHROM\tPOS\tID\tREF\tALT"):
        found = f"found {line[:40]!r}"
        raise DataError(f"{path.name} line {number}: expected #CHROM, POS, ID, REF, ALT, {found}. Give a VCF.")
    return True


def _fields(path: Path, number: int, line: str) -> tuple[str, int, str, str, list[str]]:
    fields = line.split("\t")
    if len(fields) < FIXED_COLUMNS:
        raise DataError(
            f"{path.name} line {number}: has {len(fields)} columns, at least {FIXED_COLUMNS} are needed. Mend the line."
        )
    chrom, position, name, ref, alt = fields[:FIXED_COLUMNS]
    if not is_whole_number(position) or int(position) < 1:
        raise bad_value(path, number, "POS", position, "is no position from 1", "Mend the line.")
    return chrom, int(position) - 1, name, _bases(path, number, "REF", ref), alt.split(",")


def _bases(path: Path, number: int, column: str, allele: str) -> str:
    upper = allele.upper()
    if not upper or not set(upper) <= BASES:
        raise bad_value(path, number, column, allele[:40], "is not of the letters ACGTN", "Mend the line.")
    return upper


def _kind_without_sequence(alt: str) -> str | None:
    if alt in (".", "*", ""):
        return "no allele given" if alt != "*" else "* (an allele deleted by another variant)"
    if alt.startswith("<"):
        return "symbolic, without a sequence"
    return "breakends" if set(alt) & set("[]") or alt.startswith(".") or alt.endswith(".") else None


def _require_reference(
    path: Path, number: int, chrom: str, start0: int, ref: str, genome: Genome, length_nt: int
) -> None:
    """The reference allele must be the genome's; an N of the genome contradicts nothing."""
    if start0 + len(ref) > length_nt:
        raise DataError(
            f"{path.name} line {number}: {chrom}:{start0 + 1} with {len(ref)} nt lies beyond the {length_nt:,} nt of "
            f"that contig in {genome.label}. Use files of one genome build."
        )
    found = genome.fetch(chrom, start0, start0 + len(ref)).tobytes().decode()
    if any(base not in (wanted, "N") for base, wanted in zip(found, ref, strict=True)):
        raise DataError(
            f"{path.name} line {number}: REF is {ref[:20]} at {chrom}:{start0 + 1}, but {genome.label} has "
            f"{found[:20]}. Use files of one genome build."
        )
