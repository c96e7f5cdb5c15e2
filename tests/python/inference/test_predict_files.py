"""The files of `ribolm-predict sites`, column by column."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from ribolm.cli.predict import main

COLUMNS = ["chrom", "start0", "end0", "name", "score", "strand", "probability", "logit", "context"]


@pytest.fixture
def written(genome_folder: Path, model: Path, tmp_path: Path) -> Path:
    options = ["--model", str(model), "--gtf", f"{genome_folder}/genes.gtf", "--fasta", f"{genome_folder}/genome.fa"]
    assert main(["sites", *options, "--out", f"{tmp_path}/sites.bed", "--table", f"{tmp_path}/sites.parquet"]) == 0
    return tmp_path


def test_bed_has_six_columns_and_three_named_ones(written: Path) -> None:
    header, *lines = (written / "sites.bed").read_text().splitlines()
    assert header == "#" + "\t".join(COLUMNS)
    assert lines
    for line in lines:
        chrom, start0, end0, name, score, strand, probability, logit, context = line.split("\t")
        assert int(end0) == int(start0) + 1 and chrom.startswith("chr") and name.startswith("G") and strand in "+-"
        assert 0 <= int(score) <= 1000 and abs(int(score) - 1000 * float(probability)) <= 0.5005
        assert len(probability.split(".")[1]) == 6 and float(logit) == float(logit)
        assert context[0] in "AGT" and context[1] in "AG" and context[2:4] == "AC" and context[4] in "ACT"


def test_the_table_holds_the_same_sites_and_their_provenance(written: Path, model: Path) -> None:
    table = pl.read_parquet(written / "sites.parquet")
    assert table.columns == COLUMNS
    lines = [line.split("\t") for line in (written / "sites.bed").read_text().splitlines()[1:]]
    assert [row[1] for row in lines] == [str(start0) for start0 in table["start0"]]
    assert [row[6] for row in lines] == [f"{p:.6f}" for p in table["probability"]]
    about = json.loads(pq.read_schema(written / "sites.parquet").metadata[b"ribolm"])
    assert about["universe"] == "drach" and len(about["models"]) == 1 and about["task"] == "m6a_sites"
    assert about["precision"] == "fp32", "it moves logits"


def test_a_threshold_keeps_what_is_likely(written: Path, genome_folder: Path, model: Path, tmp_path: Path) -> None:
    everything = pl.read_parquet(written / "sites.parquet")
    middle = float(everything["probability"].median())  # type: ignore[arg-type]
    options = ["--model", str(model), "--gtf", f"{genome_folder}/genes.gtf", "--fasta", f"{genome_folder}/genome.fa"]
    assert main(["sites", *options, "--out", f"{tmp_path}/few.bed", "--threshold", str(middle)]) == 0
    kept = len((tmp_path / "few.bed").read_text().splitlines()) - 1
    assert kept == int((everything["probability"] >= middle).sum())


def test_records_of_a_fasta_are_contigs_on_the_plus_strand(model: Path, tmp_path: Path) -> None:
    (tmp_path / "s.fa").write_text(">r1 about\nccGGACUuu\n>r2\nAAGGACTAA\n>short\nA\n")
    assert main(["sites", "--model", str(model), "--sequences", f"{tmp_path}/s.fa", "--out", f"{tmp_path}/o.bed"]) == 0
    rows = [line.split("\t") for line in (tmp_path / "o.bed").read_text().splitlines()[1:]]
    assert [(row[0], row[1], row[3], row[5], row[8]) for row in rows] == [
        ("r1", "4", ".", "+", "GGACT"),
        ("r2", "4", ".", "+", "GGACT"),
    ]
