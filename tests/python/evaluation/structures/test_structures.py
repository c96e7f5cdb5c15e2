import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.cli.evaluate import main
from ribolm.errors import DataError
from ribolm.evaluation.structures.assessment import StructurePlan, assess_partners
from ribolm.evaluation.structures.measures import METRICS, Groups, measure, resample
from ribolm.evaluation.structures.pair_counts import count_pairs
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_prediction, read_reference
from ribolm.evaluation.structures.threshold_curve import ThresholdCurve
from ribolm.files import sha256_of
from ribolm.labels.structure.dot_bracket import parse_brackets
from ribolm.labels.structure.listed import ListedPairs
from ribolm.labels.structure.pairs import Structure

TRUTH = (
    ">a_1\nGGGGAAAACCCC\n((((....))))\n>a_2\nGGGAAAACCCAA\n(((....)))..\n>b_1\nGGAAAACC\n((....))\n>b_2\nAAAA\n....\n"
)
PRED = (
    ">b_1\nGGAAAACC\n........\n>a_2\nGGGAAAACCCAA\n(((....)))..\n>a_1\nGGGGAAAACCCC\n.(((....))).\n>b_2\nAAAA\n....\n"
)


def write(folder: Path, **files: str) -> dict[str, Path]:
    paths = {name: folder / f"{name}.dbn" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    return paths


def test_counts_of_hits_misses_and_neighbours() -> None:
    truth = parse_brackets("((((....))))[..]")
    shifted = parse_brackets("(((.....))).[..]")
    counts = count_pairs([truth, truth], [truth, shifted])
    assert counts.true.tolist() == [5, 5] and counts.predicted.tolist() == [5, 4]
    assert counts.hits.tolist() == [5, 1]
    assert counts.near_predicted.tolist() == [5, 4] and counts.near_true.tolist() == [5, 5]


def test_the_first_and_the_last_base_have_one_neighbour() -> None:
    truth, none = parse_brackets("(...)"), np.full(5, -1)
    counts = count_pairs([truth, none, truth], [none, truth, parse_brackets(".(..)")])
    assert counts.near_predicted.tolist() == [0, 0, 1] and counts.near_true.tolist() == [0, 0, 1]
    assert counts.hits.tolist() == [0, 0, 0]


def test_numbers_by_hand() -> None:
    truths = [parse_brackets(t) for t in ("((((....))))", "(((....)))..", "((....))")]
    predicted = [parse_brackets(t) for t in (".(((....))).", "(((....)))..", "........")]
    counts = count_pairs(truths, predicted)
    [values] = measure(counts, np.ones((1, 3)), np.array([0, 0, 1]))
    found = dict(zip(METRICS, values, strict=True))
    f1 = [2 * 0.75 / 1.75, 1.0, 0.0]
    assert counts.hits.tolist() == [3, 3, 0]
    assert found["f1"] == pytest.approx(np.mean(f1)) and found["family_f1"] == pytest.approx((np.mean(f1[:2]) + 0) / 2)
    assert found["precision"] == pytest.approx(2 / 3) and found["recall"] == pytest.approx(1.75 / 3)
    assert found["pooled_precision"] == 1 and found["pooled_recall"] == pytest.approx(6 / 9)
    assert found["pooled_f1"] == pytest.approx(2 * 6 / (6 + 9))


def test_draws_are_those_of_rnas_written_out() -> None:
    rng = np.random.default_rng(1)
    truths = [
        parse_brackets("((((....))))"[k % 3 :] + "." * (k % 3)) if not k % 3 else parse_brackets("((...))")
        for k in range(9)
    ]
    predicted = [t if rng.random() < 0.5 else np.full(len(t), -1) for t in truths]
    counts, family = count_pairs(truths, predicted), np.arange(9) % 2
    drawn = rng.integers(9, size=9)
    weights = np.bincount(drawn, minlength=9)[None].astype(float)
    [by_weight] = measure(counts, weights, family)
    [written_out] = measure(counts.take(drawn), np.ones((1, 9)), family[drawn])
    assert by_weight == pytest.approx(written_out)


def test_equal_sequences_are_drawn_together_and_draws_pair() -> None:
    counts = count_pairs(
        [parse_brackets("(...)")] * 4, [parse_brackets(t) for t in ("(...)", "(...)", ".....", ".....")]
    )
    one = Groups(np.zeros(4, dtype=np.int64), np.full(4, -1))
    assert resample({"m": counts}, one, 50, 1).interval("m", "f1").low is None
    two = Groups(np.array([0, 0, 1, 1]), np.full(4, -1))
    draws = resample({"m": counts, "same": counts}, two, 200, 1)
    assert set(np.round(draws.draws["m"][:, 0], 6)) == {0.0, 0.5, 1.0}
    same = draws.difference("m", "same", "f1")
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert draws.interval("m", "family_f1").value is None


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(8, 15), st.integers(0, 1000)), unique_by=lambda pair: pair[:2])
)
def test_the_curve_counts_what_lies_at_or_above_each_threshold(listed: list[tuple[int, int, int]]) -> None:
    truth = parse_brackets("(((....." + ".....)))")
    columns = np.array(listed, dtype=np.int64).reshape(-1, 3)
    pairs = ListedPairs(columns[:, 0], columns[:, 1], columns[:, 2] / 1000)
    curve = ThresholdCurve()
    curve.add(truth, pairs)
    thresholds, precision, recall = curve.points()
    for at in (0, 1, 500, 1000):
        taken = columns[:, 2] >= at
        hits = (truth[pairs.i0[taken]] == pairs.j0[taken]).sum()
        assert thresholds[at] == at / 1000 and recall[at] == pytest.approx(hits / 3)
        assert precision[at] == pytest.approx(hits / taken.sum() if taken.any() else 0)
    best = curve.best()
    f1 = [2 * p * r / (p + r) if p + r else 0 for p, r in zip(precision, recall, strict=True)]
    assert best.f1 == pytest.approx(max(f1)) and f1[round(best.threshold * 1000)] == pytest.approx(best.f1)


