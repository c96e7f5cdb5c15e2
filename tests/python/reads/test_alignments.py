"""Counting against an obvious counter, in any order of records, for any size of buffer, and on damaged files."""

import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.reads import alignments
from ribolm.reads.alignments import ReadFilter, count_fragments
from ribolm.reads.bin_grid import BinGrid, sort_segments
from ribolm.reads.fragment_bins import FragmentBins
from ribolm.reads.mate_table import new_mate_table

CONTIGS = ["one", "two", "three"]
CONTIG_NT = 1200
CHROM_NAMES = ["two", "absent", "one"]
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def grids(draw):
    """Genes of random exons on both strands of two contigs, with random bins."""
    bin_size, step_size = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rows, lengths = [], []
    for chrom in (0, 2):
        for strand in (1, -1):
            edges = sorted(draw(st.sets(st.integers(0, 500), max_size=12)))
            exons = list(zip(edges[::2], edges[1::2], strict=False))
            while exons:
                n_exons = draw(st.integers(1, 3))
                offset = 0
                for start0, end0 in exons[:n_exons]:
                    rows.append((chrom, strand, start0, end0, offset, len(lengths)))
                    offset += end0 - start0
                lengths.append(offset)
                exons = exons[n_exons:]
    return make_grid(rows, lengths, bin_size, step_size)


def make_grid(rows, lengths, bin_size=25, step_size=25) -> BinGrid:
    names = ("chrom", "strand", "start0", "end0", "exon_offset", "gene")
    kinds = (np.int32, np.int8, np.int64, np.int64, np.int64, np.int32)
    table = np.array(rows, dtype=np.int64).reshape(-1, len(names))
    columns = {
        f"segment_{name}": table[:, i].astype(kind) for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    length_nt = np.array(lengths, dtype=np.int64)
    n_bins = -(-length_nt // step_size)
    return BinGrid(
        **sort_segments(**columns),
        gene_first_bin=np.cumsum(n_bins) - n_bins,
        gene_n_bins=n_bins,
        gene_length_nt=length_nt,
        bin_size=bin_size,
        step_size=step_size,
    )


operations = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8]), st.integers(1, 60))


@st.composite
def fragments(draw):
    """One record, or two that claim to be mates; few names and places, so that wrong joins are likely."""
    names = st.sampled_from(["a", "a", "read:1", "a-long-read-name/with:32:bytes:1"])
    places = st.one_of(st.sampled_from([0, 30]), st.integers(0, 60).map(lambda k: 10 * k))
    name, contig, other = draw(names), draw(st.sampled_from([0, 0, 1, 2])), draw(st.sampled_from([0, 0, 1, 2]))
    here, there = draw(places), draw(places)
    flag = draw(st.sampled_from([0, 0, 0, 0x100, 0x400, 0x200, 0x800, 0x4, 0x10]))
    tags = draw(st.fixed_dictionaries({}, optional={"HI": st.integers(0, 2), "NH": st.integers(1, 300)}))
    kind = draw(st.sampled_from(["single", "pair", "pair", "pair", "lone", "mate unmapped", "liar", "no number"]))

    def record(own, mate, extra):
        cigar = draw(st.lists(operations, min_size=0, max_size=6))
        mapq = draw(st.sampled_from([0, 1, 30, 60, 255]))
        return name, flag | extra, own, mate, cigar, mapq, tags, draw(st.booleans())

    here, there = (contig, here), (other, there)
    if kind == "single":
        return [record(here, (-1, -1), 0)]
    first = record(here, there, 0x41 if kind != "mate unmapped" else 0x49)
    if kind in ("lone", "mate unmapped"):
        return [first]
    second = 0x1 if kind == "no number" else 0x91
    return [first, record(there, here if kind == "pair" else (other, here[1] + 1), second)]


