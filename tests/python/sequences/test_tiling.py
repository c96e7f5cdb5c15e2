"""Frames and tiles: where bases go, which tiles hold them, and that a cut of a peak changes neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import reverse_complement
from ribolm.errors import DataError, UsageError
from ribolm.genome.coordinates import Int64
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import Region
from ribolm.sequences.frames import Frames
from ribolm.sequences.placement import positions0, positions0_of_rows, rna_order
from ribolm.sequences.tiling import Grid, split_clusters

LENGTHS = {"c1": 400, "c2": 0, "c3": 90}
# unit: contig index, strand, exons
UNITS = {
    "A": (0, 1, ((10, 60), (100, 180))),
    "B": (0, -1, ((50, 120), (120, 150), (300, 330))),
    "C": (2, 1, ((0, 90),)),
}


def exon_space() -> ExonSpace:
    exons = [(unit, a, b) for unit, (_, _, blocks) in enumerate(UNITS.values()) for a, b in blocks]
    unit, start0, end0 = np.array(exons, dtype=np.int64).T
    size = end0 - start0
    first = np.searchsorted(unit, np.arange(len(UNITS) + 1))
    before = np.cumsum(size) - size
    return ExonSpace(
        chroms=tuple(LENGTHS),
        names=tuple(UNITS),
        members=((),) * len(UNITS),
        chrom=np.array([c for c, _, _ in UNITS.values()], dtype=np.int32),
        strand=np.array([s for _, s, _ in UNITS.values()], dtype=np.int8),
        length_nt=np.add.reduceat(size, first[:-1]),
        first_exon=first.astype(np.int64),
        exon_unit=unit.astype(np.int32),
        exon_start0=start0,
        exon_end0=end0,
        exon_offset_nt=before - before[first[:-1]][unit],
    )


def genome() -> Genome:
    rng = np.random.default_rng(2)
    data = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), sum(LENGTHS.values()))
    offsets = np.r_[0, np.cumsum(list(LENGTHS.values()))].astype(np.int64)
    return Genome("g.fa", tuple(LENGTHS), offsets, data, "", {name: i for i, name in enumerate(LENGTHS)})  # type: ignore[arg-type]


FRAMES = Frames.of_genome(LENGTHS, exon_space())
GENOME = genome()


def bases(frames: Frames, unit: int) -> Int64:
    """Positions of a frame's bases, lowest first, one by one."""
    first, last = frames.space.first_exon[unit : unit + 2]
    pairs = zip(frames.space.exon_start0[first:last], frames.space.exon_end0[first:last], strict=True)
    return np.concatenate([np.arange(a, b) for a, b in pairs])


@st.composite
def regions(draw: st.DrawFn) -> Region:
    chrom = draw(st.sampled_from(["c1", "c3"]))
    start0 = draw(st.integers(0, LENGTHS[chrom] - 1))
    end0 = min(start0 + draw(st.integers(1, 120)), LENGTHS[chrom])
    return Region(chrom, start0, end0, strand=draw(st.sampled_from("+-.")))


@given(st.lists(regions(), max_size=6))
def test_every_base_goes_to_its_gene_else_to_its_contig(peaks: list[Region]) -> None:
    pieces, lost_nt = FRAMES.place(peaks)
    found = set()
    for unit, low, high, region in zip(*(getattr(pieces, key).tolist() for key in pieces.__annotations__), strict=True):
        positions = bases(FRAMES, unit)[low:high].tolist()
        found |= {(region, unit, position) for position in positions}
    owner = {
        (c, s, position): unit
        for unit, (c, s, _) in enumerate(UNITS.values())
        for position in bases(FRAMES, unit).tolist()
    }
    expected, lost = set(), 0
    for number, peak in enumerate(peaks):
        contig = list(LENGTHS).index(peak.chrom)
        for position in range(peak.start0, peak.end0):
            units = [
                owner.get((contig, s, position)) for s in ((1, -1) if peak.strand == "." else (int(f"{peak.strand}1"),))
            ]
            if peak.strand != "." and units == [None]:
                units = [len(UNITS) + contig + (len(LENGTHS) if peak.strand == "-" else 0)]
            expected |= {(number, unit, position) for unit in units if unit is not None}
            lost += peak.strand == "." and units == [None, None]
    assert found == expected
    assert lost_nt == lost


@given(st.integers(1, 150), st.integers(0, 149))
def test_tiles_cover_every_frame_on_the_stated_grid(window_nt: int, overlap_nt: int) -> None:
    if overlap_nt >= window_nt:
        with pytest.raises(UsageError, match="does not fit"):
            Grid(FRAMES, window_nt, overlap_nt)
        return
    grid = Grid(FRAMES, window_nt, overlap_nt)
    tiles = grid.tiles_of_all()
    unit, first, end = grid.stretches(tiles)
    for number, length in enumerate(FRAMES.space.length_nt.tolist()):
        stride = window_nt - overlap_nt
        starts = [s for s in range(0, length, stride) if s + window_nt < length] + (
            [max(0, length - window_nt)] if length else []
        )
        assert first[unit == number].tolist() == starts
        assert (end - first)[unit == number].tolist() == [min(window_nt, length)] * len(starts)
    assert grid.tiles_of_genes().tolist() == tiles[unit < FRAMES.n_genes].tolist()


