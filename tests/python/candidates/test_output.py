"""`ribolm-predict candidates`: one sorted BED line per candidate, regions obeyed, odd input answered."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.cli.predict import main

SITE = "G" * 50 + "AATAAA" + "T" * 13 + "CA" + "G" * 60  # the A is base 70, the hexamer starts 20 before it
MIRRORED = reverse_complement(letters(SITE)).tobytes().decode()
LINE = "{}\t{}\t{}\tAATAAA@-20\t0\t{}\n"
UP, DOWN = (70, 71, "+"), (len(SITE) - 71, len(SITE) - 70, "-")


def search(folder: Path, records: dict[str, str], *options: str, code: int = 0) -> str:
    fasta, out = folder / "g.fa", folder / "c.bed.gz"
    fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in records.items()))
    assert main(["candidates", "--fasta", str(fasta), "--out", str(out), *options]) == code
    return gzip.decompress(out.read_bytes()).decode() if out.exists() else ""


def bed(folder: Path, text: str) -> str:
    (folder / "r.bed").write_text(text)
    return str(folder / "r.bed")


def test_lines_are_ordered_by_contig_of_the_fasta_then_place(tmp_path: Path) -> None:
    text = search(tmp_path, {"b": SITE + MIRRORED, "a": SITE})
    far = (len(SITE) + DOWN[0], len(SITE) + DOWN[1], "-")
    assert text == "".join(LINE.format(*row) for row in (("b", *UP), ("b", *far), ("a", *UP)))


def test_file_can_be_indexed_and_asked_for_a_region(tmp_path: Path) -> None:
    search(tmp_path, {"b": SITE + MIRRORED, "a": SITE})
    with pysam.TabixFile(pysam.tabix_index(str(tmp_path / "c.bed.gz"), preset="bed", force=True)) as index:
        assert [row.split("\t")[1] for row in index.fetch("b", 60, 80)] == ["70"]


def test_soft_masked_letters_count_as_upper_case(tmp_path: Path) -> None:
    assert search(tmp_path, {"a": SITE.lower()}) == LINE.format("a", *UP)


def test_windows_with_n_and_contigs_shorter_than_a_window_hold_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = {"n": SITE[:120] + "N" + SITE[121:], "short": SITE[20:120], "empty": ""}
    assert search(tmp_path, spoilt) == ""
    told = capsys.readouterr().err
    assert "2 contigs are shorter than a window of 101 nt" in told and "the result is empty" in told
    assert search(tmp_path, {"n": SITE[:121] + "N" + SITE[122:]}) == LINE.format("n", *UP)


@pytest.mark.parametrize(
    ("region", "kept"),
    [
        ("a\t70\t262\n", "+-"), ("a\t71\t262\n", "-"), ("a\t0\t70\n", ""), ("a\t0\t250\tx\t0\t+\n", "+"),
        ("a\t0\t250\tx\t0\t-\n", "-"), ("a\t0\t60\na\t65\t75\tx\t0\t.\n", "+"), ("", ""),
    ],
)  # fmt: skip
def test_regions_keep_the_candidates_whose_base_lies_inside_on_their_strand(
    tmp_path: Path, region: str, kept: str
) -> None:
    both = SITE + MIRRORED
    whole = search(tmp_path, {"a": both})
    place = {"+": UP, "-": (len(SITE) + DOWN[0], len(SITE) + DOWN[1], "-")}
    assert whole == "".join(LINE.format("a", *place[strand]) for strand in "+-")
    found = search(tmp_path, {"a": both}, "--regions", bed(tmp_path, region))
    assert found == "".join(LINE.format("a", *place[strand]) for strand in kept)


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("b\t1\t2\n", "No contig name is shared"),
        ("a\t1\t999\n", "ends beyond"),
        ("chra\t1\t2\na\t1\t2\n", "naming style"),
    ],
)
def test_regions_of_another_genome_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], region: str, text: str
) -> None:
    search(tmp_path, {"a": SITE}, "--regions", bed(tmp_path, region), code=65)
    assert text in capsys.readouterr().err


def test_every_constant_can_be_chosen(tmp_path: Path) -> None:
    other = SITE.replace("AATAAA", "GGTTAA").replace("CA", "TC")
    options = ["--hexamer", "gguuaa", "--nearest-nt", "20", "--farthest-nt", "20", "--preceding", "T", "--site", "C"]
    assert search(tmp_path, {"a": other}, *options) == LINE.format("a", *UP).replace("AATAAA", "GGTTAA")
    assert search(tmp_path, {"a": SITE[30:111]}, "--flank-nt", "40") == LINE.format("a", 40, 41, "+")
    assert search(tmp_path, {"a": SITE}, "--hexamer", "NNNNNN", code=2)


def test_chunks_do_not_change_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    noise = "".join(rng.choice(list("AAATTTCG"), 20_000))
    records = {"x": noise, "y": SITE + "NNN" + noise[:5000]}
    whole = search(tmp_path, records)
    assert whole.count("\n") > 1000
    assert search(tmp_path, records, "--chunk-nt", "777") == whole


def test_name_that_promises_plain_text_is_refused(tmp_path: Path) -> None:
    fasta = tmp_path / "g.fa"
    fasta.write_text(f">a\n{SITE}\n")
    assert main(["candidates", "--fasta", str(fasta), "--out", str(tmp_path / "c.bed")]) == 2
    assert not (tmp_path / "c.bed").exists()