def write_bam(path: Path, records) -> Path:
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": 10 * CONTIG_NT} for name in CONTIGS]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for name, flag, own, mate, cigar, mapq, tags, with_sequence in records:
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag, read.mapping_quality = name, flag, mapq
            read.reference_id, read.reference_start = own
            read.next_reference_id, read.next_reference_start = mate
            if with_sequence:
                n = sum(length for operation, length in cigar if operation in (0, 1, 4, 7, 8))
                read.query_sequence = "ACGT" * (n // 4) + "A" * (n % 4)
                read.query_qualities = pysam.qualitystring_to_array("I" * n)
            read.cigartuples = cigar
            read.set_tags([("MD", "text"), ("XA", "c"), *tags.items(), ("ZB", [1, 2, 3]), ("XF", 1.5)])
            out.write(read)
    return path


def assert_equal_to_naive(bam, grid, count_naively, strandedness, read_filter):
    is_wanted = np.arange(grid.n_bins) % 7 < 2
    with FragmentBins(bam.parent) as fragment_bins:
        ours = count_fragments(
            bam,
            grid,
            CHROM_NAMES,
            strandedness=strandedness,
            read_filter=read_filter,
            fragment_bins=fragment_bins,
        )
        touching = fragment_bins.count_touching(is_wanted)
    counts, *numbers, touched = count_naively(
        bam, grid, CHROM_NAMES, strandedness=strandedness, read_filter=read_filter
    )
    np.testing.assert_array_equal(ours.counts, counts)
    assert [ours.fragments, ours.fragments_on_exons, ours.alignments, ours.left_out] == numbers
    assert touching == sum(bool(is_wanted[sorted(bins)].any()) for bins in touched)


@pytest.fixture(name="small_tables")
def _small_tables(monkeypatch):
    """Tables that must grow after two waiting mates."""
    monkeypatch.setattr(alignments, "new_mate_table", lambda: new_mate_table(2))


@pytest.mark.usefixtures("small_tables")
@SLOW
@given(
    grid=grids(),
    groups=st.lists(fragments(), max_size=14),
    shuffle=st.randoms(use_true_random=False),
    strandedness=st.sampled_from(["unstranded", "forward", "reverse"]),
    read_filter=st.builds(
        ReadFilter,
        min_mapq=st.sampled_from([0, 0, 20]),
        multimappers=st.sampled_from(["primary", "unique", "all"]),
        duplicates=st.sampled_from(["keep", "exclude"]),
    ),
)
def test_counts_equal_the_obvious_counter(grid, groups, shuffle, strandedness, read_filter, count_naively, tmp_path):
    records = [record for group in groups for record in group]
    shuffle.shuffle(records)
    bam = write_bam(tmp_path / "random.bam", records)
    assert_equal_to_naive(bam, grid, count_naively, strandedness, read_filter)


def many_pairs(n_pairs: int, seed: int):
    """Pairs with unique names, a third of them aligned at three places told apart by HI; spliced, overlapping mates."""
    random = np.random.default_rng(seed)
    records = []
    for pair in range(n_pairs):
        n_hits = 3 if pair % 3 == 0 else 1
        for hit in range(n_hits):
            contig, here = int(random.integers(2)), int(random.integers(400))
            there = here + int(random.integers(100))
            cigar = [(0, 20), (3, int(random.integers(1, 90))), (0, 12)]
            tags = {"NH": n_hits, "HI": hit + 1}
            secondary = 0x100 if hit else 0
            name = f"library:7:{pair}"
            records.append((name, 0x61 | secondary, (contig, here), (contig, there), cigar, 60, tags, True))
            records.append((name, 0x91 | secondary, (contig, there), (contig, here), [(0, 30)], 60, tags, True))
    return records


EXONS = [(0, 1, 0, 120, 0, 0), (0, 1, 130, 300, 120, 0), (2, -1, 40, 90, 0, 1), (2, -1, 200, 520, 50, 1)]
GRID = make_grid([*EXONS, (2, 1, 60, 260, 0, 2)], [290, 370, 200])


@pytest.mark.usefixtures("small_tables")
def test_order_of_records_does_not_change_counts(tmp_path, count_naively):
    records = many_pairs(400, seed=1)
    read_filter = ReadFilter(multimappers="all")
    orders = {
        "name": records,
        "position": sorted(records, key=lambda record: record[2]),
        "random": [records[i] for i in np.random.default_rng(2).permutation(len(records))],
    }
    for name, order in orders.items():
        assert_equal_to_naive(
            write_bam(tmp_path / f"{name}.bam", order), GRID, count_naively, "unstranded", read_filter
        )


def test_buffer_and_threads_do_not_change_counts(tmp_path):
    records = many_pairs(9000, seed=3)
    order = np.random.default_rng(4).permutation(len(records))
    bam = write_bam(tmp_path / "many.bam", [records[i] for i in order])
    results = [
        count_fragments(
            bam,
            GRID,
            CHROM_NAMES,
            strandedness="reverse",
            read_filter=ReadFilter(multimappers="all"),
            buffer_bytes=buffer_bytes,
            threads=threads,
        )
        for buffer_bytes, threads in [(1 << 23, 1), (1 << 23, 2), (1 << 16, 1), (99_991, 3)]
    ]
    assert results[0].fragments == 15_000
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].counts, other.counts)
        assert results[0][1:] == other[1:]


