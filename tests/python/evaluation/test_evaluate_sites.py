"""`ribolm-evaluate sites`: numbers that scikit-learn gives too, floors, seeds, peers, strata, leaks and bad input."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ribolm.cli.report import main as report
from ribolm.files import sha256_of
from ribolm.inference.stored import row_contexts
from ribolm.labels.folds import Folds, split_units, write_folds
from ribolm.sequences.store import LabelSpec, TokenStore, add_labels
from ribolm.sequences.universes import contexts_array, members

from .conftest import World, drach_rows, knowing, make_world, words_of

QUICK = ["--draws", "60"]
NOTE = "Intervals are rough: they come of only 60 draws (take 1,000)."


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def methods_of(folder: Path, universe: str) -> dict[str, dict[str, str]]:
    return {row["method"]: row for row in read(folder / "methods.tsv") if row["universe"] == universe}


@pytest.fixture(scope="module")
def evaluated(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of a model, each in two files; random weights; a peer that knows adenosines only."""
    from ribolm.cli.evaluate import main

    folder = tmp_path_factory.mktemp("evaluated")
    half = np.arange(len(world.table)) % 2 == 0
    scores = []
    for seed in (1, 2, 3):
        for part, rows in enumerate((half, ~half)):
            path = folder / f"m{seed}.{part}.parquet"
            scores.append(
                (f"model@{seed}", world.write_scores(path, knowing(world, 2.0, seed)[rows], rows.nonzero()[0]))
            )
    scores.append(("random", world.write_scores(folder / "r.parquet", knowing(world, 0.0, 9))))
    is_a = world.table["context"].str.slice(2, 1) == "A"
    peer = world.table.with_columns(score=pl.Series(knowing(world, 1.0, 5))).filter(is_a)
    peer.select("chrom", "start0", "strand", "score").write_csv(folder / "peer.tsv", separator="\t")
    words = [*words_of(world, scores), "--peer", f"peer={folder / 'peer.tsv'}", "--gtf", world.gtf, *QUICK]
    assert main([str(word) for word in ("sites", *words, "--outdir", folder / "out")]) == 0
    return folder / "out"


@pytest.mark.parametrize("universe", ["drach", "adenosine", "nucleotide"])
def test_numbers_are_those_of_scikit_learn(world: World, evaluated: Path, universe: str) -> None:
    contexts = contexts_array(np.array(world.table["context"].to_list(), dtype="S5"))
    inside = members(contexts, universe)
    labels = world.table["is_site"].to_numpy()[inside]
    row = methods_of(evaluated, universe)["model"]
    found = [1 / (1 + np.exp(-knowing(world, 2.0, seed)[inside])) for seed in (1, 2, 3)]
    expected = [average_precision_score(labels, score) for score in found]
    assert float(row["average_precision"]) == pytest.approx(np.mean(expected), rel=1e-5)
    assert float(row["average_precision_seed_sd"]) == pytest.approx(np.std(expected, ddof=1), rel=1e-4)
    assert float(row["roc_auc"]) == pytest.approx(np.mean([roc_auc_score(labels, s) for s in found]), rel=1e-5)
    assert (int(row["n"]), int(row["n_sites"]), int(row["seeds"])) == (len(labels), labels.sum(), 3)
    assert float(row["prevalence"]) == pytest.approx(labels.mean(), rel=1e-5)


def test_floors_stand_where_they_must(evaluated: Path) -> None:
    rows = methods_of(evaluated, "drach")
    ap = {name: float(row["average_precision"]) for name, row in rows.items()}
    prevalence = float(rows["model"]["prevalence"])
    assert ap["model"] > ap["k-mer gradient boosting"] > ap["motif rule"] > prevalence
    assert ap["k-mer logistic regression"] > prevalence
    assert abs(ap["shuffled labels"] - prevalence) < 0.08 and abs(ap["random"] - prevalence) < 0.08
    assert rows["random"]["kind"] == "random weights" and rows["motif rule"]["parameters"] == "0"
    for row in rows.values():
        low, value, high = (float(row[f"average_precision{end}"]) for end in ("_low", "", "_high"))
        assert low <= value <= high


