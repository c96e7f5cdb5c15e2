"""`ribolm-predict scan`: every candidate scored by its own window, whatever part of the genome it comes in."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.candidates.hexamers import HEXAMERS, CandidateRule
from ribolm.cli.predict import main
from ribolm.errors import DataError
from ribolm.inference.scan.scored import scan_candidates
from ribolm.inference.window_models import load_window_model

from .conftest import NT, Scanned, WeighedLetters, random_genome

RULE = CandidateRule()
WINDOW = {"level": "sequence", "pooling": "mean", "window_nt": 61, "anchor_offset0": 25}


def scan(where: Scanned, scorer: WeighedLetters, out: Path, **more: object) -> pl.DataFrame:
    scan_candidates(scorer, where.genome, where.candidates, out, RULE, **more)
    return pl.read_parquet(out)


def plain_window(text: str, anchor0: int, strand: str, scorer: WeighedLetters) -> np.ndarray:
    """Window of one anchor, cut from the strand by hand."""
    if strand == "-":
        text, anchor0 = reverse_complement(letters(text)).tobytes().decode(), len(text) - 1 - anchor0
    padded = "N" * 100 + text.upper() + "N" * 100
    first = anchor0 + 100 - scorer.anchor_offset0
    return letters(padded[first : first + scorer.window_nt])


def test_rows_are_the_candidates_in_order_with_the_logits_of_their_windows(
    scanned: Callable[..., Scanned], tmp_path: Path
) -> None:
    where, scorer = scanned(), WeighedLetters()
    table = scan(where, scorer, tmp_path / "s.parquet")
    assert table.columns == ["chrom", "start0", "end0", "name", "strand", "logit"]
    rows = [line.split("\t") for line in gzip.decompress(where.candidates.read_bytes()).decode().splitlines()]
    found = table.select("chrom", "start0", "end0", "name", "strand").with_columns(pl.all().cast(pl.String)).rows()
    assert found == [(r[0], r[1], r[2], r[3], r[5]) for r in rows] and len(rows) > 300
    records = random_genome()
    windows = [plain_window(records[c], p, s, scorer) for c, p, s in table.select("chrom", "start0", "strand").rows()]
    assert np.array_equal(table["logit"].to_numpy(), scorer.score(np.stack(windows)))


def test_model_of_hexamers_takes_the_best_of_those_in_reach(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    scorer = WeighedLetters(anchor="hexamer")
    table = scan(scanned(), scorer, tmp_path / "s.parquet")
    records, several = random_genome(), 0
    for chrom, start0, strand, logit in table.select("chrom", "start0", "strand", "logit").rows():
        text, sign = records[chrom].upper(), 1 if strand == "+" else -1
        read = text if sign > 0 else reverse_complement(letters(text)).tobytes().decode()
        a = start0 if sign > 0 else len(text) - 1 - start0
        reach = [d for d in range(10, 36) if read[a - d : a - d + 6] in HEXAMERS]
        windows = [plain_window(records[chrom], start0 + sign * (3 - d), strand, scorer) for d in reach]
        assert logit == scorer.score(np.stack(windows)).max()
        several += len(reach) > 1
    assert several > 50


@pytest.mark.parametrize("anchor", ["cleavage", "hexamer"])
def test_parts_and_blocks_do_not_change_a_logit(scanned: Callable[..., Scanned], tmp_path: Path, anchor: str) -> None:
    where, scorer = scanned(), WeighedLetters(anchor=anchor)
    whole = scan(where, scorer, tmp_path / "s.parquet")
    assert scan(where, scorer, tmp_path / "b.parquet", block_bytes=300).equals(whole)
    lines = gzip.decompress(where.candidates.read_bytes()).decode().splitlines(keepends=True)
    parts = []
    for k, part in enumerate((lines[:1], lines[1:200], lines[200:])):
        (tmp_path / "p.bed").write_text("".join(part))
        one = Scanned(where.fasta, where.genome, tmp_path / "p.bed")
        parts.append(scan(one, scorer, tmp_path / f"p{k}.parquet"))
    text = [table.with_columns(pl.col("chrom", "name", "strand").cast(pl.String)) for table in (*parts, whole)]
    assert pl.concat(text[:-1]).equals(text[-1])


@pytest.mark.parametrize("anchor", ["cleavage", "hexamer"])
def test_the_other_strand_of_a_genome_gives_the_mirrored_logits(
    scanned: Callable[..., Scanned], tmp_path: Path, anchor: str
) -> None:
    scorer = WeighedLetters(anchor=anchor)
    one, other = (scan(scanned(mirrored), scorer, tmp_path / f"{mirrored}.parquet") for mirrored in (False, True))
    columns = ["chrom", "start0", "name", "strand", "logit"]
    flipped = [
        (chrom, NT[chrom] - 1 - start0, name, "-" if strand == "+" else "+", logit)
        for chrom, start0, name, strand, logit in other.select(columns).rows()
    ]
    assert sorted(flipped) == sorted(one.select(columns).rows())


def test_no_candidate_gives_a_valid_empty_table(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned(records={"short": "ACGT"})
    assert scan(where, WeighedLetters(), tmp_path / "s.parquet").height == 0
    (tmp_path / "c.bed").write_text("# nothing\n")
    assert scan(
        Scanned(where.fasta, where.genome, tmp_path / "c.bed"), WeighedLetters(), tmp_path / "e.parquet"
    ).is_empty()


@pytest.mark.parametrize("change", ["blank lines", "more columns", "carriage returns"])
def test_blank_lines_and_further_columns_are_left_out(
    scanned: Callable[..., Scanned], tmp_path: Path, change: str
) -> None:
    where = scanned()
    whole = scan(where, WeighedLetters(), tmp_path / "s.parquet")
    text = gzip.decompress(where.candidates.read_bytes()).decode()
    changed = {
        "blank lines": "\n" + text.replace("\n", "\n\n \n"),
        "more columns": text.replace("\n", "\tmore\tand more\n"),
        "carriage returns": text.replace("\n", "\r\n\r\n"),
    }[change]
    (tmp_path / "c.bed").write_bytes(changed.encode())
    other = Scanned(where.fasta, where.genome, tmp_path / "c.bed")
    assert scan(other, WeighedLetters(), tmp_path / "o.parquet", block_bytes=4000).equals(whole)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("one\t5\n", "line 2: 2 columns"),
        ("\n\none\t5\n", "line 4: 2 columns"),
        ("\t500\t501\tAATAAA@-20\t0\t+\n", "line 2: column 'chrom' is empty"),
        ("\none\t500\t501\t\t0\t+\n", "line 3: column 'name' is empty"),
        ("one\t\t501\tAATAAA@-20\t0\t+\n", "line 2: column 'start0' is empty"),
        ("one\t500\t501\tAATAAA@-20\t0\t\n", "line 2: column 'strand' is empty"),
        ("one\t500\t502\tAATAAA@-20\t0\t+\tmore\n", "line 2: 500 to 502 is not one base"),
        ("one\tx\t6\tAATAAA@-20\t0\t+\n", "line 2: 'x'"),
        ("one\t5\t7\tAATAAA@-20\t0\t+\n", "is not one base"),
        ("one\t500\t501\tAATAAA@-20\t0\t.\n", "strand '.'"),
        ("one\t9999\t10000\tAATAAA@-20\t0\t+\n", "lies beyond"),
        ("chrone\t500\t501\tAATAAA@-20\t0\t+\n", "contig"),
        ("one\t500\t501\tsite1\t0\t+\n", "'site1' is not HEXAMER@-DISTANCE"),
        ("one\t500\t501\tAGATAA@-33\t0\t+\n", "Use the FASTA that the candidates were found in"),
        ("one\t500\t501\tGGGGGG@-20\t0\t+\n", "is not of the rule given"),
    ],
)
def test_other_files_are_refused(scanned: Callable[..., Scanned], tmp_path: Path, line: str, message: str) -> None:
    where = scanned()
    (tmp_path / "c.bed").write_text("#chrom\tstart0\n" + line)
    with pytest.raises(DataError, match=message):
        scan(
            Scanned(where.fasta, where.genome, tmp_path / "c.bed"), WeighedLetters(anchor="hexamer"), tmp_path / "s.pq"
        )
    assert not (tmp_path / "s.pq").exists()


def test_windows_that_leave_a_contig_are_refused_where_the_model_says_so(
    scanned: Callable[..., Scanned], tmp_path: Path
) -> None:
    wide = WeighedLetters(window_nt=1501, anchor_offset0=750, padding="refuse")
    with pytest.raises(DataError, match="leaves its contig"):
        scan(scanned(), wide, tmp_path / "s.parquet")


def test_command_scores_by_a_model_folder(
    scanned: Callable[..., Scanned], make_model: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = scanned()
    model = make_model(task="polya", labels=["polya"], universe=None, anchor="hexamer", **WINDOW)
    out = tmp_path / "s.parquet"
    given = ["--model", model, "--fasta", where.fasta, "--candidates", where.candidates, "--out", out]
    assert main(["scan", *map(str, given), "--device", "cpu", "--threads", "1"]) == 0
    table = pl.read_parquet(out)
    assert f"{table.height} candidates scored" in capsys.readouterr().out
    assert np.isfinite(table["logit"].to_numpy()).all() and table["logit"].n_unique() > 100
    assert load_window_model(model).window_nt == 61
