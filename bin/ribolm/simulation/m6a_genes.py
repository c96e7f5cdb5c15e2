"""Gene models before they are placed on a contig: exons, reading frame, isoforms, all in premRNA coordinates.

premRNA coordinates count from 0 at the first transcribed base and run 5' to 3'; intervals are half-open.
"""

import dataclasses
from itertools import pairwise

import numpy as np

from ribolm.simulation.m6a_options import M6aOptions

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
STOP_CODONS = (b"TAA", b"TAG", b"TGA")
ISOFORM_FORMS = ("early_end", "late_start", "skipped_exon")

Exons = tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True)
class GeneModel:
    """One gene: `isoforms` (the first is the main one), reading frame `coding` (start0, end0 incl. stop) or None.

    `sequence` is the premRNA, uint8 ASCII; `last_utr_nt` the length of the 3'UTR, 0 for a non-coding gene.
    """

    isoforms: tuple[Exons, ...]
    coding: tuple[int, int] | None
    sequence: np.ndarray
    last_utr_nt: int

    @property
    def biotype(self) -> str:
        """GENCODE's word for the gene."""
        return "lncRNA" if self.coding is None else "protein_coding"


def draw_gene(rng: np.random.Generator, options: M6aOptions, coding: bool) -> GeneModel:
    """Draw one gene: UTR, CDS and intron lengths log-normal, canonical GT–AG introns, CDS without internal stop."""
    gc = float(np.clip(rng.normal(0.5, 0.06), 0.36, 0.64))
    utr5_nt = _length(rng, 130, 0.4, 60) if coding else 0
    cds_nt = 3 * (_length(rng, 600, 0.5, 240) // 3) if coding else 0
    utr3_nt = _length(rng, 450, 0.5, 220) if coding else 0
    spliced_nt = utr5_nt + cds_nt + utr3_nt if coding else _length(rng, 700, 0.5, 300)
    # The last exon of a coding gene begins before the stop codon, as most do.
    exons = _exons(rng, spliced_nt, spliced_nt - utr3_nt - 45 if coding else spliced_nt, utr5_nt)
    places = positions(exons)
    sequence = _letters(rng, exons[-1][1], gc - 0.05)
    sequence[places] = _letters(rng, spliced_nt, gc + 0.02)
    for (_, donor), (acceptor, _) in pairwise(exons):
        sequence[donor : donor + 2] = np.frombuffer(b"GT", dtype=np.uint8)
        sequence[acceptor - 2 : acceptor] = np.frombuffer(b"AG", dtype=np.uint8)
    span = None
    if coding:
        sequence[places[:utr5_nt]] = _letters(rng, utr5_nt, gc + 0.08)
        sequence[places[utr5_nt : utr5_nt + cds_nt]] = _reading_frame(rng, cds_nt, gc + 0.03)
        sequence[places[utr5_nt + cds_nt :]] = _letters(rng, utr3_nt, gc - 0.06)
        span = (int(places[utr5_nt]), int(places[utr5_nt + cds_nt - 1]) + 1)
    isoforms = _isoforms(rng, options.isoforms, exons, span, sequence)
    return GeneModel(isoforms, span, sequence, utr3_nt)


def positions(exons: Exons) -> np.ndarray:
    """The premRNA coordinate of every base of a transcript, 5' to 3', int64."""
    return np.concatenate([np.arange(a, b) for a, b in exons])


def has_open_frame(codons: np.ndarray) -> bool:
    """Whether a CDS (uint8 ASCII, stop codon included) is ATG … stop with no stop before the end."""
    text = codons.tobytes()
    triplets = [text[k : k + 3] for k in range(0, len(text), 3)]
    inner_stop = any(triplet in STOP_CODONS for triplet in triplets[:-1])
    return len(text) % 3 == 0 and triplets[0] == b"ATG" and triplets[-1] in STOP_CODONS and not inner_stop


def _length(rng: np.random.Generator, median_nt: float, sigma: float, least_nt: int) -> int:
    return max(least_nt, round(median_nt * float(np.exp(sigma * rng.standard_normal()))))


def _letters(rng: np.random.Generator, n: int, gc: float) -> np.ndarray:
    upper = np.cumsum([(1 - gc) / 2, gc / 2, gc / 2])
    return BASES[np.searchsorted(upper, rng.random(n), side="right")]


def _exons(rng: np.random.Generator, spliced_nt: int, last_cut_nt: int, frame_nt: int) -> Exons:
    cuts = _cuts(rng, last_cut_nt, frame_nt)
    edges = [0, *cuts, spliced_nt]
    introns_nt = [_length(rng, 250, 0.8, 80) for _ in cuts]
    shifts = np.r_[0, np.cumsum(introns_nt)].astype(int)
    return tuple((a + int(shift), b + int(shift)) for (a, b), shift in zip(pairwise(edges), shifts, strict=True))


def _cuts(rng: np.random.Generator, end_nt: int, frame_nt: int) -> list[int]:
    """Exon borders in the spliced RNA: at least 60 nt apart, all in one phase of the frame, so that exons can skip."""
    wanted = int(rng.poisson(3.5))
    phase = frame_nt + int(rng.integers(3))
    candidates = sorted(phase + 3 * int((place - phase) // 3) for place in rng.uniform(60, max(61, end_nt), wanted))
    cuts: list[int] = []
    for place in candidates:
        if place - (cuts[-1] if cuts else 0) >= 60 and place <= end_nt - 60:
            cuts.append(place)
    return cuts


def _reading_frame(rng: np.random.Generator, cds_nt: int, gc: float) -> np.ndarray:
    codons = _letters(rng, cds_nt, gc).reshape(-1, 3)
    while True:
        stops = np.flatnonzero(_is_stop(codons))
        if not len(stops):
            break
        codons[stops] = _letters(rng, 3 * len(stops), gc).reshape(-1, 3)
    codons[0] = np.frombuffer(b"ATG", dtype=np.uint8)
    codons[-1] = np.frombuffer(STOP_CODONS[int(rng.integers(3))], dtype=np.uint8)
    return codons.ravel()


def _is_stop(codons: np.ndarray) -> np.ndarray:
    stops = [np.frombuffer(stop, dtype=np.uint8) for stop in STOP_CODONS]
    return np.asarray(np.any([np.all(codons == stop, axis=1) for stop in stops], axis=0))


def _isoforms(
    rng: np.random.Generator, mean_extra: float, exons: Exons, span: tuple[int, int] | None, sequence: np.ndarray
) -> tuple[Exons, ...]:
    found = [exons]
    forms = rng.permutation(len(ISOFORM_FORMS))[: rng.poisson(mean_extra)]
    for form in forms:
        share, pick = float(rng.uniform(0.35, 0.65)), float(rng.random())
        variant = _variant(ISOFORM_FORMS[int(form)], exons, span, share, pick)
        if variant is not None and variant not in found and _keeps_frame(variant, span, sequence):
            found.append(variant)
    return tuple(found)


def _variant(form: str, exons: Exons, span: tuple[int, int] | None, share: float, pick: float) -> Exons | None:
    """The exons of another isoform, or None where the gene has no room for it; `share` and `pick` are in 0-1."""
    (first0, first_end0), (last0, last_end0) = exons[0], exons[-1]
    if form == "early_end":
        return (*exons[:-1], (last0, last_end0 - round(share * (last_end0 - max(last0, span[1]))))) if span else None
    if form == "late_start":
        shift = round(share * ((min(span[0], first_end0) if span else first_end0) - first0))
        return ((first0 + shift, first_end0), *exons[1:]) if first_end0 - first0 - shift >= 20 else None
    inner = [k for k in range(1, len(exons) - 1) if span is None or (span[0] < exons[k][0] and exons[k][1] < span[1])]
    if not inner:
        return None
    skipped = inner[int(pick * len(inner))]
    return exons[:skipped] + exons[skipped + 1 :]


def _keeps_frame(exons: Exons, span: tuple[int, int] | None, sequence: np.ndarray) -> bool:
    if span is None:
        return True
    places = positions(exons)
    return has_open_frame(sequence[places[(places >= span[0]) & (places < span[1])]])
