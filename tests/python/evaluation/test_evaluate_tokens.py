"""`ribolm-evaluate tokens`: numbers that scikit-learn gives too, tolerances, calls, pairs, floors, bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ribolm.alphabet import letters
from ribolm.cli.evaluate import main
from ribolm.inference.stored import write_scores
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import make_tokenizer

GENES, GENE_NT, TILE_NT, OVERLAP_NT = 12, 900, 500, 100
SIGNAL, DISTANCE_NT = "AATAAA", 20


def gene_letters(rng: np.random.Generator, sites: list[int]) -> np.ndarray:
    """Noise without A behind C or G; of every second site the hexamer 20 nt upstream, C before the A."""
    found = letters("ACGT")[rng.integers(4, size=GENE_NT)]
    after = np.isin(found[:-1], letters("CG")) & (found[1:] == ord("A"))
    found[1:][after] = ord("T")
    for at in sites:
        found[at - 1 : at + 1] = letters("CA")
        found[at - DISTANCE_NT : at - DISTANCE_NT + 6] = letters(SIGNAL)
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """A store of whole genes in two tiles each, cores labelled once, and the table of all labelled bases."""
    folder, rng = tmp_path_factory.mktemp("tokens"), np.random.default_rng(3)
    tokenizer = make_tokenizer("hyena")
    rows: list[tuple[str, int, str, bool, int]] = []
    with StoreWriter(folder / "genes", tokenizer, {"polya": LabelSpec("token")}) as writer:
        for gene in range(GENES):
            start0, strand = 500 + 1500 * gene, "+-"[gene % 2]
            sites = sorted(rng.choice(np.arange(60, GENE_NT - 40, 40), 2, replace=False).tolist())
            text = gene_letters(rng, sites)
            label = np.zeros(GENE_NT, dtype=np.float32)
            label[sites] = 1
            label[5] = np.nan
            middle = (TILE_NT - OVERLAP_NT + TILE_NT) // 2
            for low, high, core_low, core_high in (
                (0, TILE_NT, 0, middle),
                (GENE_NT - TILE_NT, GENE_NT, middle, GENE_NT),
            ):
                inner = label[low:high].copy()
                inner[: core_low - low] = inner[core_high - low :] = np.nan
                span = (low, high) if strand == "+" else (GENE_NT - high, GENE_NT - low)
                place = Place("chr1", strand, ((start0 + span[0], start0 + span[1]),), f"G{gene}", f"C{gene // 2}")
                writer.add(tokenizer.encode(text[low:high]), f"g{gene}.{low}", place, {"polya": inner})
            for at in range(GENE_NT):
                genome = start0 + (at if strand == "+" else GENE_NT - 1 - at)
                if not np.isnan(label[at]):
                    rows.append(("chr1", genome, strand, bool(label[at]), gene))
    columns = ["chrom", "start0", "strand", "is_site", "gene"]
    return folder / "genes", pl.DataFrame(rows, columns, orient="row")


def scores(path: Path, table: pl.DataFrame, logit: np.ndarray, rows: Any = slice(None), **facts: Any) -> Path:
    named = table.with_columns(logit=pl.Series(logit), probability=pl.Series(1 / (1 + np.exp(-logit))))
    chosen = named[rows].select("chrom", "start0", "strand", "logit", "probability").to_arrow()
    write_scores(path, [chosen], lambda: facts, chosen.schema)
    return path


def knowing(table: pl.DataFrame, strength: float, seed: int, off_by: int = 0) -> np.ndarray:
    """Noise, and `strength` at the bases `off_by` nt beside the sites."""
    truth = np.roll(table["is_site"].to_numpy(), off_by)
    return strength * truth + np.random.default_rng(seed).normal(size=len(table)) - 4


@pytest.fixture(scope="module")
def evaluated(world: tuple[Path, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a causal model in two files each, a bidirectional one that is 3 nt off."""
    store, table = world
    folder, half = tmp_path_factory.mktemp("evaluated"), (table["gene"] < GENES // 2).to_numpy()
    words: list[object] = ["tokens", "--store", store, "--outdir", folder / "out", "--draws", "80"]
    for seed in (1, 2):
        for part, rows in enumerate((half, ~half)):
            path = folder / f"{seed}.{part}.parquet"
            scores(path, table, knowing(table, 5.0, seed), np.flatnonzero(rows), threshold=0.5 + 0.1 * part)
            words += ["--scores", f"causal@{seed}={path}"]
    other = scores(folder / "b.parquet", table, knowing(table, 9.0, 5, 3), threshold=0.9)
    words += ["--scores", f"bidirectional={other}"]
    assert main([str(word) for word in words]) == 0
    return folder / "out"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def method(folder: Path, name: str, tolerance: int) -> dict[str, str]:
    return next(
        row for row in rows_of(folder / "methods.tsv") if (row["method"], row["tolerance_nt"]) == (name, str(tolerance))
    )


def test_exact_numbers_are_those_of_scikit_learn(world: tuple[Path, pl.DataFrame], evaluated: Path) -> None:
    _, table = world
    truth = table["is_site"].to_numpy()
    found = method(evaluated, "causal", 0)
    for name, function in (("average_precision", average_precision_score), ("roc_auc", roc_auc_score)):
        wanted = np.mean([function(truth, knowing(table, 5.0, seed)) for seed in (1, 2)])
        assert float(found[name]) == pytest.approx(wanted, rel=1e-5)
        assert float(found[f"{name}_low"]) <= wanted <= float(found[f"{name}_high"])
    assert (int(found["n"]), int(found["n_sites"])) == (len(table), 2 * GENES)
    assert float(found["prevalence"]) == pytest.approx(truth.mean(), rel=1e-5)
    assert int(found["n_genes"]) == GENES // 2, "overlapping genes are one unit"


def test_calls_are_those_of_each_models_own_threshold(world: tuple[Path, pl.DataFrame], evaluated: Path) -> None:
    _, table = world
    truth, half = table["is_site"].to_numpy(), (table["gene"] < GENES // 2).to_numpy()
    hits, wrong = [], []
    for seed in (1, 2):
        called = 1 / (1 + np.exp(-knowing(table, 5.0, seed))) >= np.where(half, 0.5, 0.6)
        hits.append((called & truth).sum())
        wrong.append((called & ~truth).sum())
    found = method(evaluated, "causal", 0)
    assert float(found["true_positives"]) == np.mean(hits) and float(found["false_positives"]) == np.mean(wrong)
    assert float(found["recall"]) == pytest.approx(np.mean(hits) / truth.sum(), rel=1e-5)
    assert float(found["true_negatives"]) + float(found["false_positives"]) == (~truth).sum()


def test_a_tolerance_forgives_what_lies_beside_a_site(evaluated: Path) -> None:
    exact, near = (float(method(evaluated, "bidirectional", t)["average_precision"]) for t in (0, 5))
    assert exact < 0.1 < 0.9 < near
    wide = method(evaluated, "bidirectional", 25)
    assert int(wide["n_sites"]) == 2 * GENES and float(wide["prevalence"]) > 0.05
    assert {row["tolerance_nt"] for row in rows_of(evaluated / "methods.tsv")} == {"0", "5", "10", "25"}


def test_methods_are_compared_in_pairs_and_beside_floors(evaluated: Path) -> None:
    pairs = [row for row in rows_of(evaluated / "differences.tsv") if row["metric"] == "average_precision"]
    wanted = {other: 4 for other in ("bidirectional", "candidate rule", "shuffled labels")}
    assert {other: sum(row["other"] == other for row in pairs) for other in wanted} == wanted
    for row in pairs:
        one, other = (float(method(evaluated, name, int(row["tolerance_nt"]))["average_precision"])
                      for name in ("causal", row["other"]))  # fmt: skip
        assert float(row["difference"]) == pytest.approx(one - other, abs=1e-5)
    rule = method(evaluated, "candidate rule", 0)
    assert float(rule["average_precision"]) > 0.9, "sites alone have the planted signal"
    assert abs(float(method(evaluated, "shuffled labels", 0)["roc_auc"]) - 0.5) < 0.25


def test_every_number_tells_its_averaging_universe_and_split(evaluated: Path) -> None:
    content = json.loads((evaluated / "metrics.json").read_text())
    assert content["kind"] == "tokens" and content["sites"] == {"sites": 2 * GENES, "unscored": 0}
    assert content["labelled_bases"] == {"labelled": GENES * (GENE_NT - 1), "unscored": 0}
    assert content["interval_note"].startswith("Intervals are rough: they come of only 80 draws")
    averaging = {row["metric"]: row["averaging"] for row in content["metrics"]}
    assert averaging["roc_auc"] == averaging["precision_at_recall_16"] == "ranking"
    assert averaging["precision"] == "positive class" and averaging["macro_f1"] == "macro"
    assert {row["universe"] for row in content["metrics"] if row["tolerance_nt"] == 5} == {"windows of 11 nucleotides"}
    assert all(row["n"] and row["split"] for row in content["metrics"])
    curves = {(row["tolerance_nt"], row["curve"], row["method"]) for row in rows_of(evaluated / "curves.tsv")}
    assert ("0", "pr", "causal") in curves and ("25", "roc", "bidirectional") in curves


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--tolerance", "5,x"], 2, "is no list of whole numbers of nt"),
        (["--tolerance", "5,5"], 2, "no list of different distances"),
        (["--reference", "other"], 2, "no method has that name"),
    ],
)
def test_wrong_options_leave_nothing_behind(
    world: tuple[Path, pl.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
    words: str,
) -> None:
    store, table = world
    given = ["--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "0"]
    one = scores(tmp_path / "a.parquet", table, knowing(table, 1.0, 1))
    assert main(["tokens", *given, "--scores", f"a={one}", *more]) == code
    assert words in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_two_files_of_one_place_and_no_file_are_refused(
    world: tuple[Path, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, table = world
    one = scores(tmp_path / "a.parquet", table, knowing(table, 1.0, 1))
    given = ["tokens", "--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "0"]
    assert main([*given, "--scores", f"a={one}", "--scores", f"a={one}"]) == 65
    assert "two files score chr1:" in capsys.readouterr().err
    assert main(given) == 2
    assert "--scores is missing" in capsys.readouterr().err


def test_scores_of_candidates_alone_are_refused(
    world: tuple[Path, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, table = world
    candidates = np.flatnonzero(table["is_site"].to_numpy() | (np.arange(len(table)) % 40 == 0))
    one = scores(tmp_path / "scan.parquet", table, knowing(table, 1.0, 1), candidates)
    given = ["tokens", "--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "0"]
    assert main([*given, "--scores", f"scan={one}"]) == 65
    told = capsys.readouterr().err
    assert f"score {len(candidates):,} of the {len(table):,} labelled bases" in told
    assert "rank candidates, not bases" in told and not (tmp_path / "o").exists()


def test_labelled_bases_without_a_score_are_counted(
    world: tuple[Path, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, table = world
    kept = np.flatnonzero(((table["gene"] < GENES - 2) & ~(table["start0"] % 10 == 0)).to_numpy())
    one = scores(tmp_path / "a.parquet", table, knowing(table, 1.0, 1), kept)
    given = ["tokens", "--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "0", "--tolerance", "0"]
    assert main([*given, "--scores", f"a={one}"]) == 0
    inside = (GENES - 2) * (GENE_NT - 1)
    told = capsys.readouterr().err
    assert f"{inside - len(kept):,} of {inside:,} labelled bases have no score" in told
    assert f"{len(table) - inside:,} of {len(table):,} labelled bases lie in genes without any score" in told
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert content["labelled_bases"] == {"labelled": len(table), "unscored": len(table) - len(kept)}


def test_scores_of_another_genome_are_refused(
    world: tuple[Path, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, table = world
    elsewhere = table.with_columns(start0=pl.col("start0") + 10_000_000)
    one = scores(tmp_path / "a.parquet", elsewhere, knowing(table, 1.0, 1))
    given = ["tokens", "--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "0"]
    assert main([*given, "--scores", f"a={one}"]) == 65
    assert "score none of the" in capsys.readouterr().err


def test_scores_without_a_threshold_are_ranked_and_not_called(world: tuple[Path, pl.DataFrame], tmp_path: Path) -> None:
    store, table = world
    one = scores(tmp_path / "a.parquet", table, knowing(table, 2.0, 1))
    given = ["tokens", "--store", str(store), "--outdir", str(tmp_path / "o"), "--draws", "5", "--tolerance", "0"]
    assert main([*given, "--scores", f"a={one}"]) == 0
    found = method(tmp_path / "o", "a", 0)
    assert found["recall"] == found["true_positives"] == "" and float(found["roc_auc"]) > 0.7
