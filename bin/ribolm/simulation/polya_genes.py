"""Genes with poly(A) sites, drawn in the direction of the RNA and laid on either strand of a contig.

A true site carries a signal hexamer about 20 nt upstream, often UGUA before it, and a GU-rich element downstream. A
decoy carries the hexamer at the same distances and nothing else. A primed place is an A-rich stretch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ribolm.alphabet import Letters, reverse_complement
from ribolm.candidates.hexamers import HEXAMERS
from ribolm.simulation.polya_options import PolyaOptions
from ribolm.simulation.streams import stream

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
GU_RICH = (0.04, 0.08, 0.36, 0.52)  # shares of A, C, G, U in the downstream element
GU_FIRST_NT, GU_NT = 7, 24  # from the anchor
BEFORE_SITE = (0.0, 0.55, 0.30, 0.15)  # the base before the anchor, after the real ones
SIGNAL_MEAN_NT, SIGNAL_SD_NT, SIGNAL_RANGE_NT = 20.0, 3.5, (12, 30)
TAIL_NT = 200  # planted sequence may reach so far behind a gene
APART_NT = 160
SITE, DECOY, PRIMED = "site", "decoy", "primed"


@dataclass(frozen=True)
class Planted:
    """Something planted: `kind`, its anchor on the plus strand, the hexamer and its distance ("" and 0 without)."""

    kind: str
    contig: int
    anchor0: int
    strand: str
    gene: str
    hexamer: str
    distance_nt: int


@dataclass(frozen=True)
class SimulatedGene:
    """A gene on one strand: exons as (start0, end0) ascending, transcripts as (id, exons), last bases before sites."""

    name: str
    contig: int
    strand: str
    transcripts: tuple[tuple[tuple[int, int], ...], ...]
    coding: tuple[int, int]


@dataclass(frozen=True)
class SimulatedGenome:
    """Contigs as letters, genes and everything planted."""

    names: tuple[str, ...]
    contigs: tuple[Letters, ...]
    genes: tuple[SimulatedGene, ...]
    planted: tuple[Planted, ...]


def simulate_genome(options: PolyaOptions) -> SimulatedGenome:
    """Draw contigs, genes, sites, decoys and primed places; the same for the same options."""
    names: list[str] = []
    contigs: list[Letters] = []
    genes: list[SimulatedGene] = []
    planted: list[Planted] = []
    for contig in range(options.contigs):
        random = stream(options.seed, "polya", "contig", str(contig))
        text = _random_letters(random, options.contig_nt, options.gc)
        long_left, start0 = options.long_genes, int(random.integers(1000, 3000))
        while True:
            length_nt = 40_000 if long_left else int(np.clip(random.lognormal(8.0, 0.5), 1500, 9000))
            if start0 + length_nt + TAIL_NT + 1000 > options.contig_nt:
                break
            long_left = max(long_left - 1, 0)
            drawn = _Gene(random, options, f"G{len(genes) + 1:04d}", contig, start0, length_nt)
            text[start0 - TAIL_NT : start0 + length_nt + TAIL_NT] = drawn.plus_letters()
            genes.append(drawn.gene())
            planted.extend(drawn.planted())
            start0 += length_nt + TAIL_NT * 2 + int(random.integers(300, 2500))
        text[-500:-300] = ord("N")
        names.append(f"chr{contig + 1}")
        contigs.append(text)
    names.append("tiny")
    contigs.append(_random_letters(stream(options.seed, "polya", "tiny"), 60, options.gc))
    return SimulatedGenome(tuple(names), tuple(contigs), tuple(genes), tuple(planted))


def _random_letters(random: np.random.Generator, n: int, gc: float) -> Letters:
    return BASES[random.choice(4, n, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])]


class _Gene:
    """One gene in the making; places are counted in the direction of the RNA, from its first base."""

    def __init__(
        self, random: np.random.Generator, options: PolyaOptions, name: str, contig: int, start0: int, length_nt: int
    ) -> None:
        self.random, self.options = random, options
        self.name, self.contig, self.start0, self.length_nt = name, contig, start0, length_nt
        self.strand = "+" if random.random() < 0.5 else "-"
        self.letters = _random_letters(random, length_nt + 2 * TAIL_NT, options.gc)
        self.taken: list[int] = []
        self.found: list[tuple[str, int, str, int]] = []
        self.exons = self._exons()
        self._plant_sites()
        for _ in range(len(self.found)):
            self._plant_elsewhere(DECOY)
        if random.random() < options.primed_fraction:
            self._plant_elsewhere(PRIMED)

    def _exons(self) -> list[tuple[int, int]]:
        """One to four exons of equal stretches; the last is at least 600 nt."""
        n = int(self.random.integers(1, 5)) if self.length_nt > 3000 else 1
        edges = np.linspace(0, self.length_nt - 700, 2 * n - 1).astype(int).tolist() if n > 1 else [0]
        exons = [(edges[2 * k], edges[2 * k + 1]) for k in range(n - 1)]
        return [*exons, (edges[-1], self.length_nt)]

    def _plant_sites(self) -> None:
        self._plant_site(self.length_nt)
        for k in range(int(self.random.poisson(self.options.extra_sites))):
            if k < 3 and self.exons[-1][1] - self.exons[-1][0] >= 650:
                self._plant_site(self.length_nt - 180 * (k + 1) - int(self.random.integers(0, 10)))

    def _plant_site(self, at: int) -> None:
        hexamer, distance = self._signal(at)
        self._write(at - 1, BASES[self.random.choice(4, 1, p=BEFORE_SITE)])
        self._write(at, b"A")
        if self.random.random() < self.options.downstream_fraction:
            self._write(at + GU_FIRST_NT, BASES[self.random.choice(4, GU_NT, p=GU_RICH)])
        if self.random.random() < 0.5:
            self._write(at - distance - int(self.random.integers(8, 30)), b"TGTA")
        self.taken.append(at)
        self.found.append((SITE, at, hexamer, distance))

    def _plant_elsewhere(self, kind: str) -> None:
        """Plant a decoy or a primed place inside the gene, apart from all others; leave it where none is free."""
        for _ in range(20):
            at = int(self.random.integers(150, self.length_nt - 100))
            if all(abs(at - other) >= APART_NT for other in self.taken):
                self.taken.append(at)
                hexamer, distance = ("", 0) if kind == PRIMED else self._signal(at)
                self._write(at - 1, b"GAAAAAAAAAAA" if kind == PRIMED else b"CA")
                self.found.append((kind, at, hexamer, distance))
                return

    def _signal(self, at: int) -> tuple[str, int]:
        distance = int(np.clip(round(self.random.normal(SIGNAL_MEAN_NT, SIGNAL_SD_NT)), *SIGNAL_RANGE_NT))
        canonical = self.random.random() < self.options.canonical_fraction
        place = int(self.random.random() < 0.2) if canonical else int(self.random.integers(2, len(HEXAMERS)))
        self._write(at - distance, HEXAMERS[place].encode())
        return HEXAMERS[place], distance

    def _write(self, at: int, text: bytes | Letters) -> None:
        letters = np.frombuffer(text, dtype=np.uint8) if isinstance(text, bytes) else text
        self.letters[TAIL_NT + at : TAIL_NT + at + len(letters)] = letters

    def plus_letters(self) -> Letters:
        """The gene with `TAIL_NT` bases on either side, as on the plus strand."""
        return self.letters if self.strand == "+" else reverse_complement(self.letters)

    def _plus(self, at: int) -> int:
        return self.start0 + at if self.strand == "+" else self.start0 + self.length_nt - 1 - at

    def planted(self) -> list[Planted]:
        return [
            Planted(kind, self.contig, self._plus(at), self.strand, self.name, hexamer, distance)
            for kind, at, hexamer, distance in self.found
        ]

    def gene(self) -> SimulatedGene:
        """One transcript per site, the longest first; the reading frame ends before the first site."""
        ends = sorted((at for kind, at, _, _ in self.found if kind == SITE), reverse=True)
        transcripts = tuple(
            tuple(self._blocks([*self.exons[:-1], (self.exons[-1][0], end)])) for end in ends
        )  # fmt: skip
        last = self.exons[-1][0] + max(3, (min(ends) - self.exons[-1][0]) // 3)
        low, high = sorted((self._plus(self.exons[0][0] + 30), self._plus(last)))
        return SimulatedGene(self.name, self.contig, self.strand, transcripts, (low, high + 1))

    def _blocks(self, exons: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Exons as plus-strand stretches, ascending."""
        found = []
        for first, end in exons:
            low, high = sorted((self._plus(first), self._plus(end - 1)))
            found.append((low, high + 1))
        return sorted(found)
