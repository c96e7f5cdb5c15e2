"""Human RNA of known place and the m6A sites on it, from the files of RIBOLM_DATA: what the default model learns from.

hg19 sequence is known on chr22 (21.6 Mb) and, genome-wide, in the 101-nt tiles of the CLIP sets, which carry their
coordinates. The 501-nt windows of m6A-BERT-Deg have none: a window is placed where it shares words with a tile and its
central A is a site of a table. Tiles and placed windows that touch become stretches with N between them; the others
stay alone, with one known site. Everything near the test regions is left out: by place and by 31-base words on either
strand.
"""

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.sequences.kmer_hashes import words

Site = tuple[str, int, str]
Letters = npt.NDArray[np.uint8]
UInt64 = npt.NDArray[np.uint64]

TABLES = {
    "hek293_miclip": "regulators/hg19_miCLIP_gr.hg19_miCLIP_gr.bed.gz",
    "im6a": "sites/iM6A_SingleNucleotideReselutionData_hg19.bed.gz",
    "hela_cy": "sites/GSM2300428_precise_m6A_sites_HeLa_CY_hg19.bed.gz",
    "hela_nu": "sites/GSM2300427_precise_m6A_sites_HeLa_NU_hg19.bed.gz",
    "hela_ca": "sites/GSM2300426_precise_m6A_sites_HeLa_CA_hg19.bed.gz",
    "a549": "sites/GSM1828596_precise_m6A_sites_A549_hg19.bed.gz",
    "cd8t": "sites/GSM1828594_precise_m6A_sites_CD8T_hg19.bed.gz",
    "molm13": "sites/GSM2602070_molm13_rep1.tag.uniq.sites.bed.gz",
    "m6ace": "sites/iM6A_m6ACE_hg19.bed.gz",
    "hepg2": "sites/GSE121942_HepG2_miCLIP_shCtrl_m6ASite_CT.bed.gz",
}
WINDOWS = "m6a_bert_deg"  # the windows' own central sites, as an eleventh table
TEST_REGIONS = {"chr1": (99_990_000, 125_200_000), "chr22": (10_500_000, 26_000_000)}  # hg38
PART_NT = 1_000_000
WORD_NT = 31
JOIN_NT = 150  # pieces that lie so close are one stretch
TARGET_BIT = len(TABLES) + 1  # and the one after it: GSE63753 (HEK293 miCLIP, hg38), abcam and sysy
CHR22_FROM0 = 28_000_000  # hg19; the test region ends at hg38 26,000,000, 26.4 Mb in hg19
CHR1_NEAR_TEST = (95_000_000, 152_000_000)  # hg19; the test region is hg38 100.0 to 125.2 Mb
HALF_NT = 250
NEAR_NT = 150  # candidates lie so near a site
MIN_HITS = 20  # words that must agree on one place of a window
ENOUGH_NEW = 100  # windows placed in one round, else it was the last
AHEAD = 3  # times as many as agree on any other, where no site vouches for the place
CODE = np.full(256, 4, dtype=np.uint8)
CODE[np.frombuffer(b"ACGT", np.uint8)] = range(4)
COMPLEMENT = bytes.maketrans(b"ACGTN", b"TGCAN")
DRACH = re.compile(rb"(?=([AGT][AG]AC[ACT]))")


@dataclass(frozen=True)
class Stretch:
    """RNA, 5' to 3', with the tables that call each base: `support` uint16 [n], bit i for the i-th table.

    `start0` is the lowest coordinate (0 without a place). `complete`: all tables were looked up, so that a base without
    support was called by none; else only the known centres of windows are marked.
    """

    chrom: str
    strand: str
    start0: int
    letters: bytes
    support: npt.NDArray[np.uint16]
    complete: bool


def reverse_complement(letters: bytes) -> bytes:
    """The other strand, 5' to 3'."""
    return letters.translate(COMPLEMENT)[::-1]


def candidates0(letters: bytes) -> Int64:
    """Places of the A of every DRACH, int64."""
    return np.array([match.start() + 2 for match in DRACH.finditer(letters)], dtype=np.int64)


def read_sites(data: Path) -> dict[Site, int]:
    """Sites of all hg19 tables: (chrom, start0, strand) → bits of the tables that hold it."""
    found: dict[Site, int] = defaultdict(int)
    for bit, name in enumerate(TABLES.values()):
        for site in read_bed_sites(data / "m6a" / name):
            found[site] |= 1 << bit
    return dict(found)


def read_bed_sites(path: Path) -> set[Site]:
    """(chrom, start0, strand) of the rows of a BED6 that are one base long."""
    with gzip.open(path, "rt") as rows:
        fields = [row.rstrip("\n").split("\t") for row in rows]
    return {(f[0], int(f[1]), f[5]) for f in fields if len(f) > 5 and int(f[2]) - int(f[1]) == 1}


