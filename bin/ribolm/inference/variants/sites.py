"""Candidate bases that variants make, break or shift, scored with either allele by a model of sites.

The model reads one stretch around each variant, the allele with half its window on either side, on either strand,
straight from the genome: what splicing takes out is not known here. A model that reads so many tokens at most gets
less on either side of a long allele.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from ribolm.alphabet import Letters, reverse_complement
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Forward
from ribolm.inference.ensemble import Ensemble
from ribolm.inference.variants.effects import Effect, compared
from ribolm.inference.variants.haplotypes import Haplotypes, haplotypes_of
from ribolm.labels.polya.strand_letters import Places
from ribolm.models.weights import LoadedModel
from ribolm.sequences.universes import CONTEXT_NT, context_texts, contexts_at, members

VARIANTS_AT_ONCE = 512
HALF = CONTEXT_NT // 2
NO_BOUND = 1 << 62


def site_effects(
    ensemble: Ensemble, forward: Forward, genome: Genome, variants: Iterable[Variant], universe: str
) -> Iterator[tuple[Variant, list[Effect]]]:
    """Every variant with its effects on the candidates of a universe; see `effects.compared`.

    A candidate is named by the five bases around it. Its logit depends on all of the stretch, so that a variant shifts,
    if only by little, every candidate near it. Raises DataError for an allele that is too long for the model.
    """
    rest = iter(variants)
    most_nt = min((_most_nt(model) for model in ensemble.models), default=NO_BOUND)
    while block := tuple(islice(rest, VARIANTS_AT_ONCE)):
        reach_nt = [_reach_nt(variant, ensemble.window_nt // 2, most_nt) for variant in block]
        haplotypes = haplotypes_of(genome, block, reach_nt)
        yield from zip(block, _effects_of(ensemble, forward, haplotypes, block, universe), strict=True)


def _most_nt(model: LoadedModel) -> int:
    """Letters of the longest row that a model of single bases reads."""
    network, tokenizer = model.network, model.tokenizer
    if network.config.max_tokens is None:
        return NO_BOUND
    behind = network.spec.delay_nt if network.spec is not None else 0
    return network.config.max_tokens - len(tokenizer.prefix_ids) - len(tokenizer.suffix_ids) - behind


def _reach_nt(variant: Variant, half_nt: int, most_nt: int) -> int:
    """Bases beside a variant that are read with either allele."""
    longest = max(len(variant.ref), len(variant.alt))
    beside_nt = (most_nt - longest) // 2
    if beside_nt < HALF:
        raise DataError(
            f"{variant.chrom}:{variant.start0 + 1} (POS): an allele has {longest:,} nt, and the model reads "
            f"{most_nt:,} with {HALF} on either side. Leave such alleles out, or take a model of a longer context."
        )
    return min(half_nt, beside_nt)


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