@settings(max_examples=60)
@given(st.lists(regions(), min_size=1, max_size=4), st.integers(20, 100), st.integers(0, 19))
def test_tiles_over_regions_are_those_that_share_a_base(peaks: list[Region], window_nt: int, overlap_nt: int) -> None:
    grid = Grid(FRAMES, window_nt, overlap_nt)
    pieces, _ = FRAMES.place(peaks)
    wanted = {(u, p) for u, a, b in zip(pieces.unit, pieces.low_nt, pieces.high_nt, strict=True) for p in range(a, b)}
    everything = grid.tiles_of_all()
    unit, start, end = grid.stretches(everything)
    holds = [any((u, p) in wanted for p in range(a, b)) for u, a, b in zip(unit, start, end, strict=True)]
    assert grid.tiles_over(pieces).tolist() == everything[np.array(holds)].tolist()


def test_letters_places_and_keys_agree() -> None:
    grid = Grid(FRAMES, 50, 20)
    batch = grid.read(grid.tiles_of_all(), GENOME)
    starts0 = batch.blocks.start0.astype(np.int64)
    positions, offsets = positions0_of_rows(batch.blocks.first, starts0, starts0 + batch.blocks.size, batch.is_minus)
    assert offsets.tolist() == batch.offsets.tolist()
    for i, (unit, low, high) in enumerate(zip(batch.unit, batch.start_nt, batch.end_nt, strict=True)):
        upwards = bases(FRAMES, int(unit))[low:high]
        place = slice(int(offsets[i]), int(offsets[i + 1]))
        contig = FRAMES.space.chroms[FRAMES.space.chrom[unit]]
        letters = GENOME.fetch(contig, 0, LENGTHS[contig])[upwards]
        minus = FRAMES.space.strand[unit] < 0
        assert positions[place].tolist() == (upwards[::-1] if minus else upwards).tolist()
        assert bytes(batch.letters[place]) == bytes(reverse_complement(letters) if minus else letters)
        keys = FRAMES.first_key[unit] + np.arange(low, high)
        found_unit, found = FRAMES.locate(keys)
        assert (found_unit == unit).all() and found.tolist() == upwards.tolist()
        own = slice(int(batch.blocks.first[i]), int(batch.blocks.first[i + 1]))
        ends0 = starts0 + batch.blocks.size
        assert positions0(starts0[own], ends0[own], "-" if minus else "+").tolist() == positions[place].tolist()
    names = batch.names()
    assert names[0] == "A:0-50" and len(set(names)) == len(names)
    half = batch.take(np.arange(len(batch)) % 2 == 0)
    assert half.names() == names[::2]
    again = grid.read(batch.tiles[::2], GENOME)
    assert bytes(half.letters) == bytes(again.letters) and half.blocks.first.tolist() == again.blocks.first.tolist()


def test_rna_order_is_its_own_inverse() -> None:
    offsets, minus = np.array([3, 5, 5, 9]), np.array([True, False, True])
    assert rna_order(offsets, minus).tolist() == [4, 3, 8, 7, 6, 5]


def test_what_overlaps_on_the_genome_is_split_together() -> None:
    grid = Grid(FRAMES, 40, 10)
    tiles = grid.tiles_of_all()
    names, index = split_clusters(grid, tiles)
    unit, _, _ = grid.stretches(tiles)
    by_unit = {int(u): {names[i] for i in index[unit == u].tolist()} for u in np.unique(unit)}
    assert by_unit[0] == by_unit[1] == {"c1:0-400"}  # A and B overlap, and the contig's own tiles join all
    assert by_unit[2] == {"c3:0-90"}
    gene_names, gene_index = split_clusters(grid, grid.tiles_of_genes())
    assert gene_names[gene_index[0]] == "c1:10-330"
    assert split_clusters(Grid(Frames.of_sequences(LENGTHS)), np.zeros(0, dtype=np.int64))[0] == []


@pytest.mark.parametrize(("members", "together"), [(((0,), (1,), ()), False), (((0, 3), (3,), ()), True)])
def test_units_of_one_gene_are_split_together(members: tuple[tuple[int, ...], ...], together: bool) -> None:
    space = exon_space()
    start0, end0 = space.exon_start0.copy(), space.exon_end0.copy()
    start0[2:4], end0[2:4] = (200, 280), (270, 300)  # B lies behind A now
    apart = replace(space, members=members, exon_start0=start0, exon_end0=end0)
    grid = Grid(Frames.of_genome(LENGTHS, apart), 40, 10)
    tiles = grid.tiles_of_genes()
    names, index = split_clusters(grid, tiles)
    unit, _, _ = grid.stretches(tiles)
    of_unit = [names[index[unit == u][0]] for u in (0, 1)]
    assert of_unit == (["c1:10-330"] * 2 if together else ["c1:10-180", "c1:200-330"])


def test_annotation_and_genome_must_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="gene 'B' ends at 330, beyond the 320 nt"):
        Frames.of_genome({"c1": 320, "c2": 0, "c3": 90}, exon_space())
    with pytest.raises(DataError, match="No contig name is shared"):
        Frames.of_genome({"x": 320}, exon_space())
    frames = Frames.of_genome({"c3": 90, "x": 5}, exon_space())
    assert frames.n_genes == 1 and frames.space.names[:1] == ("C",)
    assert "2 genes lie on contigs that FASTA lacks" in capsys.readouterr().err