def test_a_peer_ranks_unscored_positions_last_and_they_are_counted(world: World, evaluated: Path) -> None:
    rows = methods_of(evaluated, "nucleotide")
    n_other = int((world.table["context"].str.slice(2, 1) != "A").sum())
    assert int(rows["peer"]["n_missing"]) == n_other
    inside = methods_of(evaluated, "adenosine")["peer"]
    assert inside["n_missing"] == "0" and inside["average_precision"] == rows["peer"]["average_precision"]


def test_metrics_json_names_universe_split_prevalence_interval_and_seeds(evaluated: Path) -> None:
    content = json.loads((evaluated / "metrics.json").read_text())
    rows = [r for r in content["metrics"] if r["method"] == "model" and r["metric"] == "average_precision"]
    assert [row["universe"] for row in rows] == ["drach", "adenosine", "nucleotide"]
    for row in rows:
        assert (
            row["low"] < row["value"] < row["high"] and row["split"] == "3 folds of whole clusters of overlapping genes"
        )
        assert set(row["by_seed"]) == {"1", "2", "3"} and 0 < row["prevalence"] < 1 and row["n_genes"] == 24
    assert content["interval_note"] == NOTE
    assert content["reference"] == "model" and content["sites"]["unscored"] == 0
    assert content["sites"]["outside"]["drach"] == 0 and content["sites"]["unlabelled_as_negative"] > 100


def test_sites_without_a_score_lie_outside_of_no_universe(
    world: World, evaluate: Callable[..., int], tmp_path: Path
) -> None:
    rows = drach_rows(world)
    lost = rows[world.table["is_site"].to_numpy()[rows]][:3]
    rows = np.setdiff1d(rows, lost)
    path = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1)[rows], rows)
    words = [*words_of(world, [("m", path)]), "--no-baselines", "--no-leakage", *QUICK]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    account = json.loads((tmp_path / "out" / "metrics.json").read_text())["sites"]
    assert account["unscored"] == 3 and account["outside"] == {"drach": 0}


def test_the_report_says_that_intervals_are_rough(evaluated: Path, tmp_path: Path) -> None:
    assert report(["evaluation", "--dir", str(evaluated), "--outdir", str(tmp_path / "q")]) == 0
    assert NOTE in json.loads((tmp_path / "q" / "site_methods_drach_mqc.json").read_text())["description"]


@pytest.mark.parametrize("by", ["gene", "chromosome", "random"])
def test_intervals_draw_whole_genes_whatever_the_folds_keep_whole(
    world: World, evaluate: Callable[..., int], tmp_path: Path, by: str
) -> None:
    store = TokenStore.open(world.store)
    names, row = store.names(), np.arange(len(store))
    unit = {"gene": split_units(names, "gene"), "chromosome": row % 3, "random": row}[by]
    write_folds(tmp_path / "f.tsv", names, Folds(row % 3 if by != "gene" else unit % 3, unit, by))
    scores = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1))
    words = ["--store", world.store, "--folds", tmp_path / "f.tsv", "--scores", f"m={scores}", "--no-baselines"]
    assert evaluate("sites", *words, "--no-leakage", *QUICK, "--outdir", tmp_path / "out") == 0
    assert {row["n_genes"] for row in read(tmp_path / "out" / "methods.tsv")} == {"24"}


def test_a_peer_may_know_nothing_of_a_universe(world: World, evaluate: Callable[..., int], tmp_path: Path) -> None:
    contexts = contexts_array(np.array(world.table["context"].to_list(), dtype="S5"))
    outside = np.flatnonzero(~members(contexts, "drach"))
    scores = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1))
    peer = world.write_scores(tmp_path / "p.parquet", knowing(world, 1.0, 2)[outside], outside)
    words = ["--store", world.store, "--folds", world.folds, "--scores", f"m={scores}", "--peer", f"p={peer}"]
    assert evaluate("sites", *words, "--no-baselines", "--no-leakage", "--draws", 0, "--outdir", tmp_path / "o") == 0
    rows = json.loads((tmp_path / "o" / "metrics.json").read_text())["calibration"]
    assert {row["universe"] for row in rows if row["method"] == "p"} == {"adenosine", "nucleotide"}


