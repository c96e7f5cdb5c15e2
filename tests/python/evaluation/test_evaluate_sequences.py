"""`ribolm-evaluate sequences`: metrics are scikit-learn's, floors are fitted on other folds, bad input is refused."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from ribolm.alphabet import letters
from ribolm.cli.evaluate import main
from ribolm.cli.report import main as report
from ribolm.evaluation.bootstrap import bootstrap
from ribolm.evaluation.metrics import RankedCounts, rank
from ribolm.evaluation.sequence_level.floors import hexamer_rule
from ribolm.evaluation.sequence_level.thresholds import METRICS, Confusion, intervals
from ribolm.files import sha256_of
from ribolm.labels.folds import Folds, write_folds
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

N, WIDTH, HEXAMER0 = 240, 60, 20


def some_windows() -> tuple[np.ndarray, np.ndarray]:
    """Windows with a hexamer; positives hold TGTGT behind it, most of them."""
    rng = np.random.default_rng(12)
    windows = rng.choice(np.frombuffer(b"ACGT", np.uint8), (N, WIDTH))
    windows[:, HEXAMER0 : HEXAMER0 + 6] = letters("AATAAA")
    windows[::3, HEXAMER0 : HEXAMER0 + 6] = letters("ATTAAA")
    is_positive = np.arange(N) % 2 == 0
    planted = is_positive & (rng.random(N) < 0.8)
    windows[planted, 40:45] = letters("TGTGT")
    return windows, is_positive


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """store, folds.tsv and scores.tsv (name, logit, probability), one score wrong."""
    out = tmp_path_factory.mktemp("sequences")
    windows, is_positive = some_windows()
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(out / "store", tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for row, (window, label) in enumerate(zip(windows, is_positive, strict=True)):
            writer.add(tokenizer.encode(window), f"w{row}", None, {"polya": label})
    unit = np.arange(N) // 4
    names = TokenStore.open(out / "store").names(("name", "chrom"))
    write_folds(out / "folds.tsv", names, Folds(unit % 3, unit))
    score = np.random.default_rng(1).normal(size=N) + 1.5 * is_positive
    lines = [f"w{i}\t{z}\t{1 / (1 + np.exp(-z))}\n" for i, z in enumerate(score.tolist())]
    (out / "scores.tsv").write_text("name\tlogit\tprobability\n" + "".join(lines))
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_metrics_at_a_threshold_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    truth, called, cluster = rng.random(500) < 0.3, rng.random(500) < 0.4, rng.integers(80, size=500)
    found = Confusion.of(truth, called, cluster).metrics()
    wanted = {"accuracy": sk.accuracy_score(truth, called)}
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        wanted[name], wanted[f"macro_{name}"] = score(truth, called), score(truth, called, average="macro")
    assert found == pytest.approx(wanted, abs=1e-12) and tuple(found) == METRICS
    nothing = Confusion.of(truth, np.zeros(500, dtype=bool)).metrics()
    assert np.isnan(nothing["precision"]) and nothing["recall"] == 0 and nothing["f1"] == 0


def test_intervals_draw_the_same_families_as_those_of_the_ranking() -> None:
    rng = np.random.default_rng(5)
    truth, cluster = rng.random(300) < 0.5, rng.integers(40, size=300)
    called = truth ^ (rng.random(300) < 0.2)
    auc = bootstrap({"m": [rank(truth, called, cluster)]}, 40, {"auc": RankedCounts.roc_auc}, 200, 3)
    found = Confusion.of(truth, called, cluster)
    recall = found.draws(200, 3)[:, METRICS.index("macro_recall")]
    np.testing.assert_allclose(recall, auc.draws["m"][:, 0], atol=1e-12)  # of two values: balanced accuracy
    one = intervals([found], 200, 3)["recall"]
    assert one.low < one.value < one.high


def test_a_model_stands_beside_floors_that_never_saw_its_windows(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--store", folder / "store", "--folds", folder / "folds.tsv", "--outdir", tmp_path / "o"]
    scores = ["--scores", f"mine={folder / 'scores.tsv'}", "--anchor0", HEXAMER0 + 3, "--draws", "50"]
    assert main(["sequences", *map(str, [*arguments, *scores])]) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert list(methods) == ["mine", "4-mer regression", "small network", "hexamer rule", "shuffled labels"]
    _, is_positive = some_windows()
    score = np.array([float(row["logit"]) for row in rows_of(folder / "scores.tsv")])
    mine = methods["mine"]
    assert float(mine["roc_auc"]) == pytest.approx(sk.roc_auc_score(is_positive, score), abs=1e-5)
    assert float(mine["macro_f1"]) == pytest.approx(sk.f1_score(is_positive, score > 0, average="macro"), abs=1e-5)
    assert float(mine["roc_auc_low"]) < float(mine["roc_auc"]) < float(mine["roc_auc_high"])
    assert float(methods["4-mer regression"]["roc_auc"]) > 0.75 and int(mine["n_clusters"]) == N // 4
    assert methods["hexamer rule"]["accuracy"] == "" and int(methods["hexamer rule"]["parameters"]) == 0
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert {row["averaging"] for row in content["metrics"]} == {"ranking", "all", "positive class", "macro"}
    strata = rows_of(tmp_path / "o" / "strata.tsv")
    assert {row["name"] for row in strata} == {"AATAAA", "ATTAAA"} and len(strata) == 2 * 4
    differences = rows_of(tmp_path / "o" / "differences.tsv")
    assert {row["other"] for row in differences} == set(methods) - {"mine"}
    assert report(["evaluation", "--dir", str(tmp_path / "o"), "--outdir", str(tmp_path / "q")]) == 0
    sections = {path.name for path in (tmp_path / "q").iterdir()}
    wanted = ("methods", "published", "curves", "differences", "hexamers")
    assert sections == {f"window_{name}_mqc.json" for name in wanted}
    shown = json.loads((tmp_path / "q" / "window_methods_mqc.json").read_text())
    assert set(shown["data"]) == set(methods)
    note = "Intervals are rough: they come of only 50 draws (take 1,000)."
    assert note in shown["description"] and capsys.readouterr().err.count(note) == 1
    shutil.copytree(tmp_path / "o", tmp_path / "p")
    assert report(["evaluation", *(f"--dir={tmp_path / name}" for name in "op"), "--outdir", str(tmp_path / "r")]) == 0
    both = json.loads((tmp_path / "r" / "window_methods_mqc.json").read_text())["data"]
    assert set(both) == {f"{name}: {method}" for name in "op" for method in methods}
    tabs = json.loads((tmp_path / "r" / "window_curves_mqc.json").read_text())["pconfig"]["data_labels"]
    assert len(tabs) == 4 and tabs[2]["name"].startswith("p: ROC")
    hexamers = json.loads((tmp_path / "r" / "window_hexamers_mqc.json").read_text())["data"]
    assert set(hexamers) == {f"{name}: {hexamer}" for name in "op" for hexamer in ("AATAAA", "ATTAAA")}


@pytest.mark.parametrize(
    ("by", "units"),
    [("gene", "clusters of overlapping genes"), ("similarity", "families of similar sequences"),
     ("", "units of the table of folds")],
)  # fmt: skip
def test_numbers_and_report_name_what_the_folds_were_dealt_by(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str, units: str
) -> None:
    unit = np.arange(N) // 4
    names = TokenStore.open(folder / "store").names(("name", "chrom"))
    write_folds(tmp_path / "folds.tsv", names, Folds(unit % 3, unit, by))
    arguments = ["--store", folder / "store", "--folds", tmp_path / "folds.tsv", "--outdir", tmp_path / "o"]
    scores = ["--scores", f"mine={folder / 'scores.tsv'}", "--no-baselines", "--draws", "20"]
    assert main(["sequences", *map(str, [*arguments, *scores])]) == 0
    assert f"{N // 4} {units}" in capsys.readouterr().err
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert content["split"] == f"3 folds of whole {units}" and content["units"] == units
    assert content["settings"]["folds_by"] == (by or None)
    assert report(["evaluation", "--dir", str(tmp_path / "o"), "--outdir", str(tmp_path / "q")]) == 0
    shown = json.loads((tmp_path / "q" / "window_methods_mqc.json").read_text())
    assert f"a bootstrap over {units}." in shown["description"] and shown["headers"]["n_clusters"]["title"] == "Units"
    assert f"draws of {units}." in (tmp_path / "q" / "window_differences_mqc.json").read_text()


def test_an_evaluation_of_an_earlier_version_is_reported_without_naming_its_units(folder: Path, tmp_path: Path) -> None:
    arguments = ["--store", folder / "store", "--outdir", tmp_path / "o", "--scores", f"mine={folder / 'scores.tsv'}"]
    assert main(["sequences", *map(str, arguments), "--no-baselines", "--draws", "20"]) == 0
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert content.pop("units") == "families of similar sequences" and content["split"] == "not trained on"
    (tmp_path / "o" / "metrics.json").write_text(json.dumps(content))
    assert report(["evaluation", "--dir", str(tmp_path / "o"), "--outdir", str(tmp_path / "q")]) == 0
    shown = json.loads((tmp_path / "q" / "window_methods_mqc.json").read_text())
    assert "a bootstrap over what folds keep whole." in shown["description"]


def test_seeds_are_averaged_and_floors_may_learn_from_another_store(folder: Path, tmp_path: Path) -> None:
    scores = [f"m@{seed}={folder / 'scores.tsv'}" for seed in (1, 2)]
    more = ["--train-store", folder / "store", "--draws", "10", "--outdir", tmp_path / "o", "--seed", 2**63 - 1]
    arguments = ["--store", folder / "store", "--scores", scores[0], "--scores", scores[1], *more]
    assert main(["sequences", *map(str, arguments)]) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert methods["m"]["seeds"] == "2" and float(methods["m"]["roc_auc_seed_sd"]) == 0
    assert float(methods["4-mer regression"]["roc_auc"]) > 0.95  # it was fitted on these very windows


def told_scores(folder: Path, out: Path, store: str, folds: str, held_out: int) -> Path:
    """The scores with the word of a model that was trained on a store by a table of folds but for one of them."""
    header, *lines = (folder / "scores.tsv").read_text().splitlines()
    word = f"{store[:16]}:{folds[:16]}:{held_out}"
    out.write_text(f"{header}\ttrained_on\n" + "".join(f"{line}\t{word}\n" for line in lines))
    return out


def test_windows_that_a_model_was_trained_on_are_counted_and_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folds = TokenStore.open(folder / "store").digest, sha256_of(folder / "folds.tsv")
    arguments = ["--store", folder / "store", "--folds", folder / "folds.tsv", "--no-baselines", "--draws", "0"]
    named = {
        "seen": told_scores(folder, tmp_path / "seen.tsv", store, folds, 0),
        "other": told_scores(folder, tmp_path / "other.tsv", "e" * 64, folds, 0),
    }
    scores = [word for name, path in named.items() for word in ("--scores", f"{name}={path}")]
    assert main(["sequences", *map(str, [*arguments, *scores, "--outdir", tmp_path / "o"])]) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert methods["seen"]["n_seen"] == str(N * 2 // 3) and methods["other"]["n_seen"] == ""
    error = capsys.readouterr().err
    assert "scores 'seen': 160 of 240 sequences were seen in training" in error and "n = 240, 160 of them seen" in error
    assert "scores 'other': nothing is known" in error
    assert report(["evaluation", "--dir", str(tmp_path / "o"), "--outdir", str(tmp_path / "q")]) == 0
    shown = json.loads((tmp_path / "q" / "window_methods_mqc.json").read_text())
    assert shown["data"]["seen"]["n_seen"] == 160


def test_scores_of_folds_that_each_model_held_out_are_unseen(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folds = TokenStore.open(folder / "store").digest, sha256_of(folder / "folds.tsv")
    arguments = ["--store", folder / "store", "--folds", folder / "folds.tsv", "--no-baselines", "--draws", "0"]
    for fold in range(3):
        path = told_scores(folder, tmp_path / f"{fold}.tsv", store, folds, fold)
        header, *lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([header, *(line for i, line in enumerate(lines) if i // 4 % 3 == fold)]))
        arguments += ["--scores", f"m={path}"]
    assert main(["sequences", *map(str, [*arguments, "--outdir", tmp_path / "o"])]) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert methods["m"]["n_seen"] == "0" and "seen in training" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\tlogit\nw1\t0\nw1\t1\n", "'w1' occurs twice"),
        ("name\tplace\nw1\t0\n", "no column 'name' or no score"),
        ("name\tlogit\n\nw1\tx\n", "s.tsv line 3, column 'logit': 'x' is no finite number"),
        ("name\tlogit\nw1\t-inf\nw2\tnan\n", "s.tsv line 2, column 'logit': '-inf' is no finite number (and 1 more)"),
        ("name\tlogit\tprobability\nw1\tnan\t0.5\n", "s.tsv line 2, column 'logit': 'nan' is no finite number"),
        ("name\tprobability\nw1\t1.5\n", "s.tsv line 2, column 'probability': '1.5' is not between 0 and 1"),
        ("name\tlogit\nw1\t1\nw2\n", "s.tsv line 3: has 1 columns, the first line 2"),
        ("name\tlogit\nelse\t1\n", "No sequence of the store is named"),
    ],
)
def test_scores_that_do_not_fit_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "s.tsv").write_text(text)
    arguments = ["--store", folder / "store", "--scores", f"m={tmp_path / 's.tsv'}", "--outdir", tmp_path / "o"]
    assert main(["sequences", *map(str, arguments)]) == 65
    assert message in capsys.readouterr().err and not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--anchor", "cleavage"], "--anchor says what --anchor0 is"),
        (["--anchor", "cleavage", "--anchor0", "23", "--no-baselines"], "--anchor cleavage has no effect"),
        (["--train-store", "s", "--no-baselines"], "--train-store has no effect with --no-baselines"),
    ],
)
def test_options_without_effect_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    arguments = ["--store", folder / "store", "--scores", f"m={folder / 'scores.tsv'}", "--outdir", tmp_path / "o"]
    assert main(["sequences", *map(str, arguments), *more]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_a_threshold_that_calls_nothing_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.tsv").write_text("name\tlogit\n" + "".join(f"w{i}\t{i % 7}\n" for i in range(N)))
    arguments = ["--store", folder / "store", "--scores", f"m={tmp_path / 's.tsv'}", "--outdir", tmp_path / "o"]
    assert main(["sequences", *map(str, arguments), "--threshold", "0.7", "--draws", "0"]) == 0
    assert "scores 'm': hold no probability, so that --threshold calls" in capsys.readouterr().err


def test_a_hexamer_outside_of_the_windows_is_refused_by_the_option_that_was_given(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--store", folder / "store", "--scores", f"m={folder / 'scores.tsv'}", "--outdir", tmp_path / "o"]
    for anchor0 in ("1", "58"):
        assert main(["sequences", *map(str, arguments), "--anchor0", anchor0, "--no-baselines"]) == 2
        assert f"--anchor0 {anchor0}: the hexamer around it lies outside the windows; give 3 to 57." in (
            capsys.readouterr().err
        )


def test_baselines_that_have_nothing_to_learn_from_are_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = TokenStore.open(folder / "store").names(("name", "chrom"))
    write_folds(tmp_path / "one.tsv", names, Folds(np.zeros(N, np.int64), np.arange(N)))
    arguments = ["--store", folder / "store", "--folds", tmp_path / "one.tsv", "--outdir", tmp_path / "o"]
    scored = [*map(str, arguments), "--scores", f"m={folder / 'scores.tsv'}", "--draws", "20"]
    assert main(["sequences", *scored]) == 0
    assert "no baseline is fitted: no fold leaves" in capsys.readouterr().err
    assert [row["method"] for row in rows_of(tmp_path / "o" / "methods.tsv")] == ["m", "shuffled labels"]
    assert main(["sequences", *map(str, arguments)]) == 2
    assert "--scores is missing, and no baseline can be fitted" in capsys.readouterr().err


def test_the_hexamer_rule_ranks_the_signal_where_it_may_stand() -> None:
    window = np.tile(letters("C"), (4, 101))
    for row, (hexamer, start0) in enumerate((("AATAAA", 30), ("ATTAAA", 15), ("AGAATA", 40), ("AATAAA", 45))):
        window[row, start0 : start0 + 6] = letters(hexamer)
    assert hexamer_rule(window, 50, "cleavage").tolist() == [18, 17, 1, 0]
    assert hexamer_rule(window, 33, "hexamer").tolist() == [18, 0, 0, 0]
