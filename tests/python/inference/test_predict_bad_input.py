"""What `ribolm-predict` refuses, repairs with a notice, and carries through."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.predict import main
from ribolm.inference.calls import read_table, write_table


@pytest.fixture
def call(
    genome_folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run `sites` on a BED text; returns exit code and stderr. Keywords replace options, None removes one."""

    def run(bed: str | None = None, **changes: str | Path | list[str] | None) -> tuple[int, str]:
        options: dict[str, str | Path | list[str] | None] = {
            "model": model,
            "fasta": genome_folder / "genome.fa",
            "gtf": genome_folder / "genes.gtf",
            "out": tmp_path / "out.bed",
        }
        if bed is not None:
            (tmp_path / "peaks.bed").write_text(bed)
            options["bed"] = tmp_path / "peaks.bed"
        options |= changes
        words = ["sites"]
        for name, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name.replace('_', '-')}", str(one)] if one is not None else []
        code = main(words)
        return code, capsys.readouterr().err

    return run


Call = Callable[..., tuple[int, str]]
PEAK = "chr1\t100\t300\tp\t0\t+\n"


@pytest.mark.parametrize(
    ("bed", "changes", "code", "words"),
    [
        ("chr1\t3900\t4100\tp\t0\t+\n", {}, 65, "ends beyond the 4,000 nt"),
        ("chr1\t10\t20\tp\t0\t+\nchr9\t1\t5\tq\t0\t+\n", {}, 65, "lies on a contig that FASTA genome.fa lacks"),
        ("1\t10\t20\tp\t0\t+\n", {}, 65, "'chr' before the names"),
        ("chr1\t10\t20\tp\t0\n", {"gtf": None}, 65, "Give --gtf, or a BED with + or -"),
        ("chr1\t20\t10\tp\t0\t+\n", {}, 65, "is not above the start"),
        (PEAK, {"fasta": None}, 2, "give --fasta"),
        (PEAK, {"universe": "all"}, 2, "universe"),
        (PEAK, {"threshold": "1.5"}, 2, "threshold"),
        (PEAK, {"model": None}, 2, "Give at least one --model"),
        (PEAK, {"model": "nowhere"}, 65, "is no model directory"),
        (None, {"gtf": None, "fasta": None}, 2, "give --bed, --gtf or --sequences"),
    ],
)
def test_refused(call: Call, tmp_path: Path, bed: str, changes: dict[str, str], code: int, words: str) -> None:
    got, error = call(bed, **changes)
    assert got == code, error
    assert words in error
    assert error.strip().splitlines()[-1].startswith("ribolm-predict: error: ")
    assert not (tmp_path / "out.bed").exists()


def test_sequences_stand_alone_and_have_unique_names(call: Call, tmp_path: Path) -> None:
    (tmp_path / "s.fa").write_text(">a\nACGT\n>a\nACGT\n")
    code, error = call(None, sequences=tmp_path / "s.fa", fasta=None, gtf=None)
    assert code == 65 and "'a' occurs twice" in error
    code, error = call(None, sequences=tmp_path / "s.fa")
    assert code == 2 and "--sequences stands alone" in error


def test_a_card_that_is_not_there_is_refused(call: Call) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a card is there")
    code, error = call(PEAK, device="cuda")
    assert code == 2 and "no CUDA device is seen" in error


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "other"}, "its task is 'other', but that of"),
        ({"tokenizer": "kmer"}, "its tokenizer is 'kmer'"),
        ({"window_nt": 200}, "its window is 200 nt, overlap 40, but that of"),
        ({"labels": ["a", "b"]}, "predicts 2 labels per token"),
        ({"level": "sequence", "pooling": "mean"}, "predicts 1 labels per sequence"),
        ({"calibration": {"method": "isotonic"}}, "calibration 'isotonic' is unknown"),
        ({"calibration": {"method": "platt", "slope": 1.0}}, "no slope and intercept"),
    ],
)
def test_models_that_do_not_belong_together_are_refused(
    call: Call, make_model: Callable[..., Path], model: Path, changes: dict[str, str], words: str
) -> None:
    code, error = call(PEAK, model=[str(model), str(make_model(seed=3, **changes))])
    assert code == 65 and words in error


