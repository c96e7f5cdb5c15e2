"""`ribolm-tokenize`: what it writes, refuses, repairs and carries through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.tokenize import main
from ribolm.sequences import corpus
from ribolm.sequences.store import TokenStore


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A genome of two contigs, of which the second repeats a part of the first, and two genes."""
    rng = np.random.default_rng(4)
    text = "".join(rng.choice(list("ACGT"), 600))
    (tmp_path / "g.fa").write_text(f">chr1\n{text}\n>chr2\n{text[:200]}{'N' * 300}\n")
    exon = '{}\tt\texon\t{}\t{}\t.\t{}\t.\tgene_id "{}"; transcript_id "{}";\n'
    genes = [("chr1", 1, 100, "+", "G1"), ("chr1", 201, 400, "+", "G1"), ("chr1", 301, 500, "-", "G2")]
    (tmp_path / "g.gtf").write_text("".join(exon.format(*gene, gene[-1]) for gene in genes))
    return tmp_path


def run(folder: Path, bed: str, *more: str, gtf: bool = True) -> int:
    (folder / "p.bed").write_text(bed)
    options = ["--bed", f"{folder}/p.bed", "--fasta", f"{folder}/g.fa", "--out", f"{folder}/out", "--window", "80"]
    options += ["--overlap", "20", *more, *(["--gtf", f"{folder}/g.gtf"] if gtf else [])]
    return main(["peaks", *options])


def names(folder: Path) -> list[str]:
    return TokenStore.open(folder / "out", verify=True).names(("name",))["name"].to_list()


def test_a_peak_over_a_splice_junction_is_read_spliced(inputs: Path) -> None:
    assert run(inputs, "chr1\t90\t210\tp\t0\t+\t90\t210\t0\t2\t10,10\t0,110\n", "--flank", "0") == 0
    store = TokenStore.open(inputs / "out", verify=True)
    table = store.names()
    assert table["name"].to_list() == ["G1:60-140"]
    assert table["block_starts0"].to_list() == [[60, 200]] and table["block_ends0"].to_list() == [[100, 240]]
    text = (inputs / "g.fa").read_text().splitlines()[1]
    assert "".join(store.tokenizer.tokens[i] for i in store.row(0)) == text[60:100] + text[200:240]
    assert table["cluster"].to_list() == ["chr1:0-500"]  # both genes overlap on the genome
    assert store.manifest["source"]["counts"]["written"] == 1


def test_short_peaks_are_widened_to_a_window_and_flanks_can_be_asked_for(inputs: Path) -> None:
    assert run(inputs, "chr1\t20\t21\tp\t0\t+\n") == 0
    assert names(inputs) == ["G1:0-80", "G1:60-140"]  # 1 nt and 40 on each side reach 61
    assert run(inputs, "chr1\t20\t21\tp\t0\t+\n", "--flank", "0") == 0
    assert names(inputs) == ["G1:0-80"]


def test_bases_outside_genes_are_read_on_the_contig(inputs: Path) -> None:
    assert run(inputs, "chr1\t95\t125\tp\t0\t+\n", "--flank", "0") == 0
    assert names(inputs) == ["G1:60-140", "chr1(+):60-140", "chr1(+):120-200"]
    table = TokenStore.open(inputs / "out").names()
    assert table["gene"].to_list() == ["G1", None, None]
    assert table["cluster"].to_list() == ["chr1:0-500"] * 3