def read_records(path: Path) -> Iterator[tuple[str, bytes]]:
    """(header, letters in upper case) of a gzip FASTA."""
    with gzip.open(path, "rt") as file:
        for record in file.read().split(">")[1:]:
            header, _, letters = record.partition("\n")
            yield header.strip(), letters.replace("\n", "").upper().encode("ascii")


class Forbidden:
    """Words of the test regions: in hg38 as the reads' consensus, in hg19 as chr22 below the training part."""

    def __init__(self, data: Path, chr22: bytes) -> None:
        regions = [bytes(read_reference(data, chrom)[low0:high0]) for chrom, (low0, high0) in TEST_REGIONS.items()]
        regions.append(chr22[: CHR22_FROM0 - 1_000_000])
        parts = [np.unique(_words(letters[at : at + PART_NT + WORD_NT - 1])) for letters in regions
                 for at in range(0, len(letters), PART_NT)]  # fmt: skip
        self._words = np.unique(np.concatenate(parts))

    def __contains__(self, letters: bytes) -> bool:
        return any(_any_in(_words(strand), self._words) for strand in (letters, reverse_complement(letters)))


def read_reference(data: Path, chrom: str) -> Letters:
    """Letters of a padded reference, hg38 coordinates."""
    return Genome.open(data / "m6a/ref" / f"hg38_{chrom}_consensus.padded.fa.gz").data


def near_test(chrom: str, start0: int) -> bool:
    """Whether a place of hg19 is in or near a test region."""
    low, high = CHR1_NEAR_TEST
    return (chrom == "chr1" and low < start0 < high) or (chrom == "chr22" and start0 < CHR22_FROM0)


def _words(letters: bytes, nt: int = WORD_NT) -> UInt64:
    codes = CODE[np.frombuffer(letters, np.uint8)]
    return words(codes, np.array([0, len(codes)], dtype=np.int64), nt)[0]


def _any_in(asked: UInt64, ordered: UInt64) -> bool:
    at = np.minimum(np.searchsorted(ordered, asked), len(ordered) - 1)
    return bool((ordered[at] == asked).any())