def test_differences_are_paired_and_strata_add_up(evaluated: Path) -> None:
    drach = [r for r in read(evaluated / "differences.tsv") if r["universe"] == "drach"]
    assert all(row["method"] == "model" for row in drach)
    against_random = next(r for r in drach if r["other"] == "random" and r["metric"] == "average_precision")
    assert float(against_random["low"]) > 0
    strata = [row for row in read(evaluated / "strata.tsv") if row["method"] == "model"]
    n = int(methods_of(evaluated, "drach")["model"]["n"])
    for kind, names in (("feature", {"5'UTR", "CDS", "3'UTR"}), ("fold", {f"fold {i}" for i in range(3)})):
        mine = [row for row in strata if row["stratum"] == kind]
        assert {row["name"] for row in mine} == names and sum(int(row["n"]) for row in mine) == n
    contexts = [row for row in strata if row["stratum"] == "context"]
    assert sum(int(row["n"]) for row in contexts) == n and "GGACT" in {row["name"] for row in contexts}


def test_a_split_by_gene_does_not_leak(evaluated: Path) -> None:
    rows = read(evaluated / "leakage.tsv")
    assert len(rows) == 3 * 5 and {row["n_test_shared"] for row in rows} == {"0"}


def test_size_and_speed_come_from_the_files_of_one_seed(
    world: World, evaluate: Callable[..., int], tmp_path: Path
) -> None:
    half = np.arange(len(world.table)) % 2 == 0
    words: list[object] = ["--store", world.store, "--folds", world.folds, "--no-baselines", "--no-leakage", *QUICK]
    for part, rows in enumerate((half, ~half)):
        facts = {"ribolm": json.dumps({"n_parameters": 1234, "seconds": 2.0})}
        path = tmp_path / f"{part}.parquet"
        world.write_scores(path, knowing(world, 1.0, 1)[rows], rows.nonzero()[0], metadata=facts)
        words += ["--scores", f"m={path}"]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    for universe in ("drach", "nucleotide"):
        row = methods_of(tmp_path / "out", universe)["m"]
        assert row["parameters"] == "1234" and float(row["sites_per_s"]) == pytest.approx(int(row["n"]) / 4)


def test_candidates_that_a_model_was_trained_on_are_counted_and_told(
    world: World, evaluate: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = [TokenStore.open(world.store).digest[:16], sha256_of(world.folds)[:16]]
    words: list[object] = ["--store", world.store, "--folds", world.folds, "--no-baselines", "--no-leakage", *QUICK]
    for name, store in (("mine", digests[0]), ("other", "e" * 16)):
        facts = {"ribolm": json.dumps({"trained_on": [f"{store}:{digests[1]}:0", f"{store}:{digests[1]}:0"]})}
        path = world.write_scores(tmp_path / f"{name}.parquet", knowing(world, 1.0, 1), metadata=facts)
        words += ["--scores", f"{name}={path}"]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    error = capsys.readouterr().err
    assert "scores 'other': nothing is known" in error and "scores 'mine': " in error and "seen in training" in error
    strata = [row for row in read(tmp_path / "out" / "strata.tsv") if row["stratum"] == "fold"]
    held_out = next(int(row["n"]) for row in strata if row["name"] == "fold 0")
    rows = methods_of(tmp_path / "out", "drach")
    assert int(rows["mine"]["n_seen"]) == int(rows["mine"]["n"]) - held_out
    assert rows["other"]["n_seen"] == rows["motif rule"]["n_seen"] == rows["shuffled labels"]["n_seen"] == ""
    assert report(["evaluation", "--dir", str(tmp_path / "out"), "--outdir", str(tmp_path / "q")]) == 0
    shown = json.loads((tmp_path / "q" / "site_methods_drach_mqc.json").read_text())
    assert shown["data"]["mine"]["n_seen"] == int(rows["mine"]["n_seen"])


def test_the_same_call_gives_the_same_bytes(world: World, evaluate: Callable[..., int], tmp_path: Path) -> None:
    path = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1))
    for name in ("a", "b"):
        words = [*words_of(world, [("m", path)]), "--no-baselines", *QUICK]
        assert evaluate("sites", *words, "--outdir", tmp_path / name) == 0
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_order_of_rows_and_windows_do_not_matter(world: World, evaluate: Callable[..., int], tmp_path: Path) -> None:
    score, order = knowing(world, 1.0, 1), np.random.default_rng(0).permutation(len(world.table))
    first = world.write_scores(tmp_path / "a.parquet", score)
    pl.read_parquet(first)[order].write_parquet(tmp_path / "b.parquet")
    found = []
    for name in ("a", "b"):
        words = [*words_of(world, [("m", tmp_path / f"{name}.parquet")]), "--no-baselines", "--no-leakage", *QUICK]
        assert evaluate("sites", *words, "--outdir", tmp_path / name) == 0
        found.append((tmp_path / name / "methods.tsv").read_text())
    assert found[0] == found[1]