def test_equal_sequences_and_too_many_n_are_left_out(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bed = "chr1\t0\t80\ta\t0\t+\nchr2\t0\t500\tb\t0\t+\n"
    assert run(inputs, bed, "--flank", "0", "--max-n", "0.5", gtf=False) == 0
    assert names(inputs) == ["chr1(+):0-80", "chr1(+):60-140", "chr2(+):120-200"]
    told = capsys.readouterr().err
    assert "5 of 10 sequences hold too many N" in told and "2 of 10 sequences repeat an earlier one" in told
    assert run(inputs, bed, "--flank", "0", "--max-n", "1", "--keep-duplicates", gtf=False) == 0
    assert len(names(inputs)) == 10


def test_many_files_give_each_tile_once_whatever_their_order_and_batches(
    inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "q.bed").write_text("chr1\t300\t460\tq\t0\t-\n")
    first = ["chr1\t0\t300\tp\t0\t+\n", "chr1\t250\t350\tr\t0\t+\n"]
    assert run(inputs, "".join(first), "--bed", f"{inputs}/q.bed") == 0
    tokens = TokenStore.open(inputs / "out").tokens.tobytes()
    monkeypatch.setattr(corpus, "BATCH_NT", 100)
    (inputs / "q.bed").write_text("".join(first[::-1]))
    assert run(inputs, "chr1\t300\t460\tq\t0\t-\n", "--bed", f"{inputs}/q.bed") == 0
    assert TokenStore.open(inputs / "out").tokens.tobytes() == tokens
    assert len(set(names(inputs))) == len(names(inputs))


def test_records_of_a_fasta_become_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "ACGTTGCA" * 20
    (tmp_path / "s.fa").write_text(f">a\nacgu\n>b x\n{long}\n>c\n>a\nACGT\n>a\nTTTT\n")
    assert main(["fasta", "--sequences", f"{tmp_path}/s.fa", "--out", f"{tmp_path}/out", "--window", "100"]) == 2
    assert "--overlap < --window" in capsys.readouterr().err
    options = ["--sequences", f"{tmp_path}/s.fa", "--out", f"{tmp_path}/out", "--window", "100", "--overlap", "20"]
    assert main(["fasta", *options]) == 0
    assert names(tmp_path) == ["a", "b:0-100", "b:60-160", "a"]
    told = capsys.readouterr().err
    assert "1 of 6 sequences have no letter" in told and "1 of 6 sequences repeat" in told
    table = TokenStore.open(tmp_path / "out").names()
    assert table["chrom"].to_list() == ["a", "b", "b", "a"] and table["start0"].to_list() == [0, 0, 60, 0]
    assert main(["show", "--store", f"{tmp_path}/out", "--verify"]) == 0
    assert "4 sequences, 208 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("bed", "gtf", "words"),
    [
        ("chr1\t590\t601\tp\t0\t+\n", True, "ends beyond the 600 nt of its contig in FASTA g.fa"),
        ("chrX\t1\t2\tp\t0\t+\n", True, "No contig name is shared"),
        ("chr1\t1\t2\tp\t0\t+\nchrX\t1\t2\tp\t0\t+\n", True, "lies on a contig that FASTA g.fa lacks"),
        ("1\t1\t2\tp\t0\t+\n", False, "'chr' before the names"),
        ("chr1\t1\t2\tp\n", False, "have no strand, the first is 'p' (chr1:1-2). Give --gtf"),
        ("chr1\t1\tx\n", True, "is not a whole number"),
    ],
)
def test_bad_peaks_are_refused(
    inputs: Path, capsys: pytest.CaptureFixture[str], bed: str, gtf: bool, words: str
) -> None:
    assert run(inputs, bed, gtf=gtf) == 65
    assert words in capsys.readouterr().err
    assert not (inputs / "out").exists()


def test_strandless_peaks_stand_for_both_strands_of_genes(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(inputs, "chr1\t340\t350\tp\nchr1\t510\t520\tq\n", "--flank", "0") == 0
    assert {name[:2] for name in names(inputs)} == {"G1", "G2"}
    told = capsys.readouterr().err
    assert "2 regions have no strand" in told and "10 nt of regions without strand lie on no exon" in told


@pytest.mark.parametrize("bed", ["", "chr2\t300\t400\tp\t0\t+\n"])
def test_nothing_left_gives_a_valid_empty_store(inputs: Path, capsys: pytest.CaptureFixture[str], bed: str) -> None:
    assert run(inputs, bed, "--flank", "0") == 0
    assert names(inputs) == [] and "valid and empty" in capsys.readouterr().err


def test_a_store_without_peaks_files_is_wrong_usage(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peaks", "--fasta", f"{inputs}/g.fa", "--out", f"{inputs}/out"]) == 2
    assert "at least one --bed" in capsys.readouterr().err