class Pieces:
    """Plus-strand pieces of hg19 by (chrom, strand of the RNA): [(start0, letters)]."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], list[tuple[int, bytes]]] = defaultdict(list)

    @classmethod
    def of_tiles(cls, data: Path) -> "Pieces":
        """The tiles of the four CLIP sets; headers say ` chr1,+,367859,367959; class:0`, start 0-based."""
        pieces, seen = cls(), set()
        for path in sorted((data / "m6a/rbp_ideeps").glob("*.fa.gz")):
            for header, letters in read_records(path):
                chrom, strand, start, _ = header.split(";")[0].split(",")
                if (key := (chrom, strand, int(start))) not in seen:
                    seen.add(key)
                    pieces.add(chrom, strand, int(start), letters)
        return pieces

    def add(self, chrom: str, strand: str, start0: int, letters: bytes) -> None:
        """Add RNA letters, 5' to 3'."""
        plus = letters if strand == "+" else reverse_complement(letters)
        self.of[chrom, strand].append((start0, plus))

    def place(self, windows: list[tuple[str, bytes]], sites: dict[Site, int]) -> list[tuple[str, bytes]]:
        """Place windows by words shared with pieces; adds those found, marks their centres; returns the others."""
        index = _WordIndex(self)
        alone = []
        for name, letters in windows:
            found = index.locate(letters, sites)
            if found is None:
                alone.append((name, letters))
                continue
            chrom, strand, start0, centre0 = found
            sites[chrom, centre0, strand] |= 1 << len(TABLES)
            self.add(chrom, strand, start0, letters)
        return alone

    def place_overlapping(self, windows: set[bytes]) -> int:
        """Place windows by shared words alone, and again those that share words with them; returns their number."""
        n_placed, n_new = 0, 1 << 30
        left = set(windows)
        while n_new >= ENOUGH_NEW:
            index = _WordIndex(self)
            places = {letters: place for letters in sorted(left) if (place := index.place_of(letters))}
            for letters, place in places.items():
                self.add(*place, letters)
            left -= places.keys()
            n_new = len(places)
            n_placed += n_new
        return n_placed

    def stretches(self) -> Iterator[tuple[str, str, int, bytes]]:
        """Pieces joined where they touch or nearly do: (chrom, strand, start0, plus-strand letters with N between)."""
        for (chrom, strand), pieces in sorted(self.of.items()):
            pieces.sort()
            first, end0 = 0, -1
            for number, (start0, letters) in enumerate([*pieces, (1 << 60, b"")]):
                if number > first and start0 > end0 + JOIN_NT:
                    yield chrom, strand, pieces[first][0], _overlay(pieces[first:number], end0)
                    first, end0 = number, -1
                end0 = max(end0, start0 + len(letters))


def _overlay(pieces: list[tuple[int, bytes]], end0: int) -> bytes:
    first0 = pieces[0][0]
    found = np.full(end0 - first0, ord("N"), dtype=np.uint8)
    for start0, letters in reversed(pieces):
        new = np.frombuffer(letters, np.uint8)
        at = found[start0 - first0 : start0 - first0 + len(new)]
        at[new != ord("N")] = new[new != ord("N")]
    return found.tobytes()


class _WordIndex:
    """Where the 32-base words of pieces lie; words of several places are left out."""

    def __init__(self, pieces: Pieces) -> None:
        self.chroms = sorted({chrom for chrom, _ in pieces.of})
        rows = sorted({(chrom, start0, letters) for (chrom, _), many in pieces.of.items() for start0, letters in many})
        codes = CODE[np.frombuffer(b"".join(letters for *_, letters in rows), np.uint8)]
        length = np.array([len(letters) for *_, letters in rows])
        offsets = np.r_[0, np.cumsum(length)].astype(np.int64)
        number, row = words(codes, offsets, 32)
        first_of_row = np.r_[0, np.flatnonzero(np.diff(row)) + 1]
        start0 = np.array([start0 for _, start0, _ in rows])
        chrom = np.array([self.chroms.index(chrom) for chrom, *_ in rows])
        within = np.arange(len(row)) - np.repeat(first_of_row, np.diff(np.r_[first_of_row, len(row)]))
        place = (chrom[row].astype(np.int64) << 40) | (start0[row] + within)
        order = np.lexsort((place, number))
        number, place = number[order], place[order]
        keep = np.r_[True, (number[1:] != number[:-1]) | (place[1:] != place[:-1])]
        number, place = number[keep], place[keep]
        single = np.r_[True, number[1:] != number[:-1]] & np.r_[number[1:] != number[:-1], True]
        self.number, self.place = number[single], place[single]

    def locate(self, letters: bytes, sites: dict[Site, int]) -> tuple[str, str, int, int] | None:
        """(chrom, strand, start0, place of the centre) of a window whose centre is a known site."""
        best = self._votes(letters).most_common(1)
        if not best or best[0][1] < MIN_HITS:
            return None
        chrom, strand, start0 = self._named(*best[0][0])
        centre0 = start0 + (HALF_NT if strand == "+" else len(letters) - 1 - HALF_NT)
        return (chrom, strand, start0, centre0) if (chrom, centre0, strand) in sites else None

    def place_of(self, letters: bytes) -> tuple[str, str, int] | None:
        """(chrom, strand, start0) that enough words agree on, and far more than on any other."""
        best = self._votes(letters).most_common(2)
        if not best or best[0][1] < MIN_HITS or (len(best) > 1 and best[0][1] < AHEAD * best[1][1]):
            return None
        return self._named(*best[0][0])

    def _votes(self, letters: bytes) -> Counter[tuple[int, str]]:
        votes: Counter[tuple[int, str]] = Counter()
        for strand, plus in (("+", letters), ("-", reverse_complement(letters))):
            asked = _words(plus, 32)
            at = np.minimum(np.searchsorted(self.number, asked), len(self.number) - 1)
            hit = np.flatnonzero(self.number[at] == asked)
            votes.update((int(v), strand) for v in self.place[at[hit]] - hit)
        return votes

    def _named(self, place: int, strand: str) -> tuple[str, str, int]:
        return self.chroms[place >> 40], strand, place & ((1 << 40) - 1)


class SiteIndex:
    """Sites of one chromosome and strand by place."""

    def __init__(self, sites: dict[Site, int]) -> None:
        of: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for (chrom, start0, strand), bits in sites.items():
            of[chrom, strand].append((start0, bits))
        self._of = {key: np.array(sorted(rows), dtype=np.int64) for key, rows in of.items()}

    def places0(self, chrom: str, strand: str) -> Int64:
        """All sites, ascending."""
        return self._of.get((chrom, strand), np.zeros((0, 2), np.int64))[:, 0]

    def stretch(self, chrom: str, strand: str, start0: int, plus: bytes) -> Stretch:
        """RNA of plus-strand letters with the support of every A."""
        rows = self._of.get((chrom, strand), np.zeros((0, 2), np.int64))
        low, high = np.searchsorted(rows[:, 0], (start0, start0 + len(plus)))
        support = np.zeros(len(plus), dtype=np.uint16)
        support[rows[low:high, 0] - start0] = rows[low:high, 1]
        letters = plus
        if strand == "-":
            letters, support = reverse_complement(plus), support[::-1].copy()
        support[np.frombuffer(letters, np.uint8) != ord("A")] = 0
        return Stretch(chrom, strand, start0, letters, support, complete=True)
