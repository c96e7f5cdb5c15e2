"""Bins over exon space: counted, placed on the genome, and their GC, against base-by-base work."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.genome.exon_space import ExonSpace, genomic_blocks
from ribolm.genome.fasta import Genome
from ribolm.peaks import bins as bins_module
from ribolm.peaks.bins import bins_per_unit, build_grid, gc_content, stretch_of_bins, unit_of_bins

LETTERS = np.random.default_rng(9).choice(np.frombuffer(b"ACGTN", np.uint8), 5000)
GENOME = Genome(Path("g.fa"), ("c1", "c2"), np.array([0, 2000, 5000]), LETTERS, "", {"c1": 0, "c2": 1})


def slow_starts(length, size, step):
    """ceil(max((L − size)/step, 1)) + 1 bins from 0, trimmed, those under 10 nt (or under `size`) dropped."""
    laid = int(np.ceil(max((length - size) / step, 1))) + 1
    return [k * step for k in range(laid) if min(k * step + size, length) - k * step >= min(10, size)]


@given(st.integers(1, 2000), st.integers(1, 120), st.integers(1, 120))
def test_the_number_of_bins_is_that_of_the_rule(length, size, step):
    assert bins_per_unit(np.array([length]), size, step)[0] == len(slow_starts(length, size, step))


@pytest.mark.parametrize("length, number", [(9, 0), (10, 1), (25, 1), (34, 1), (35, 2), (50, 2), (59, 2), (60, 3)])
def test_known_numbers_of_bins(length, number):
    assert bins_per_unit(np.array([length]), 25, 25)[0] == number


@st.composite
def spaces(draw):
    """Units of one to five exons on two contigs and both strands, some exons touching."""
    units, names = [], []
    place = {0: 0, 1: 0}
    for i in range(draw(st.integers(1, 6))):
        chrom = draw(st.integers(0, 1))
        exons = []
        for _ in range(draw(st.integers(1, 5))):
            place[chrom] += draw(st.sampled_from([0, 1, 7, 60]))
            size = draw(st.integers(1, 70))
            exons.append((place[chrom], place[chrom] + size))
            place[chrom] += size
        units.append((chrom, draw(st.sampled_from([-1, 1])), exons))
        names.append(f"u{i}")
        place[chrom] += 3
    number = np.array([len(exons) for _, _, exons in units])
    flat = np.array([exon for _, _, exons in units for exon in exons])
    length = flat[:, 1] - flat[:, 0]
    first = np.r_[0, np.cumsum(number)]
    before = np.cumsum(length) - length
    unit = np.repeat(np.arange(len(units)), number).astype(np.int32)
    return ExonSpace(
        chroms=("c1", "c2"),
        names=tuple(names),
        members=tuple((i,) for i in range(len(units))),
        chrom=np.array([c for c, _, _ in units], np.int32),
        strand=np.array([s for _, s, _ in units], np.int8),
        length_nt=np.add.reduceat(length, first[:-1]),
        first_exon=first,
        exon_unit=unit,
        exon_start0=flat[:, 0],
        exon_end0=flat[:, 1],
        exon_offset_nt=before - before[first[:-1]][unit],
    )


def bases_of_unit(space, unit):
    exons = slice(space.first_exon[unit], space.first_exon[unit + 1])
    return np.concatenate(
        [np.arange(a, b) for a, b in zip(space.exon_start0[exons], space.exon_end0[exons], strict=True)]
    )


@settings(max_examples=60, deadline=None)
@given(spaces(), st.integers(1, 40), st.integers(1, 40), st.integers(0, 60))
def test_every_bin_equals_the_bases_that_it_stands_for(space, size, step, flank):
    grid = build_grid(space, size, step)
    every = np.arange(grid.n_bins)
    unit = unit_of_bins(grid, every)
    start, end = stretch_of_bins(grid, every, unit)
    blocks = genomic_blocks(space, unit, start, end)
    gc = gc_content(space, grid, GENOME, flank)
    expected = [(u, s) for u in range(len(space)) for s in slow_starts(int(space.length_nt[u]), size, step)]
    assert list(zip(unit.tolist(), start.tolist(), strict=True)) == expected
    for i, (u, s) in enumerate(expected):
        bases = bases_of_unit(space, u)
        own = slice(blocks.first[i], blocks.first[i + 1])
        starts, ends = blocks.start0[own], blocks.start0[own] + blocks.size[own]
        laid = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)])
        assert laid.tolist() == bases[s : s + size].tolist()
        assert (starts[1:] > ends[:-1]).all()
        around = bases[max(0, s - flank) : min(s + size, len(bases)) + flank] + 2000 * space.chrom[u]
        assert gc.width_nt[i] == around.size
        assert gc.gc_nt[i] == np.isin(LETTERS[around], [ord("G"), ord("C")]).sum()


@settings(max_examples=20, deadline=None)
@given(spaces())
def test_gc_does_not_depend_on_how_much_is_read_at_once(space):
    grid = build_grid(space)
    whole = gc_content(space, grid, GENOME, 100)
    before = bins_module.CHUNK_NT
    try:
        bins_module.CHUNK_NT = 40
        pieces = gc_content(space, grid, GENOME, 100)
    finally:
        bins_module.CHUNK_NT = before
    assert np.array_equal(whole.gc_nt, pieces.gc_nt) and np.array_equal(whole.width_nt, pieces.width_nt)
