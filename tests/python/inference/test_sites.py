"""Predicted sites are the mean over tiles, and nothing but sequence, genes and models decides them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.cli.predict import main
from ribolm.genome.fasta import Genome
from ribolm.inference import sites
from ribolm.inference.batches import Forward
from ribolm.inference.calls import Calls
from ribolm.inference.ensemble import load_ensemble
from ribolm.inference.sites import choose_places, predict_sites
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model

PACKED_TOLERANCE = 1e-4  # in logits, where rows are packed: products of another shape round otherwise


def predicted(
    models: list[Path],
    genome: Path | None = None,
    *,
    bed: Path | None = None,
    genes: bool = True,
    sequences: Path | None = None,
    universe: str = "adenosine",
    tokens_per_batch: int | None = None,
) -> Calls:
    ensemble = load_ensemble(models)
    networks = tuple(model.network for model in ensemble.models)
    forward = Forward.prepare(networks, ensemble.tokenizer, "cpu", "fp32", tokens_per_batch)
    gtf = genome / "genes.gtf" if genome and genes else None
    where = choose_places(ensemble, bed, gtf, sequences, genome / "genome.fa" if genome else None)
    return predict_sites(ensemble, forward, where, universe)


def table(calls: Calls) -> dict[tuple[str, int, str], tuple[float, float, str, str]]:
    keys = zip(calls.chrom.tolist(), calls.start0.tolist(), calls.strand.tolist(), strict=True)
    values = zip(*(c.tolist() for c in (calls.logit, calls.probability, calls.context, calls.name)), strict=True)
    return dict(zip(keys, values, strict=True))


@pytest.fixture(scope="module")
def of_genes(genome_folder: Path, model: Path) -> Calls:
    return predicted([model], genome_folder)


def test_a_logit_is_the_mean_over_the_tiles_that_hold_the_base(tmp_path: Path, model: Path) -> None:
    rng = np.random.default_rng(3)
    text = "".join(rng.choice(list("ACGT"), 250))
    (tmp_path / "s.fa").write_text(f">one\n{text}\n")
    calls = predicted([model], sequences=tmp_path / "s.fa", universe="nucleotide")
    loaded = load_model(model)
    total, count = np.zeros(250), np.zeros(250)
    for start in (0, 80, 130):  # window 120, overlap 40: the last tile ends with the sequence
        ids = loaded.tokenizer.encode(np.frombuffer(text[start : start + 120].encode(), dtype=np.uint8))
        batch = pack([np.r_[loaded.tokenizer.cls_id, ids, loaded.tokenizer.eos_id]])
        with torch.inference_mode():
            total[start : start + 120] += loaded.network(batch)[1:-1, 0].numpy()
        count[start : start + 120] += 1
    np.testing.assert_allclose(calls.logit, total / count, atol=1e-6)
    np.testing.assert_allclose(calls.probability, 1 / (1 + np.exp(-(1.5 * calls.logit - 0.25))), atol=1e-12)
    assert calls.start0.tolist() == list(range(250))
    assert "".join(context[2] for context in calls.context) == text
    assert calls.context[0] == "NN" + text[:3] and calls.context[-1] == text[-3:] + "NN"


def test_positions_strands_and_contexts_are_those_of_the_spliced_rna(genome_folder: Path, of_genes: Calls) -> None:
    genome = Genome.open(genome_folder / "genome.fa")
    exons = {"GA": range(100, 300), "GB": range(850, 1400), "GC": range(2500, 2540), "GD": range(10, 700)}
    seen = set()
    for chrom, start0, strand, name in zip(
        of_genes.chrom, of_genes.start0, of_genes.strand, of_genes.name, strict=True
    ):
        assert bytes(genome.fetch(chrom, start0, start0 + 1, strand)) == b"A"
        seen.add(name)
        assert strand == ("-" if name in ("GB", "GC") else "+")
    assert seen == set(exons)
    by_place = table(of_genes)
    last_of_exon = bytes(genome.fetch("chr1", 298, 300)) + bytes(genome.fetch("chr1", 500, 503))
    if last_of_exon[2:3] == b"A":
        assert by_place["chr1", 500, "+"][2] == last_of_exon.decode()
    order = list(zip(of_genes.chrom.tolist(), of_genes.start0.tolist(), of_genes.strand.tolist(), strict=True))
    assert order == sorted(order, key=lambda row: (row[0], row[1], row[2] == "-"))
    assert len(set(order)) == len(order)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_cutting_peaks_differently_leaves_the_score_of_an_adenosine_bitwise_equal(
    data: st.DataObject, genome_folder: Path, model: Path, of_genes: Calls, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = []
    for chrom, strand, low, high in (("chr1", "+", 100, 1100), ("chr1", "-", 850, 1900), ("chr2", "+", 10, 700)):
        cuts = data.draw(st.lists(st.integers(low + 1, high - 1), max_size=3, unique=True))
        edges = [low, *sorted(cuts), high]
        lines += [f"{chrom}\t{a}\t{b}\tp\t0\t{strand}\n" for a, b in pairwise(edges)]
    kept = data.draw(st.lists(st.sampled_from(lines), min_size=1, unique=True))
    bed = tmp_path_factory.mktemp("cut") / "peaks.bed"
    bed.write_text("".join(kept))
    whole, found = table(of_genes), table(predicted([model], genome_folder, bed=bed))
    for place, value in found.items():
        if place in whole:
            assert value == whole[place]
        else:
            assert value[3] == "."  # an intron: read on the contig's grid
    inside = [line.split("\t") for line in kept]
    for chrom, start0, strand in whole:
        covered = any(f[0] == chrom and int(f[1]) <= start0 < int(f[2]) and f[5].strip() == strand for f in inside)
        assert ((chrom, start0, strand) in found) == covered


@pytest.mark.parametrize("tiles_at_once", [1, 3])
def test_chunk_borders_leave_the_result_bitwise_equal(
    genome_folder: Path, model: Path, of_genes: Calls, tiles_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "TILES_AT_ONCE", tiles_at_once)
    assert table(predicted([model], genome_folder)) == table(of_genes)


def test_order_of_peaks_and_of_records_does_not_matter(genome_folder: Path, model: Path, tmp_path: Path) -> None:
    lines = ["chr2\t50\t300\tq\t0\t+\n", "chr1\t850\t1700\tr\t0\t-\n", "chr1\t200\t600\ts\t0\t+\n"]
    results = []
    for number, some in enumerate((lines, lines[::-1], [*lines, lines[0]])):
        bed = tmp_path / f"{number}.bed"
        bed.write_text("".join(some))
        results.append(table(predicted([model], genome_folder, bed=bed)))
    assert results[0] == results[1] == results[2]
    records = [f">{name}\n{'GGACTTAGACA' * n}\n" for name, n in (("a", 5), ("b", 30), ("c", 1))]
    (tmp_path / "f.fa").write_text("".join(records))
    (tmp_path / "r.fa").write_text("".join(records[::-1]))
    assert table(predicted([model], sequences=tmp_path / "f.fa")) == table(
        predicted([model], sequences=tmp_path / "r.fa")
    )


@pytest.mark.parametrize("tokens_per_batch", [1, 300, 1000])
def test_packed_batches_agree_within_the_stated_tolerance(
    genome_folder: Path, model: Path, of_genes: Calls, tokens_per_batch: int
) -> None:
    packed = predicted([model], genome_folder, tokens_per_batch=tokens_per_batch)
    np.testing.assert_allclose(packed.logit, of_genes.logit, rtol=0, atol=PACKED_TOLERANCE)
    assert packed.start0.tolist() == of_genes.start0.tolist()


def test_threads_do_not_move_the_result(model: Path, tmp_path: Path) -> None:
    (tmp_path / "s.fa").write_text(f">a\n{'GGACTTAGACAACGT' * 20}\n")
    one = predicted([model], sequences=tmp_path / "s.fa")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = predicted([model], sequences=tmp_path / "s.fa")
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(two.logit, one.logit, rtol=0, atol=1e-5)


def test_several_models_give_the_mean_of_their_calibrated_logits(
    genome_folder: Path, make_model: Callable[..., Path], model: Path
) -> None:
    other = make_model(seed=2)
    one, two, both = (predicted(models, genome_folder) for models in ([model], [other], [model, other]))
    calibrated = ((1.5 * one.logit - 0.25) + (2.5 * two.logit - 0.25)) / 2
    np.testing.assert_allclose(both.probability, 1 / (1 + np.exp(-calibrated)), atol=1e-12)
    np.testing.assert_allclose(both.logit, (one.logit + two.logit) / 2, atol=1e-12)


def test_parts_merge_into_the_whole(genome_folder: Path, model: Path, tmp_path: Path) -> None:
    lines = ["chr1\t100\t700\ta\t0\t+\n", "chr1\t650\t1000\tb\t0\t+\n", "chr1\t900\t1800\tc\t0\t-\n"]
    given_files = {"whole": lines, "first": lines[:1], "second": lines[1:]}
    common = [
        "--model",
        str(model),
        "--fasta",
        str(genome_folder / "genome.fa"),
        "--gtf",
        str(genome_folder / "genes.gtf"),
    ]
    for name, some in given_files.items():
        (tmp_path / f"{name}.in").write_text("".join(some))
        files = [
            "--bed",
            f"{tmp_path}/{name}.in",
            "--out",
            f"{tmp_path}/{name}.bed",
            "--table",
            f"{tmp_path}/{name}.parquet",
        ]
        assert main(["sites", *common, *files, "--universe", "adenosine"]) == 0
    parts = ["--part", f"{tmp_path}/second.parquet", "--part", f"{tmp_path}/first.parquet"]
    assert main(["merge", *parts, "--out", f"{tmp_path}/merged.bed", "--table", f"{tmp_path}/merged.parquet"]) == 0
    assert (tmp_path / "merged.bed").read_bytes() == (tmp_path / "whole.bed").read_bytes()
    assert pl.read_parquet(tmp_path / "merged.parquet").equals(pl.read_parquet(tmp_path / "whole.parquet"))
