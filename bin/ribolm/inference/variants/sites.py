"""Candidate bases that variants make, break or shift, scored with either allele by a model of sites.

The model reads one stretch of its window's width around each variant, on either strand, straight from the genome: what
splicing takes out is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from ribolm.alphabet import Letters, reverse_complement
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Forward
from ribolm.inference.ensemble import Ensemble
from ribolm.inference.variants.effects import Effect, compared
from ribolm.inference.variants.haplotypes import Haplotypes, haplotypes_of
from ribolm.labels.polya.strand_letters import Places
from ribolm.sequences.universes import CONTEXT_NT, context_texts, contexts_at, members

VARIANTS_AT_ONCE = 512
HALF = CONTEXT_NT // 2


def site_effects(
    ensemble: Ensemble, forward: Forward, genome: Genome, variants: Iterable[Variant], universe: str
) -> Iterator[tuple[Variant, list[Effect]]]:
    """Every variant with its effects on the candidates of a universe; see `effects.compared`.

    A candidate is named by the five bases around it. Its logit depends on all of the stretch, so that a variant shifts,
    if only by little, every candidate near it.
    """
    rest = iter(variants)
    while block := tuple(islice(rest, VARIANTS_AT_ONCE)):
        haplotypes = haplotypes_of(genome, block, ensemble.window_nt // 2)
        yield from zip(block, _effects_of(ensemble, forward, haplotypes, block, universe), strict=True)


def _effects_of(
    ensemble: Ensemble, forward: Forward, haplotypes: Haplotypes, variants: Sequence[Variant], universe: str
) -> list[list[Effect]]:
    letters, offsets, places = _both_strands(haplotypes)
    padded = np.pad(letters, HALF, constant_values=ord("N"))
    contexts = contexts_at(padded, np.arange(len(letters)) + HALF)
    wanted = members(contexts, universe) & (letters != ord("N")) & _inner(offsets)
    tokens, token_offsets = forward.tokenizer.encode_rows(letters, offsets)
    _, logits = ensemble.combine(forward.logits(tokens, token_offsets, wanted).astype(np.float64))
    names = context_texts(contexts[wanted])
    return compared(haplotypes, variants, places.take(wanted), names, logits.astype(np.float32))


def _both_strands(haplotypes: Haplotypes) -> tuple[Letters, Int64, Places]:
    """Letters of every stretch and of its other strand, offsets of these rows, and the place of every letter."""
    bounds = haplotypes.sequence.offsets
    rows, contig, at0, strand = [], [], [], []
    for number, (low, high) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        forwards = np.asarray(haplotypes.sequence.data[low:high])
        length = high - low
        rows += [forwards, reverse_complement(forwards)]
        contig.append(np.full(2 * length, number))
        at0 += [np.arange(length), np.arange(length)[::-1]]
        strand.append(np.repeat(np.array([1, -1], dtype=np.int8), length))
    offsets = np.r_[0, np.cumsum([len(row) for row in rows])].astype(np.int64)
    places = Places(*(np.concatenate(column) for column in (contig, at0, strand)))
    return np.concatenate(rows), offsets, places


def _inner(offsets: Int64) -> np.ndarray:
    """Letters whose context lies within their row."""
    inner = np.ones(int(offsets[-1]), dtype=bool)
    for step in range(HALF):
        inner[np.minimum(offsets[:-1] + step, offsets[1:] - 1)] = False
        inner[np.maximum(offsets[1:] - 1 - step, offsets[:-1])] = False
    return inner