def test_scores_of_candidates_alone_leave_wider_universes_out(
    world: World, evaluate: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = drach_rows(world)
    path = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1)[rows], rows)
    words = [*words_of(world, [("m", path)]), "--no-baselines", "--no-leakage", *QUICK]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    assert {row["universe"] for row in read(tmp_path / "out" / "methods.tsv")} == {"drach"}
    assert "universe 'adenosine' is left out" in capsys.readouterr().err


def test_an_external_test_set_is_judged_by_baselines_of_the_training_store(
    world: World, evaluate: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    test = make_world(tmp_path / "other", n_genes=12, seed=5)
    rows = drach_rows(test)
    path = test.write_scores(tmp_path / "s.parquet", knowing(test, 1.0, 1)[rows], rows)
    words = ["--store", test.store, "--scores", f"m={path}", "--train-store", world.store, *QUICK, "--seed", 2**63 - 1]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    rows = methods_of(tmp_path / "out", "drach")
    assert float(rows["k-mer gradient boosting"]["average_precision"]) > float(rows["m"]["prevalence"]) + 0.1
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["split"] == "external test set"
    leakage = {row["check"]: row for row in read(tmp_path / "out" / "leakage.tsv")}
    assert leakage["kmers"]["n_test_shared"] == "0" and int(leakage["intervals"]["n_test_shared"]) > 0


@pytest.mark.parametrize("kept", ["no site", "one gene"])
def test_too_little_for_a_number_or_an_interval_ends_well(
    world: World, evaluate: Callable[..., int], tmp_path: Path, kept: str
) -> None:
    """Without a site metrics are undefined; with one gene they have no interval. The report takes both."""
    store, rows = TokenStore.open(world.store), drach_rows(world)
    labels = np.array(store.label("m6a"))
    if kept == "no site":
        labels[labels == 1] = np.nan
    else:
        rows = rows[world.table["start0"].to_numpy()[rows] < 1_800]
    add_labels(store, tmp_path / "store", {"m6a": (LabelSpec("token"), [labels])})
    path = world.write_scores(tmp_path / "s.parquet", knowing(world, 1.0, 1)[rows], rows)
    words = ["--store", tmp_path / "store", "--folds", world.folds, "--scores", f"m={path}", "--no-leakage", *QUICK]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    row = methods_of(tmp_path / "out", "drach")["m"]
    assert (row["average_precision"] == "") == (kept == "no site") and row["average_precision_low"] == ""
    assert report(["evaluation", "--dir", str(tmp_path / "out"), "--outdir", str(tmp_path / "q")]) == 0


def test_baselines_that_learn_shuffled_labels_stay_at_prevalence(
    world: World, evaluate: Callable[..., int], tmp_path: Path
) -> None:
    """Stated bound: |average precision − prevalence| ≤ 0.1 (fixed seed, about 280 candidates, 80 sites)."""
    store, rows = TokenStore.open(world.store), drach_rows(world)
    labels = np.array(store.label("m6a"))
    candidate = np.isin(np.arange(len(labels)), drach_tokens(store))
    labels[candidate] = np.random.default_rng(1).permutation(labels[candidate])
    add_labels(store, tmp_path / "store", {"m6a": (LabelSpec("token"), [labels])})
    path = world.write_scores(tmp_path / "s.parquet", knowing(world, 2.0, 1)[rows], rows)
    words = ["--store", tmp_path / "store", "--folds", world.folds, "--scores", f"m={path}", "--no-leakage", *QUICK]
    assert evaluate("sites", *words, "--outdir", tmp_path / "out") == 0
    found = methods_of(tmp_path / "out", "drach")
    for row in found.values():
        assert abs(float(row["average_precision"]) - float(row["prevalence"])) <= 0.1, row["method"]
    assert {"k-mer logistic regression", "k-mer gradient boosting"} <= set(found)


def drach_tokens(store: TokenStore) -> np.ndarray:
    contexts = row_contexts(store.tokenizer.middle_letters()[store.tokens], store.offsets)
    return members(contexts, "drach").nonzero()[0]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--scores", "nothing"], 2, "is not NAME=FILE"),
        (["--scores", "m=absent.parquet"], 65, "absent.parquet: no such file"),
        (["--scores", "m={scores}", "--scores", "m={scores}"], 65, "share their place"),
        (["--scores", "m={scores}", "--reference", "x"], 2, "no scores have that name"),
        (["--scores", "m={scores}", "--peer", "m={scores}"], 2, "a model of --scores has that name"),
        (["--scores", "m={scores}", "--task", "pseudouridine"], 65, "no labels of task"),
        (["--scores", "m={scores}", "--train-store", "{store}"], 2, "contradict each other"),
        (["--scores", "m={scores}", "--corpus", "{store}", "--no-leakage"], 2, "--corpus has no effect"),
        (["--scores", "m={scores}", "--peer", "p={peer}"], 65, "no column 'strand'"),
        (["--scores", "m={strand}"], 65, "strand.parquet row 1, column 'strand': '.' is not + or -"),
        (["--scores", "m={nan}"], 65, "nan.parquet row 1, column 'probability': 'nan' is no finite number"),
        (["--scores", "m={inf}"], 65, "inf.parquet row 4, column 'logit': 'inf' is no finite number"),
        (["--scores", "m={scores}", "--peer", "p={words}"], 65, "line 2, column 'start0': 'x' is no whole number"),
        (["--scores", "m={elsewhere}"], 65, "None of the scored places"),
        (["--scores", "m={empty}"], 65, "holds no row"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    world: World,
    evaluate: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    message: str,
) -> None:
    scores = pl.read_parquet(world.write_scores(tmp_path / "scores.parquet", knowing(world, 1.0, 1)))
    changed: dict[str, Any] = {
        "strand": scores.with_columns(strand=pl.lit(".")),
        "nan": scores.with_columns(probability=pl.lit(float("nan"))),
        "inf": scores.with_columns(logit=pl.when(pl.int_range(pl.len()) == 3).then(np.inf).otherwise("logit")),
        "elsewhere": scores.with_columns(chrom=pl.lit("chr9")),
        "empty": scores[:0],
    }
    names = {"scores": tmp_path / "scores.parquet", "store": world.store, "peer": tmp_path / "peer.tsv"}
    names["words"] = tmp_path / "words.tsv"
    names["peer"].write_text("chrom\tstart0\tscore\nchr1\t5\t0.1\n")
    names["words"].write_text("chrom\tstart0\tstrand\tscore\nchr1\tx\t+\t0.1\n")
    for name, table in changed.items():
        names[name] = tmp_path / f"{name}.parquet"
        table.write_parquet(names[name])
    given = [word.format(**names) for word in words]
    assert evaluate("sites", "--store", world.store, "--folds", world.folds, *given, "--outdir", tmp_path / "q") == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error and error.startswith("ribolm-evaluate: error: ")
    assert not (tmp_path / "q").exists()
