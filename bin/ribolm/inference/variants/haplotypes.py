"""The sequence around each variant with either allele, and where its bases lie on the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters, letters
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.labels.polya.strand_letters import Places


@dataclass(frozen=True)
class Haplotypes:
    """Stretches of sequence around variants: contig 2 i of `sequence` has the reference allele of variant i, 2 i + 1
    the alternative one.

    By variant, int64 [n]: `origin0`, reference place of the first base of both; `offset0`, index of the alleles in
    them; `ref_nt`, `alt_nt`, lengths of the alleles.
    """

    sequence: Genome
    origin0: Int64
    offset0: Int64
    ref_nt: Int64
    alt_nt: Int64

    def reference_places(self, contig: Int64, at0: Int64) -> Int64:
        """Reference place of bases of the stretches, int64 [m]: of an inserted base, the last one before it.

        Within alleles, bases correspond from the left.
        """
        variant, is_alt = contig // 2, contig % 2 == 1
        within = at0 - self.offset0[variant]
        ref_nt, alt_nt = self.ref_nt[variant], self.alt_nt[variant]
        behind = within >= np.where(is_alt, alt_nt, ref_nt)
        moved = np.where(behind & is_alt, at0 - (alt_nt - ref_nt), at0)
        inserted = is_alt & ~behind & (within >= ref_nt)
        moved = np.where(inserted, self.offset0[variant] + ref_nt - 1, moved)
        return np.asarray(self.origin0[variant] + moved, dtype=np.int64)

    def is_inserted(self, contig: Int64, at0: Int64) -> npt.NDArray[np.bool_]:
        """Which bases of the stretches have no reference base of their own."""
        variant = contig // 2
        within = at0 - self.offset0[variant]
        inside = (within >= self.ref_nt[variant]) & (within < self.alt_nt[variant])
        return np.asarray((contig % 2 == 1) & inside)

    def upstream_nt(self, places: Places) -> Int64:
        """How far upstream of places of the stretches, on their own strand, the allele ends: int64 [m].

        1 next to the place, 0 and less where the allele holds the place or lies downstream.
        """
        first, last = self._allele(places)
        return np.asarray(np.where(places.strand > 0, places.at0 - last, first - places.at0), dtype=np.int64)

    def downstream_nt(self, places: Places) -> Int64:
        """The same downstream."""
        first, last = self._allele(places)
        return np.asarray(np.where(places.strand > 0, first - places.at0, places.at0 - last), dtype=np.int64)

    def _allele(self, places: Places) -> tuple[Int64, Int64]:
        variant = places.contig // 2
        first = self.offset0[variant]
        return first, first + np.where(places.contig % 2 == 1, self.alt_nt[variant], self.ref_nt[variant]) - 1


def haplotypes_of(genome: Genome, variants: Sequence[Variant], reach_nt: int | Sequence[int]) -> Haplotypes:
    """Both alleles of variants with `reach_nt` bases of the reference on either side, fewer at the ends of a contig.

    `reach_nt`: one for all variants, or one for each.
    """
    reaches = [reach_nt] * len(variants) if isinstance(reach_nt, int) else reach_nt
    pieces: list[Letters] = []
    origin0 = np.zeros(len(variants), dtype=np.int64)
    lengths = genome.lengths
    for number, (variant, reach) in enumerate(zip(variants, reaches, strict=True)):
        low = max(variant.start0 - reach, 0)
        high = min(variant.end0 + reach, lengths[variant.chrom])
        before = genome.fetch(variant.chrom, low, variant.start0)
        after = genome.fetch(variant.chrom, variant.end0, high)
        reference = genome.fetch(variant.chrom, variant.start0, variant.end0)  # the genome's N stay
        for allele in (reference, letters(variant.alt)):
            pieces.append(np.concatenate([before, allele, after]))
        origin0[number] = low
    names = tuple(f"{v.chrom}:{v.start0 + 1} {kind}" for v in variants for kind in (v.ref, v.alt))
    offsets = np.r_[0, np.cumsum([len(piece) for piece in pieces])].astype(np.int64)
    data = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint8)
    index = {name: k for k, name in enumerate(names)}
    starts = np.array([variant.start0 for variant in variants], dtype=np.int64)
    ref_nt = np.array([len(variant.ref) for variant in variants], dtype=np.int64)
    alt_nt = np.array([len(variant.alt) for variant in variants], dtype=np.int64)
    sequence = Genome(genome.path, names, offsets, data, genome.sha256, index)
    return Haplotypes(sequence, origin0, starts - origin0, ref_nt, alt_nt)