def test_multimapped_pairs_do_not_fuse_loci(tmp_path):
    near, far = (0, 200), (0, 5000)
    records = [
        ("x", 0x41, near, near, [(0, 10)], 3, {"NH": 2, "HI": 1}, True),
        ("x", 0x141, far, far, [(0, 10)], 3, {"NH": 2, "HI": 2}, True),
        ("x", 0x181, far, far, [(0, 10)], 3, {"NH": 2, "HI": 2}, True),
        ("x", 0x81, near, near, [(0, 10)], 3, {"NH": 2, "HI": 1}, True),
    ]
    bam = write_bam(tmp_path / "multi.bam", records)
    grid = make_grid([(2, 1, 100, 300, 0, 0), (2, 1, 4900, 5100, 200, 0)], [400])
    for multimappers, fragments, count in [("primary", 1, [1, 0]), ("all", 2, [1, 1]), ("unique", 0, [0, 0])]:
        read_filter = ReadFilter(multimappers=multimappers)
        library = count_fragments(bam, grid, CHROM_NAMES, strandedness="unstranded", read_filter=read_filter)
        assert library.fragments == fragments
        assert [library.counts[4], library.counts[12]] == count


@pytest.mark.parametrize(
    ("tags", "second_flag", "order"),
    [
        ([{"HI": 1}, {"HI": 2}], 0x100, [0, 1, 2, 3]),
        ([{"HI": 1}, {"HI": 2}], 0x000, [3, 1, 2, 0]),
        ([{}, {}], 0x100, [0, 1, 2, 3]),
        ([{}, {}], 0x000, [0, 1, 3, 2]),  # nothing tells them apart: first come, first joined
    ],
)
def test_pairs_at_one_place_are_told_apart(tmp_path, tags, second_flag, order):
    """Two alignments of one pair start alike and differ in an intron; their mates come crosswise."""
    place, short, spliced = (0, 200), [(0, 10)], [(0, 10), (3, 500), (0, 10)]
    records = [
        ("x", 0x41, place, place, short, 3, tags[0], True),
        ("x", 0x41 | second_flag, place, place, spliced, 3, tags[1], True),
        ("x", 0x81 | second_flag, place, place, spliced, 3, tags[1], True),
        ("x", 0x81, place, place, short, 3, tags[0], True),
    ]
    bam = write_bam(tmp_path / "hits.bam", [records[i] for i in order])
    grid = make_grid([(2, 1, 200, 225, 0, 0), (2, 1, 700, 750, 25, 0)], [75])
    read_filter = ReadFilter(multimappers="all")
    library = count_fragments(bam, grid, CHROM_NAMES, strandedness="unstranded", read_filter=read_filter)
    assert library.fragments == 2
    assert library.counts.tolist() == [2, 1, 0]


def test_cigar_beyond_65535_operations_is_read_from_its_tag(tmp_path):
    cigar = [(0, 1), (3, 1)] * 40_000 + [(0, 5)]
    bam = write_bam(tmp_path / "long.bam", [("long", 0, (0, 0), (-1, -1), cigar, 60, {}, True)])
    grid = make_grid([(2, 1, 0, 100, 0, 0), (2, 1, 79_990, 80_100, 100, 0)], [210], bin_size=1, step_size=1)
    counts = count_fragments(bam, grid, CHROM_NAMES, strandedness="unstranded").counts
    np.testing.assert_array_equal(counts[:100], np.tile([1, 0], 50))
    np.testing.assert_array_equal(counts[100:], [1, 0] * 5 + [1] * 5 + [0] * 95)


def test_lone_mates_are_told(tmp_path):
    records = [(f"r{i}/1", 0x41, (0, 10), (0, 50), [(0, 10)], 60, {}, True) for i in range(10)]
    library = count_fragments(write_bam(tmp_path / "lone.bam", records), GRID, CHROM_NAMES, strandedness="unstranded")
    assert (library.fragments, library.lone_mates) == (10, 10)
    assert "10 of 10 paired alignments found no mate" in library.notices[0]


