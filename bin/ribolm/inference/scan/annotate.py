"""What lies under a call: gene, part of the transcript, nearest known site, A-rich genome behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.console import choice, notice
from ribolm.genome.annotation import Annotation
from ribolm.genome.coordinates import STRAND_SIGN, Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import REGIONS, UTR3, TranscriptModels, build_transcript_models
from ribolm.inference.scan.nulls import distances_to
from ribolm.labels.polya.anchors import find_anchors
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.internal_priming import DOWNSTREAM_NT, may_be_primed_inside
from ribolm.labels.polya.site_lists import read_site_list
from ribolm.labels.polya.strand_letters import Bool, Places, letters_around

NOTHING = "."
INTRON, DOWNSTREAM, ANTISENSE, INTERGENIC = "intron", "downstream", "antisense", "intergenic"
UNKNOWN_NT = np.iinfo(np.int64).min
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class KnownSites:
    """Anchors of known sites and their names (object [n]); `label` says where they come from."""

    places: Places
    name: Texts
    label: str


@dataclass(frozen=True)
class CallAnnotation:
    """Arrays over calls. `distance_nt`: signed, downstream positive, `UNKNOWN_NT` without a known site of the strand.

    `utr3_nt`: length of the 3'UTR that ends at the call, -1 where it ends none; `model`: transcript it is read on.
    """

    gene: Texts
    feature: Texts
    distance_nt: Int64
    nearest: Texts
    is_primed: Bool
    utr3_nt: Int64
    transcript: Texts


def known_sites(genome: Genome, known: Path | None, annotation: Annotation | None) -> KnownSites | None:
    """Sites of a list of any known format, else the ends of the transcripts of an annotation, else None.

    An end of several transcripts stands once, by the first one's name. Of a list, rows that repeat place and name are
    left out, as are those that are no sites (signals); genes that end together keep a site each. Raises DataError for
    a list of another genome.
    """
    if known is not None:
        sites = read_site_list(known)
        anchors = find_anchors(sites, genome)
        rows = np.flatnonzero(sites.is_site[anchors.row])
        names = np.array([sites.name[k] or NOTHING for k in anchors.row[rows]], dtype=object)
        return _each_once(anchors.places.take(rows), names, names, sites.label)
    if annotation is None:
        return None
    choice("known sites", f"ends of the transcripts of {annotation.label}", "no --known was given")
    exons = annotation.exons
    index = {name: k for k, name in enumerate(genome.names)}
    contig = np.array([index.get(name, -1) for name in annotation.chroms], dtype=np.int64)[exons.chrom]
    exons, contig = exons.take(contig >= 0), contig[contig >= 0]
    behind = np.where(exons.strand > 0, exons.end0, exons.start0 - 1)  # the base after the last one of the exon
    by_end = np.lexsort((behind * exons.strand, exons.transcript))
    last = by_end[np.r_[exons.transcript[by_end][1:] != exons.transcript[by_end][:-1], True]] if len(by_end) else by_end
    names = np.array([annotation.transcripts[t] for t in exons.transcript[last]], dtype=object)
    ends = Places(contig[last], behind[last], exons.strand[last])
    return _each_once(ends, np.full(len(ends), NOTHING, dtype=object), names, f"ends of {annotation.label}")


def _each_once(places: Places, units: Texts, names: Texts, label: str) -> KnownSites:
    """The first of all sites on one base and strand of one unit, so that shares do not weigh what is repeated."""
    unit = np.unique(units.astype(str), return_inverse=True)[1]
    table = np.stack([places.contig, places.at0, places.strand.astype(np.int64), unit])
    first = np.sort(np.unique(table, axis=1, return_index=True)[1])
    return KnownSites(places.take(first), names[first], label)


def annotate(places: Places, genome: Genome, annotation: Annotation | None, known: KnownSites | None) -> CallAnnotation:
    """Annotate calls on their own strand; without an annotation or known sites those columns are ".".

    Features: a region of the first-choice transcript (`TranscriptModels.rank`) whose exon holds the A; `intron`;
    `downstream` of a gene's end by at most 1,000 nt; `antisense` to a gene; `intergenic`.
    """
    n = len(places)
    gene, feature, transcript = (np.full(n, NOTHING, dtype=object) for _ in range(3))
    utr3 = np.full(n, -1, dtype=np.int64)
    if annotation is not None:
        _place_in_genes(places, genome, annotation, gene, feature, transcript, utr3)
    distance, nearest = np.full(n, UNKNOWN_NT, dtype=np.int64), np.full(n, NOTHING, dtype=object)
    if known is not None and n:
        row, apart = distances_to(places, known.places)
        has = row >= 0
        distance[has], nearest[has] = apart[has], known.name[row[has]]
    primed = may_be_primed_inside(letters_around(genome, places, 0, DOWNSTREAM_NT - 1))
    return CallAnnotation(gene, feature, distance, nearest, primed, utr3, transcript)


def _place_in_genes(
    places: Places, genome: Genome, annotation: Annotation, gene: Texts, feature: Texts, transcript: Texts, utr3: Int64
) -> None:
    genes = Genes.of(annotation, genome)
    if not len(genes):
        notice(f"{annotation.label}: has no gene on a contig of {genome.label}; calls stay without gene.")
    owner = genes.owner(places)
    gene[owner >= 0] = np.array(genes.names, dtype=object)[genes.gene[owner[owner >= 0]]]
    inside, opposite = genes.covers(places, same_strand=True), genes.covers(places, same_strand=False)
    feature[:] = np.select(
        [inside, owner >= 0, opposite], np.array([INTRON, DOWNSTREAM, ANTISENSE], dtype=object), INTERGENIC
    )
    models = build_transcript_models(annotation)
    ends = _LastCoding(models)
    for k in np.flatnonzero(owner >= 0).tolist():
        contig, at0, sign = genome.names[places.contig[k]], int(places.at0[k]), int(places.strand[k])
        if not inside[k]:
            utr3[k], transcript[k] = ends.length_to(int(genes.gene[owner[k]]), at0, sign)
        elif (found := models.locate(contig, at0, STRAND_SIGN[sign])) is not None:
            model, place_nt = found
            region = models.region(model, place_nt)
            feature[k], transcript[k] = REGIONS[region], models.names[model]
            gene[k] = annotation.genes[models.gene[model]]
            utr3[k] = place_nt - models.cds_end_nt[model] if region == UTR3 else -1


class _LastCoding:
    """The coding transcript of every gene that reaches farthest downstream."""

    def __init__(self, models: TranscriptModels) -> None:
        self._models = models
        self._last: dict[int, tuple[int, int]] = {}
        low, high = np.full(len(models), np.iinfo(np.int64).max), np.zeros(len(models), dtype=np.int64)
        np.minimum.at(low, models.exon_model, models.exon_start0)
        np.maximum.at(high, models.exon_model, models.exon_end0)
        behind = np.where(models.strand > 0, high, low - 1)
        for model in np.lexsort((models.rank, -behind * models.strand)).tolist():
            if models.cds_end_nt[model] >= 0:
                self._last.setdefault(int(models.gene[model]), (model, int(behind[model])))

    def length_to(self, gene: int, at0: int, sign: int) -> tuple[int, str]:
        """(nt of 3'UTR up to a base behind the gene, transcript); -1 and "." for a gene without coding region."""
        if gene not in self._last:
            return -1, NOTHING
        model, behind = self._last[gene]
        models = self._models
        length_nt = int(models.length_nt[model] - models.cds_end_nt[model]) + (at0 - behind) * sign
        return length_nt, models.names[model]
