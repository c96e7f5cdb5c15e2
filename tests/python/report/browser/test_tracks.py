"""bigWig tracks read back with pyBigWig and compared with the sum over reads."""

import json
import re
from pathlib import Path

import numpy as np
import pysam
import pytest

from ribolm.reads.coverage import AlignedReads
from ribolm.report.browser.tracks import join_equal, track_scales

SIZES = {"chr1": 4_300_000, "chr10": 2000, "chr2": 3000}
IP_READS = [("chr1", 100, "50M")] * 3 + [("chr1", 120, "20M300N30M"), ("chr1", 4_194_290, "40M"), ("chr2", 10, "10M")]
INPUT_READS = [("chr1", 100, "50M"), ("chr2", 15, "20M")]


def write_bam(path: Path, reads: list[tuple[str, int, str]]) -> Path:
    header = pysam.AlignmentHeader.from_references(list(SIZES), list(SIZES.values()))
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for i, (contig, start0, cigar) in enumerate(sorted(reads, key=lambda r: (list(SIZES).index(r[0]), r[1]))):
            read = pysam.AlignedSegment(header)
            read.query_name, read.flag, read.mapping_quality = f"r{i}", 0, 60
            read.reference_id, read.reference_start, read.cigarstring = list(SIZES).index(contig), start0, cigar
            read.query_sequence = "A" * read.infer_query_length()
            handle.write(read)
    return path


def write_inputs(folder: Path, factors: dict[str, float | None], fragments: int) -> tuple[Path, Path]:
    libraries = {
        name: {"assay": "ip" if name.startswith("ip") else "input", "fragments": fragments, "size_factor": factor}
        for name, factor in factors.items()
    }
    (folder / "summary.json").write_text(json.dumps({"name": "g", "libraries": libraries, "parameters": {}}))
    (folder / "sizes.tsv").write_text("".join(f"{name}\t{length}\n" for name, length in SIZES.items()))
    return folder / "summary.json", folder / "sizes.tsv"


def run(command, folder: Path, ip_reads, input_reads, factors, fragments: int = 1000) -> int:
    ip, control = write_bam(folder / "ip1.bam", ip_reads), write_bam(folder / "in1.bam", input_reads)
    ip2 = write_bam(folder / "ip2.bam", [])
    summary, sizes = write_inputs(folder, factors, fragments)
    libraries = ["--ip", f"ip1={ip}", "--ip", f"ip2={ip2}", "--input", f"in1={control}"]
    more = ["--summary", summary, "--chrom-sizes", sizes, "--name", "g", "--outdir", folder / "out"]
    return command("tracks", *libraries, *more)


def dense(path: Path, contig: str) -> np.ndarray:
    import pyBigWig

    with pyBigWig.open(str(path)) as handle:
        return np.array(handle.values(contig, 0, SIZES[contig]), dtype=float)


def depth(reads, contig: str) -> np.ndarray:
    total = np.zeros(SIZES[contig])
    for name, start0, cigar in reads:
        if name == contig:
            place = start0
            for length, kind in ((int(a), b) for a, b in re.findall(r"(\d+)([MN])", cigar)):
                total[place : place + length] += kind == "M"
                place += length
    return total