def test_a_model_or_a_part_given_twice_is_refused(
    call: Call, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(model, tmp_path / "copy")
    for again in (model, model / ".." / model.name, tmp_path / "copy"):
        code, error = call(PEAK, model=[str(model), str(again)])
        assert code == 2 and f"--model {again} is given twice: it is the same as {model}." in error
    assert call(PEAK, table=tmp_path / "a.parquet")[0] == 0
    part = ["--part", f"{tmp_path}/a.parquet"]
    assert main(["merge", *part, *part, "--out", str(tmp_path / "m.bed")]) == 2
    assert "is given twice" in capsys.readouterr().err and not (tmp_path / "m.bed").exists()


def test_strandless_peaks_stand_for_the_genes_of_both_strands(call: Call, tmp_path: Path) -> None:
    code, error = call("chr1\t850\t1000\tp\n", universe="adenosine")
    assert code == 0 and "1 regions have no strand" in error and "100 nt" not in error
    rows = [line.split("\t") for line in (tmp_path / "out.bed").read_text().splitlines()[1:]]
    assert {row[5] for row in rows} == {"+", "-"} and {row[3] for row in rows} == {"GA", "GB"}
    code, error = call("chr1\t3000\t3100\tp\n")
    assert code == 0 and "100 nt of regions without strand lie on no exon" in error


@pytest.mark.parametrize("bed", ["", "# nothing\n", "chr1\t3000\t3002\tp\t0\t+\n"])
def test_nothing_found_gives_valid_empty_files(call: Call, tmp_path: Path, bed: str) -> None:
    import polars as pl

    assert call(bed, table=tmp_path / "t.parquet")[0] == 0
    assert (tmp_path / "out.bed").read_text().startswith("#chrom\tstart0")
    assert pl.read_parquet(tmp_path / "t.parquet").height == len((tmp_path / "out.bed").read_text().splitlines()) - 1
    if "3000" not in bed:
        assert len((tmp_path / "out.bed").read_text().splitlines()) == 1


def test_sequences_without_records_give_a_valid_empty_file(model: Path, tmp_path: Path) -> None:
    (tmp_path / "none.fa").write_text("")
    places = ["--sequences", str(tmp_path / "none.fa"), "--out", str(tmp_path / "out.bed")]
    assert main(["sites", "--model", str(model), *places, "--device", "cpu"]) == 0
    assert (tmp_path / "out.bed").read_text().startswith("#chrom\tstart0")
    (tmp_path / "none.fa").write_text("no header\n")
    assert main(["sites", "--model", str(model), *places, "--device", "cpu"]) == 65


def test_parts_of_different_predictions_do_not_merge(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(PEAK, table=tmp_path / "a.parquet")[0] == 0
    assert call(PEAK, table=tmp_path / "b.parquet", universe="adenosine")[0] == 0
    out = ["--out", str(tmp_path / "m.bed")]
    assert main(["merge", "--part", f"{tmp_path}/a.parquet", "--part", f"{tmp_path}/b.parquet", *out]) == 65
    assert "another universe" in capsys.readouterr().err
    assert main(["merge", "--part", f"{tmp_path}/out.bed", *out]) == 65
    assert "is no parquet file" in capsys.readouterr().err


def test_parts_of_two_precisions_do_not_merge_and_older_ones_that_do_not_tell_are_taken(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for precision in ("fp32", "bf16"):
        assert call(PEAK, table=tmp_path / f"{precision}.parquet", precision=precision)[0] == 0
    calls, about = read_table(tmp_path / "fp32.parquet")
    half = calls.take(np.arange(len(calls)) < len(calls) // 2)
    write_table(tmp_path / "older.parquet", half, {key: about[key] for key in about if key != "precision"})
    parts = {name: ["--part", f"{tmp_path}/{name}.parquet"] for name in ("fp32", "bf16", "older")}
    out = ["--out", f"{tmp_path}/m.bed", "--table", f"{tmp_path}/m.parquet"]
    assert main(["merge", *parts["bf16"], *parts["fp32"], *out]) == 65
    assert "another precision than" in capsys.readouterr().err and not (tmp_path / "m.bed").exists()
    assert main(["merge", *parts["older"], *parts["fp32"], *out]) == 0
    assert read_table(tmp_path / "m.parquet")[1] == about
