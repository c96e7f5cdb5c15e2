"""`ribolm-evaluate scan`: recovery of known sites beside the 4-mer regression, chance and shuffled candidates."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.cli.evaluate import main
from ribolm.cli.predict import main as predict
from ribolm.evaluation.scan_recovery import _intervals
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import make_tokenizer

WINDOW_NT, ANCHOR0, N_SITES = 61, 25, 40
SITE = "AATAAA" + "TTTCTTGTTATTC" + "CA" + "TGTGTTGTGTCTTGTTTGT"  # a 4-mer regression learns what follows the CA


def noise(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(list("AATTCG"), n))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """genome.fa with planted sites on both strands, known.bed, a store of such windows, a random model, its scan."""
    out, rng = tmp_path_factory.mktemp("scan"), np.random.default_rng(6)
    pieces, known, at = [], [], 0
    for k in range(N_SITES):
        gap, site = noise(rng, 700), SITE
        if k % 2:
            site = reverse_complement(letters(SITE)).tobytes().decode()
        anchor0 = at + 700 + (SITE.index("CA") + 1 if not k % 2 else len(SITE) - 2 - SITE.index("CA"))
        last = anchor0 - 1 if not k % 2 else anchor0 + 1  # the base before the A, as site lists give it
        known.append(f"c\t{last}\t{last + 1}\ts{k}\t0\t{'-' if k % 2 else '+'}\n")
        pieces += [gap, site]
        at += 700 + len(SITE)
    (out / "genome.fa").write_text(">c\n" + "".join(pieces) + noise(rng, 700) + "\n")
    (out / "known.bed").write_text("".join(known))
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(out / "store", tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for row in range(200):
            text = noise(rng, 4) + (SITE if row % 2 else "AATAAA" + noise(rng, 13) + "CA" + noise(rng, 19))
            window = letters((text + noise(rng, WINDOW_NT))[:WINDOW_NT])
            writer.add(tokenizer.encode(window), f"w{row}", None, {"polya": float(row % 2)})
    task = {
        "task": "polya", "level": "sequence", "labels": ["polya"], "pooling": "mean", "window_nt": WINDOW_NT,
        "anchor": "cleavage", "anchor_offset0": ANCHOR0 - 1, "padding": "N",
    }  # fmt: skip
    network = new_network(preset_config("tiny", tokenizer), HeadSpec("sequence", 1, "mean"), 3)
    save_model(out / "model", network, tokenizer, task)
    given = ["--fasta", str(out / "genome.fa"), "--out"]
    assert predict(["candidates", *given, str(out / "c.bed.gz")]) == 0
    more = ["--model", str(out / "model"), "--candidates", str(out / "c.bed.gz"), "--device", "cpu", "--threads", "1"]
    assert predict(["scan", *given, str(out / "s.parquet"), *more]) == 0
    return out


def evaluate(folder: Path, outdir: Path, *changes: str, without: str = "") -> int:
    given = {"model": "model", "fasta": "genome.fa", "known": "known.bed", "store": "store", "scored": "s.parquet"}
    options = [text for key, name in given.items() if key != without for text in (f"--{key}", str(folder / name))]
    options += ["--outdir", str(outdir), "--null-groups", "300", "--draws", "200", "--device", "cpu", *changes]
    return main(["scan", *options])


def test_the_regression_of_a_file_is_that_of_its_windows(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "regression.safetensors"
    assert main(["regression", "--store", str(folder / "store"), "--out", str(file)]) == 0
    assert evaluate(folder, tmp_path / "of_store") == 0
    given = {"model": "model", "fasta": "genome.fa", "known": "known.bed", "scored": "s.parquet"}
    options = [text for key, name in given.items() for text in (f"--{key}", str(folder / name))]
    options += ["--outdir", str(tmp_path / "of_file"), "--null-groups", "300", "--draws", "200", "--device", "cpu"]
    assert main(["scan", *options, "--regression", str(file)]) == 0
    one, other = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("of_store", "of_file"))
    assert one["recovery"] == other["recovery"] and other["settings"]["regression"] == file.name
    assert main(["scan", *options]) == 2, "the model brings none"
    assert main(["scan", *options, "--regression", str(file), "--store", str(folder / "store")]) == 2


def test_a_scan_without_known_sites_says_so_and_ends_well(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edge.bed").write_text("c\t20\t21\ts\t0\t+\n")  # fewer than 60 known bases before it
    assert evaluate(folder, tmp_path / "e", "--known", str(tmp_path / "edge.bed")) == 0
    assert "None of 1 known sites lies in what was scanned" in capsys.readouterr().out
    assert json.loads((tmp_path / "e" / "metrics.json").read_text())["known_sites"] == 0


def test_a_scan_without_candidates_is_a_valid_result_in_which_nothing_is_defined(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.bed").write_text("")
    given = ["--model", str(folder / "model"), "--fasta", str(folder / "genome.fa"), "--device", "cpu"]
    empty = ["--candidates", str(tmp_path / "none.bed"), "--out", str(tmp_path / "s.parquet")]
    assert predict(["scan", *given, *empty]) == 0
    assert evaluate(folder, tmp_path / "e", "--scored", str(tmp_path / "s.parquet"), without="scored") == 0
    told = capsys.readouterr().out
    assert f"The scan holds no candidate: recovery of the {N_SITES} sites is not defined." in told and "nan" not in told
    found = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert found["candidates"] == 0 and len(found["recovery"]) == 6
    for row in (*found["recovery"], *found["differences"]):
        keys = {"recovered", "by_chance", "fdr", "difference", "recovered_low", "difference_high"} & row.keys()
        assert all(row[key] is None for key in keys)
    assert "nan" not in (tmp_path / "e" / "recovery.tsv").read_text()


def test_candidates_of_another_rule_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", str(folder / "model"), "--fasta", str(folder / "genome.fa"), "--device", "cpu"]
    given += ["--candidates", str(folder / "c.bed.gz"), "--out", str(tmp_path / "s.parquet")]
    assert predict(["scan", *given, "--hexamer", "ATTAAA"]) == 65
    assert "is not of the rule given (1 hexamers, 10 to 35 nt upstream)" in capsys.readouterr().err
    assert not (tmp_path / "s.parquet").exists()


def test_regression_that_learnt_the_sites_recovers_them_and_chance_does_not(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ribolm.evaluation.scan_recovery.APART_NT", 500)
    assert evaluate(folder, tmp_path / "e") == 0
    found = json.loads((tmp_path / "e" / "metrics.json").read_text())
    rows = {(row["method"], row["kept"]): row for row in found["recovery"]}
    assert found["known_sites"] == N_SITES and len(rows) == 6
    best = rows["4-mer regression", "5 % of candidates"]
    assert best["recovered"] > 0.9 and best["by_chance"] < 0.2 and 0 < best["fdr"] <= 1
    assert best["recovered_low"] <= best["recovered"] <= best["recovered_high"]
    model = rows["model", "5 % of candidates"]
    paired = {row["kept"]: row for row in found["differences"]}["5 % of candidates"]
    assert paired["difference"] == pytest.approx(model["recovered"] - best["recovered"])
    assert paired["difference_low"] <= paired["difference"] <= paired["difference_high"] < 0
    assert (tmp_path / "e" / "recovery.tsv").read_text().count("\n") == 7
    told = capsys.readouterr().out
    assert "of shifted ones" in told and "false discovery rate beside shuffled candidates" in told


def test_windows_of_another_width_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "store", tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for row in range(4):
            writer.add(tokenizer.encode(letters("ACGT" * 5)), f"w{row}", None, {"polya": float(row % 2)})
    assert evaluate(folder, tmp_path / "e", "--store", str(tmp_path / "store")) == 65
    assert "the model reads 61 nt" in capsys.readouterr().err
    assert not (tmp_path / "e").exists()


def test_intervals_are_those_of_drawing_every_site_with_its_cluster_in_little_memory() -> None:
    rng = np.random.default_rng(3)
    cluster = np.sort(rng.integers(2_000, size=20_000))
    cluster = np.unique(cluster, return_inverse=True)[1].astype(np.int64)
    hit, other = rng.random(20_000) < 0.3, rng.random(20_000) < 0.2
    marks = [hit.astype(float), hit.astype(float) - other]
    tracemalloc.start()
    found = _intervals(marks, cluster, 300, 7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * 20_000, "a byte per draw and site would be as much"
    n = int(cluster.max()) + 1
    random = np.random.Generator(np.random.Philox(7))
    weights = np.stack([np.bincount(random.integers(n, size=n), minlength=n) for _ in range(300)])[:, cluster]
    for mark, interval in zip(marks, found, strict=True):
        shares = weights @ mark / weights.sum(axis=1)
        assert interval.value == mark.mean()
        assert [interval.low, interval.high] == np.percentile(shares, [2.5, 97.5]).tolist()
    assert (found[0].low, found[0].high) == pytest.approx((0.28956056992129686, 0.30244470793014316), abs=1e-12)


@pytest.mark.parametrize(("cluster", "draws"), [([], 10), ([0, 0], 10), ([0, 1], 0)])
def test_no_interval_without_two_clusters_and_a_draw(cluster: list[int], draws: int) -> None:
    (found,) = _intervals([np.ones(len(cluster))], np.array(cluster, dtype=np.int64), draws, 1)
    assert found.low is None and found.value == (1.0 if cluster else None)


def test_an_evaluation_computes_in_the_precision_of_the_scan(folder: Path, tmp_path: Path) -> None:
    given = ["--model", str(folder / "model"), "--fasta", str(folder / "genome.fa"), "--device", "cpu"]
    more = ["--candidates", str(folder / "c.bed.gz"), "--out", str(tmp_path / "s.parquet"), "--precision", "bf16"]
    assert predict(["scan", *given, *more]) == 0
    assert evaluate(folder, tmp_path / "e", "--scored", str(tmp_path / "s.parquet"), without="scored") == 0
