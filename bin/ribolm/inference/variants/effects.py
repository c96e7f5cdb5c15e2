"""Candidates with either allele of a variant, held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Float32
from ribolm.inference.variants.haplotypes import Haplotypes
from ribolm.labels.polya.strand_letters import Places


@dataclass(frozen=True)
class Site:
    """A candidate with one of the alleles: its name and its logit."""

    name: str
    logit: float


@dataclass(frozen=True)
class Effect:
    """What a variant does to one candidate; `start0`: its base on the reference, of an inserted one the base before it.

    `reference` None: the variant makes the candidate; `alternative` None: it breaks it; both: it shifts its logit, or
    what names it.
    """

    variant: Variant
    start0: int
    strand: str
    reference: Site | None
    alternative: Site | None

    @property
    def kind(self) -> str:
        """made, broken or shifted."""
        return "made" if self.reference is None else "broken" if self.alternative is None else "shifted"


def compared(
    haplotypes: Haplotypes,
    variants: Sequence[Variant],
    places: Places,
    names: npt.NDArray[np.object_],
    logits: Float32,
) -> list[list[Effect]]:
    """What each variant does, ascending by place, + before −, from the candidates of both alleles.

    `places` are those of the haplotypes, `names` object [m], `logits` float32 [m]. Candidates of one reference base and
    strand are one; those on inserted bases have no partner.
    """
    on_reference = haplotypes.reference_places(places.contig, places.at0)
    own = np.where(haplotypes.is_inserted(places.contig, places.at0), places.at0, -1)
    found: list[dict[tuple[int, int, int], dict[int, Site]]] = [{} for _ in variants]
    columns = (places.contig, on_reference, places.strand, own, names, logits)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for contig, start0, strand, index, name, logit in rows:
        found[contig // 2].setdefault((start0, -strand, index), {})[contig % 2] = Site(name, logit)
    return [
        [
            Effect(variant, start0, "+" if minus_strand < 0 else "-", alleles.get(0), alleles.get(1))
            for (start0, minus_strand, _), alleles in sorted(sites.items())
            if len(alleles) == 1 or alleles[0] != alleles[1]
        ]
        for variant, sites in zip(variants, found, strict=True)
    ]