def test_a_matrix_gives_the_curve_of_its_list() -> None:
    p = np.zeros((5, 5), dtype=np.float32)
    p[0, 4] = p[4, 0] = 0.8
    curve = ThresholdCurve()
    curve.add_matrix(parse_brackets("(...)"), p)
    assert curve.best()[:2] == (1.0, 0.8) and ThresholdCurve().best().f1 == 0


@pytest.mark.parametrize(("pred", "message"), [
    (PRED.replace("b_1", "c_1"), r"pred.dbn: has no prediction of 1 RNAs \('b_1'\)"),
    (PRED + ">c\nAC\n..\n", r"pred.dbn: 1 RNAs \('c'\) not in truth.dbn"),
    (PRED.replace("GGAAAACC\n........", "GGAAAAC\n......."), "record 'b_1': has 7 nt, but the reference has 8"),
    (PRED.replace("\nGGAAAACC\n", "\nGGAAUACC\n"), "record 'b_1', position 5: is U, but the reference has A"),
])  # fmt: skip
def test_records_that_do_not_match_are_refused_by_name(tmp_path: Path, pred: str, message: str) -> None:
    paths = write(tmp_path, truth=TRUTH, pred=pred)
    with pytest.raises(DataError, match=message):
        read_prediction(paths["pred"], read_reference(paths["truth"]))


def test_n_stands_for_any_letter_and_rnas_without_pairs_may_be_missing(tmp_path: Path) -> None:
    pred = PRED.replace("GGAAAACC", "GGNNAACC").replace(">b_2\nAAAA\n....\n", "")
    paths = write(tmp_path, truth=TRUTH, pred=pred)
    assert len(read_prediction(paths["pred"], read_reference(paths["truth"]))) == 3


def test_the_command_works_on_anybodys_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(tmp_path, truth=TRUTH, pred=PRED, other=TRUTH)
    out = tmp_path / "metrics.json"
    files = ["--truth", str(paths["truth"]), "--pred", str(paths["pred"]), "--pred-b", str(paths["other"])]
    options = ["--families", "prefix", "--table", str(tmp_path / "rnas.tsv"), "--draws", "50", "--split", "test"]
    assert main(["structure", *files, "--out", str(out), *options]) == 0
    told = capsys.readouterr()
    assert "1 of 4 RNAs have no reference pair and are left out" in told.err and "Intervals are rough" in told.err
    assert (
        told.out.splitlines()[0].split() == "prediction RNAs F1 precision recall F1 ±1 pooled F1 F1 by family".split()
    )
    assert "F1 of pred minus other: -0.381" in told.out
    content = json.loads(out.read_text())
    assert content["rnas"] == {"scored": 3, "without_reference_pairs": 1}
    row = next(r for r in content["metrics"] if r["metric"] == "f1" and r["method"] == "pred")
    assert row["value"] == pytest.approx(0.619, abs=1e-3) and row["low"] <= row["value"] <= row["high"]
    assert row["n"] == 3 and row["split"] == "test" and "pseudoknots included" in row["universe"]
    assert {r["name"] for r in content["strata"]} == {"0-49", "a", "b"}
    assert (tmp_path / "rnas.tsv").read_text().splitlines()[1].startswith("a_1\ta\t12\tpred\t4\t3\t3\t")


def test_files_of_one_name_keep_a_digest_each(tmp_path: Path) -> None:
    texts = {"truth": "((...))", "one": "(.....)", "other": "......."}
    paths = {}
    for name, pairs in texts.items():
        (tmp_path / name).mkdir()
        paths[name] = tmp_path / name / "s.dbn"
        paths[name].write_text(f">a\nGGAAACC\n{pairs}\n")
    told = StructurePlan(paths["truth"], [paths["one"], paths["other"]]).settings()["sha256"]
    assert told["truth"] == sha256_of(paths["truth"]) and told["pairs"] is None
    assert told["predictions"] == [sha256_of(paths["one"]), sha256_of(paths["other"])]