def pairs_with(tmp_path, n_pairs, n_lying, mapq=60):
    """Pairs of which `n_lying` have a mate that names a wrong place, the second mates of mapping quality `mapq`."""
    records = []
    for i in range(n_pairs):
        place = 51 if i < n_lying else 50
        records.append((f"r{i}", 0x41, (0, 10), (0, place), [(0, 10)], 60, {}, True))
        records.append((f"r{i}", 0x81, (0, 50), (0, 10), [(0, 10)], mapq, {}, True))
    return write_bam(tmp_path / "pairs.bam", records)


@pytest.mark.parametrize(("n_lying", "is_told"), [(0, False), (1, False), (2, True), (9, True)])
def test_lone_mates_are_counted_and_told_from_a_tenth_on(tmp_path, n_lying, is_told):
    library = count_fragments(pairs_with(tmp_path, 20, n_lying), GRID, CHROM_NAMES, strandedness="unstranded")
    assert (library.lone_mates, library.fragments) == (2 * n_lying, 20 + n_lying)
    assert bool(library.notices) == is_told


def test_mates_that_the_filter_left_alone_are_counted_and_not_told(tmp_path):
    bam, strict = pairs_with(tmp_path, 20, 0, mapq=3), ReadFilter(min_mapq=10)
    library = count_fragments(bam, GRID, CHROM_NAMES, strandedness="unstranded", read_filter=strict)
    assert (library.lone_mates, library.fragments, library.notices) == (20, 20, ())


def test_bam_without_reads_or_contigs_counts_nothing(tmp_path):
    library = count_fragments(write_bam(tmp_path / "empty.bam", []), GRID, CHROM_NAMES, strandedness="forward")
    assert (library.fragments, library.alignments, library.left_out, library.counts.sum()) == (0, 0, {}, 0)
    assert library.counts.shape == (GRID.n_bins,)


@pytest.fixture(scope="module", name="whole_bam")
def _whole_bam(tmp_path_factory) -> bytes:
    path = write_bam(tmp_path_factory.mktemp("bam") / "whole.bam", many_pairs(300, seed=5))
    return path.read_bytes()


def test_truncated_bam_is_refused(tmp_path, whole_bam):
    bam = tmp_path / "cut.bam"
    for n_bytes in (0, 3, 40, len(whole_bam) // 2, len(whole_bam) - 28, len(whole_bam) - 1):
        bam.write_bytes(whole_bam[:n_bytes])
        with pytest.raises(DataError, match=r"cut\.bam"):
            count_fragments(bam, GRID, CHROM_NAMES, strandedness="unstranded")


def test_damaged_block_is_refused(tmp_path, whole_bam):
    bam = tmp_path / "bits.bam"
    raw = bytearray(whole_bam)
    raw[len(raw) // 2] ^= 0x10
    bam.write_bytes(raw)
    with pytest.raises(DataError, match="damaged"):
        count_fragments(bam, GRID, CHROM_NAMES, strandedness="unstranded")


@SLOW
@given(data=st.data())
def test_damaged_records_never_crash(tmp_path, whole_bam, data):
    """Bytes changed under a right checksum: a DataError, or counts of what still makes sense."""
    text = bytearray(gzip.decompress(whole_bam))
    first_record = text.index(b"library:7:0") - 36
    for _ in range(data.draw(st.integers(1, 8))):
        text[data.draw(st.integers(first_record, len(text) - 1))] = data.draw(st.integers(0, 255))
    bam = tmp_path / "wild.bam"
    with pysam.BGZFile(str(bam), "wb") as writer:
        writer.write(bytes(text[: data.draw(st.sampled_from([len(text), len(text) - 7]))]))
    read_filter = ReadFilter(multimappers=data.draw(st.sampled_from(["unique", "all"])))
    try:
        library = count_fragments(bam, GRID, CHROM_NAMES, strandedness="unstranded", read_filter=read_filter)
    except DataError as error:
        assert "wild.bam" in str(error)
    else:
        assert library.counts.min() >= 0


@pytest.mark.parametrize(("content", "says"), [(b"CRAM\3\0" + bytes(40), "CRAM"), (b"@HD\tVN:1.6\n", "SAM")])
def test_other_formats_are_refused_with_a_remedy(tmp_path, content, says):
    bam = tmp_path / "reads.bam"
    bam.write_bytes(content)
    with pytest.raises(DataError, match=rf"reads\.bam.*{says}.*samtools"):
        count_fragments(bam, GRID, CHROM_NAMES, strandedness="unstranded")


def test_missing_bam_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        count_fragments(tmp_path / "none.bam", GRID, CHROM_NAMES, strandedness="unstranded")
