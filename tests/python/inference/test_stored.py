"""Scores of a token store: the same numbers as prediction on the genome, one row per place, by fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from ribolm.alphabet import letters
from ribolm.cli.predict import main
from ribolm.cli.tokenize import main as tokenize
from ribolm.inference.stored import _Rows
from ribolm.sequences.places import Place
from ribolm.sequences.store import StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

PLACE = ["chrom", "start0", "strand"]


def bed_options(bed: Path, genome_folder: Path) -> list[str]:
    return ["--bed", str(bed), "--fasta", f"{genome_folder}/genome.fa", "--gtf", f"{genome_folder}/genes.gtf"]


@pytest.fixture(scope="module")
def store(genome_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    lines = ["chr1\t0\t3000\tp\t0\t+\n", "chr1\t800\t2600\tq\t0\t-\n", "chr2\t0\t900\tr\t0\t+\n"]
    (folder / "p.bed").write_text("".join(lines))
    options = [
        "--bed",
        f"{folder}/p.bed",
        "--fasta",
        f"{genome_folder}/genome.fa",
        "--gtf",
        f"{genome_folder}/genes.gtf",
    ]
    options += ["--window", "120", "--overlap", "40", "--keep-duplicates", "--max-n", "1", "--flank", "0"]
    assert tokenize(["peaks", *options, "--out", f"{folder}/store"]) == 0
    return folder / "store"


def scores(model: Path, store: Path, out: Path, *more: str) -> pl.DataFrame:
    assert main(["store", "--model", str(model), "--store", str(store), "--out", str(out), *more]) == 0
    return pl.read_parquet(out)


def test_scores_are_those_of_prediction_on_the_genome(
    genome_folder: Path, model: Path, store: Path, tmp_path: Path
) -> None:
    table = scores(model, store, tmp_path / "s.parquet", "--universe", "adenosine")
    out = ["--out", f"{tmp_path}/o.bed", "--table", f"{tmp_path}/o.parquet", "--universe", "adenosine"]
    assert main(["sites", "--model", str(model), *bed_options(store.parent / "p.bed", genome_folder), *out]) == 0
    calls = pl.read_parquet(tmp_path / "o.parquet")
    both = calls.join(table, on=PLACE, how="left", suffix="_stored")
    assert both["logit_stored"].null_count() == 0
    assert (both["logit"] == both["logit_stored"]).all()
    assert (both["name"] == both["gene"].fill_null(".")).all()
    inner = both.filter(~pl.col("context_stored").str.contains("N"))
    assert (inner["context"] == inner["context_stored"]).all() and inner.height > 0.9 * both.height


def test_places_come_once_and_in_order(model: Path, store: Path, tmp_path: Path) -> None:
    table = scores(model, store, tmp_path / "s.parquet", "--universe", "nucleotide")
    assert table.columns == [*PLACE, "gene", "cluster", "fold", "context", "logit", "probability"]
    assert table.select(PLACE).is_unique().all()
    assert table.select(PLACE).rows() == sorted(
        table.select(PLACE).rows(), key=lambda row: (row[0], row[1], row[2] == "-")
    )
    assert table["fold"].null_count() == table.height


def test_unknown_bases_are_no_candidates(model: Path, tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    with StoreWriter(tmp_path / "n", tokenizer) as writer:
        writer.add(tokenizer.encode(letters("ACNNGT")), "a", Place("chr1", "+", ((10, 16),)))
    table = scores(model, tmp_path / "n", tmp_path / "s.parquet", "--universe", "nucleotide")
    assert table["start0"].to_list() == [10, 11, 14, 15]


def test_the_size_of_what_is_scored_and_written_together_changes_nothing(
    model: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scores(model, store, tmp_path / "whole.parquet", "--universe", "nucleotide")
    monkeypatch.setattr("ribolm.inference.stored.BASES_AT_ONCE", 200)
    monkeypatch.setattr("ribolm.inference.stored.PLACES_AT_ONCE", 70)
    parts = scores(model, store, tmp_path / "parts.parquet", "--universe", "nucleotide")
    assert whole.equals(parts) and whole.schema == parts.schema
    n_groups = [pq.read_metadata(tmp_path / f"{name}.parquet").num_row_groups for name in ("whole", "parts")]
    assert n_groups[0] == 1 and n_groups[1] > whole.height / 70


def test_rows_are_scored_in_stretches_that_share_no_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, tokenizer = np.random.default_rng(4), make_tokenizer()
    with StoreWriter(tmp_path / "store", tokenizer) as writer:
        for number, (start0, length) in enumerate(
            zip(rng.integers(3000, size=60), rng.integers(1, 90, 60), strict=True)
        ):
            place = Place(f"chr{number % 2}", "+-"[number // 2 % 2], ((int(start0), int(start0 + length)),))
            writer.add(tokenizer.encode(rng.choice(letters("ACGT"), length)), f"s{number}", place)
    opened = TokenStore.open(tmp_path / "store")
    rows, length = _Rows.of(opened), np.diff(opened.offsets)
    monkeypatch.setattr("ribolm.inference.stored.BASES_AT_ONCE", 150)
    for chosen in (np.arange(60), np.arange(5, 60, 3), np.arange(0)):
        found = list(rows.stretches(chosen, length[chosen]))
        assert sorted(int(row) for some in found for row in some) == chosen.tolist()
        assert len(found) > 5 or not len(chosen)
        along = [(rows.place[some] // 2) * 10_000 for some in found]
        begins = [int((at + rows.start0[some]).min()) for at, some in zip(along, found, strict=True)]
        ends = [int((at + rows.end0[some]).max()) for at, some in zip(along, found, strict=True)]
        assert all(end <= begin for end, begin in zip(ends[:-1], begins[1:], strict=True))


def test_only_rows_of_the_fold_are_scored(model: Path, store: Path, tmp_path: Path) -> None:
    names = pl.read_parquet(store / "names.parquet")
    fold = (names["chrom"] == "chr2").cast(pl.Int64)
    rows = zip(names["name"].to_list(), names["chrom"].to_list(), fold.to_list(), strict=True)
    text = "".join(f"{i}\t{name}\t{chrom}\t{f}\t{f}\n" for i, (name, chrom, f) in enumerate(rows))
    (tmp_path / "folds.tsv").write_text("row\tname\tchrom\tcluster\tfold\n" + text)
    options = ["--folds", f"{tmp_path}/folds.tsv", "--fold", "1"]
    table = scores(model, store, tmp_path / "s.parquet", *options)
    assert set(table["chrom"]) == {"chr2"} and set(table["fold"]) == {1}
    whole = scores(model, store, tmp_path / "w.parquet")
    assert table["logit"].to_list() == whole.filter(pl.col("chrom") == "chr2")["logit"].to_list()


def test_what_does_not_fit_is_refused(
    model: Path, make_model: Callable[..., Path], store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", f"{tmp_path}/s.parquet"]
    assert main(["store", "--model", str(make_model(tokenizer="kmer")), "--store", str(store), *out]) == 65
    assert "its tokenizer 'nucleotide'" in capsys.readouterr().err
    assert main(["store", "--model", str(model), "--store", str(store), "--fold", "1", *out]) == 2
    with StoreWriter(tmp_path / "nowhere", make_tokenizer()) as writer:
        writer.add(np.array([4, 5], dtype=np.uint8), "a")
    assert main(["store", "--model", str(model), "--store", f"{tmp_path}/nowhere", *out]) == 65
    assert "unknown place" in capsys.readouterr().err
    with StoreWriter(tmp_path / "empty", make_tokenizer()):
        pass
    assert scores(model, tmp_path / "empty", tmp_path / "e.parquet").height == 0


def test_the_threshold_of_the_model_is_noted(make_model: Callable[..., Path], store: Path, tmp_path: Path) -> None:
    scores(make_model(threshold=0.3), store, tmp_path / "s.parquet", "--universe", "nucleotide")
    facts = json.loads(pq.read_metadata(tmp_path / "s.parquet").metadata[b"ribolm"])
    assert facts["threshold"] == 0.3 and facts["n_parameters"] > 0