@pytest.mark.parametrize("contig", ["chr1", "chr2"])
def test_tracks_equal_scaled_depth_and_its_log_ratio(command, tmp_path: Path, contig: str) -> None:
    factors = {"ip1": 4.0, "ip2": 2.0, "in1": 3.0}
    assert run(command, tmp_path, IP_READS, INPUT_READS, factors) == 0
    # effective size = size factor * 3,000 fragments / 9; a read has 250 / 6 bases in ip1, 70 / 2 in in1, none in ip2
    spans = {"ip1": 250 / 6, "in1": 70 / 2}
    mean_nt = sum(spans.values()) / 2
    scale = {name: 1e6 / (factor * 3000 / 9) * mean_nt / spans.get(name, mean_nt) for name, factor in factors.items()}
    ip, control = depth(IP_READS, contig) * scale["ip1"] / 2, depth(INPUT_READS, contig) * scale["in1"]
    pseudocount = scale["ip2"]
    out = tmp_path / "out"
    np.testing.assert_allclose(np.nan_to_num(dense(out / "g.ip.bw", contig)), ip, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(np.nan_to_num(dense(out / "g.input.bw", contig)), control, rtol=1e-6, atol=1e-3)
    ratio = dense(out / "g.log2ratio.bw", contig)
    covered = (ip > 0) | (control > 0)
    assert np.array_equal(np.isfinite(ratio), covered)
    expected = np.log2((ip + pseudocount) / (control + pseudocount))
    np.testing.assert_allclose(ratio[covered], expected[covered], atol=1e-3)
    written = json.loads((out / "g.tracks.json").read_text())
    assert written["pseudocount"] == pytest.approx(pseudocount)


def test_equal_input_gives_equal_bytes(command, tmp_path: Path) -> None:
    factors = {"ip1": 4.0, "ip2": 2.0, "in1": 3.0}
    run(command, tmp_path, IP_READS, INPUT_READS, factors)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    run(command, tmp_path, IP_READS, INPUT_READS, factors)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def test_no_read_at_all_gives_tracks_that_open(command, tmp_path: Path) -> None:
    import pyBigWig

    assert run(command, tmp_path, [], [], {"ip1": None, "ip2": None, "in1": None}, 0) == 0
    for track in ("ip", "input", "log2ratio"):
        with pyBigWig.open(str(tmp_path / "out" / f"g.{track}.bw")) as handle:
            assert handle.chroms() == {"chr1": SIZES["chr1"]}
            assert handle.intervals("chr1") == ((0, 1, 0.0),)


def test_without_size_factors_tracks_are_per_million_fragments() -> None:
    summary = {"libraries": {"a": {"fragments": 500}, "b": {}}}
    scales = track_scales(summary, {"a": AlignedReads(900, 800, 25_000), "b": AlignedReads(250, 0, 12_500)})
    assert scales.per_read == {"a": 2000.0, "b": 4000.0}
    assert scales.pseudocount == 4000.0


def test_pairs_and_single_reads_of_equal_rna_give_equal_tracks() -> None:
    """100 fragments each: pairs of 2 x 50 nt put twice the bases of single reads into the depth."""
    summary = {"libraries": {name: {"fragments": 100, "size_factor": 1.0} for name in ("pairs", "single")}}
    scales = track_scales(summary, {"pairs": AlignedReads(200, 200, 10_000), "single": AlignedReads(100, 0, 5_000)})
    assert 10_000 * scales.per_read["pairs"] == pytest.approx(5_000 * scales.per_read["single"])
    assert scales.per_read["single"] == 1e4 * 1.5 and "each fragment as 75 aligned nt" in scales.text


def test_reads_beyond_the_end_of_a_contig_are_refused_and_nothing_is_left(command, tmp_path: Path, capsys) -> None:
    bam = write_bam(tmp_path / "a.bam", INPUT_READS)
    summary, _ = write_inputs(tmp_path, {"a": 1.0}, 10)
    (tmp_path / "short.tsv").write_text("chr1\t4300000\nchr2\t20\n")
    words = ["--ip", bam, "--summary", summary, "--chrom-sizes", tmp_path / "short.tsv", "--name", "g"]
    assert command("tracks", *words, "--outdir", tmp_path / "out") == 65
    assert "'chr2' up to 35 nt" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_equal_neighbours_join() -> None:
    edges, values = join_equal(np.array([0, 1, 2, 5, 9]), np.array([1.0, 1.0, np.nan, np.nan]))
    assert edges.tolist() == [0, 2, 9] and values[0] == 1.0 and np.isnan(values[1])