def test_listed_pairs_are_decoded_and_their_best_threshold_is_called_optimistic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, truth=TRUTH)
    rows = "a_1\t0\t11\t0.9\na_1\t1\t10\t0.3\na_1\t0\t10\t0.7\nb_1\t0\t7\t0.95\nb_2\t0\t3\t0.2\n"
    (tmp_path / "p.tsv").write_text("name\ti0\tj0\tprobability\n" + rows)
    arguments = ["--truth", str(paths["truth"]), "--pairs", str(tmp_path / "p.tsv"), "--threshold", "0.25"]
    assert main(["structure", *arguments, "--out", str(tmp_path / "m.json"), "--draws", "10"]) == 0
    assert "p at 0.25: pooled F1 at most 0.462, at 0.3 (optimistic" in capsys.readouterr().out
    metrics = {(r["metric"], r["method"]): r for r in json.loads((tmp_path / "m.json").read_text())["metrics"]}
    assert metrics["pooled_f1", "p at 0.25"]["value"] == pytest.approx(2 * 3 / (3 + 9))
    assert metrics["pooled_max_f1", "p at 0.25"]["threshold"] == 0.3
    assert "optimistic" in metrics["pooled_max_f1", "p at 0.25"]["note"]


def test_listed_pairs_are_decoded_by_the_f1_that_they_promise(tmp_path: Path) -> None:
    paths = write(tmp_path, truth=TRUTH)
    rows = "a_1\t0\t11\t0.9\na_1\t1\t10\t0.1\nb_1\t0\t7\t0.1\n"
    (tmp_path / "p.tsv").write_text("name\ti0\tj0\tprobability\n" + rows)
    arguments = ["--truth", str(paths["truth"]), "--pairs", str(tmp_path / "p.tsv"), "--decoding", "expected_f1"]
    assert main(["structure", *arguments, "--out", str(tmp_path / "m.json"), "--table", str(tmp_path / "t.tsv")]) == 0
    header, *lines = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()]
    taken = {line[0]: line[header.index("predicted_pairs")] for line in lines}
    assert (taken["a_1"], taken["b_1"]) == ("1", "1"), "a doubtful pair is taken where there is no better one"
    assert {line[3] for line in lines} == {"p by expected F1"}


def test_no_record_is_a_valid_empty_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(tmp_path, truth="", pred="")
    arguments = ["--truth", str(paths["truth"]), "--pred", str(paths["pred"]), "--out", str(tmp_path / "m.json")]
    assert main(["structure", *arguments, "--families", "prefix"]) == 0
    assert "undefined" in capsys.readouterr().out
    assert all(r["value"] is None and r["n"] == 0 for r in json.loads((tmp_path / "m.json").read_text())["metrics"])


@pytest.mark.parametrize(("options", "code", "message"), [
    ([], 2, "Give --pred or --pairs"),
    (["--pred-b", "truth"], 2, "Give --pred."),
    (["--pred", "truth", "--threshold", "0.4"], 2, "--threshold has no effect"),
    (["--pred", "truth", "--canonical"], 2, "--canonical has no effect"),
    (["--pred", "absent"], 65, "no such file"),
    (["--pred", "truth", "--families", "absent"], 65, "no such file"),
    (["--pred", "truth", "--families", "families"], 65, "families: has no family of 2 RNAs ('a_2', 'b_1')"),
])  # fmt: skip
def test_bad_calls_are_refused_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, message: str
) -> None:
    paths = write(tmp_path, truth=TRUTH)
    (tmp_path / "families").write_text("name\tfamily\na_1\tx\n")
    named = {"truth": paths["truth"], "absent": tmp_path / "absent", "families": tmp_path / "families"}
    words = [str(named.get(word, word)) for word in options]
    assert main(["structure", "--truth", str(paths["truth"]), "--out", str(tmp_path / "m.json"), *words]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "m.json").exists()


def test_predictions_in_memory_are_measured_alike() -> None:
    structures = tuple(Structure.from_pairs(f"r{k}", "GGAAAACC" + "A" * k, [(0, 7), (1, 6)]) for k in range(30))
    reference = ReferenceSet("set", structures, (), ())
    half = [s.partner if k % 2 else np.full(len(s), -1) for k, s in enumerate(structures)]
    found = assess_partners(reference, {"all": reference.partners, "half": half}, draws=200)
    assert found.draws.interval("all", "f1").value == 1
    low, high = (getattr(found.draws.interval("half", "f1"), end) for end in ("low", "high"))
    assert low < 0.5 < high and found.interval_note is None
    [difference] = [row for row in found.difference_rows() if row["metric"] == "f1"]
    assert difference["difference"] == 0.5 and difference["low"] > 0 and difference["p_value"] < 0.05
