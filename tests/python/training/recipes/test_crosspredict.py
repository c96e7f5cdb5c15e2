from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ribolm.errors import DataError, Stopped, UsageError
from ribolm.training import faults
from ribolm.training.machine.distributed import World
from ribolm.training.machine.fitting import Fitting
from ribolm.training.machine.precision import Device
from ribolm.training.recipes.crosspredict import CrossPrediction, Place, cross_predict


class ByToken(nn.Module):
    """A network that knows nothing but the token: logits from a table."""

    def __init__(self, logits: dict[int, float]) -> None:
        super().__init__()
        table = torch.zeros(10)
        for token, logit in logits.items():
            table[token] = logit
        self.table = nn.Parameter(table)

    def forward(self, sequences, selected):
        return self.table[sequences.tokens][selected][:, None]


@dataclass
class Teacher:
    """A fit that notes what it is given; its networks answer with the share of 1 among the labels of each token."""

    rows: object
    calls: list = field(default_factory=list)

    def __call__(self, stage, rows, labels, folder: Path) -> nn.Module:
        self.calls.append((stage, rows.tolist(), folder))
        place = np.concatenate([np.arange(*self.rows.offsets[row : row + 2]) for row in rows])
        found, tokens = labels[place], self.rows.tokens[place]
        shares = {token: np.nanmean(found[tokens == token]) for token in (4, 5, 6, 7)}
        return ByToken({token: float(np.log(p + 1e-4) - np.log1p(1e-4 - p)) for token, p in shares.items()})


@pytest.fixture
def setting(make_rows, tmp_path):
    """Rows with one A in three known to be a site, the other A unknown, everything else certainly none."""
    rows = make_rows(40)
    labels = np.zeros(len(rows.tokens), np.float32)
    labels[rows.tokens == 8] = np.nan
    is_a = np.flatnonzero(rows.tokens == 4)
    labels[is_a] = np.nan
    labels[is_a[::3]] = 1
    unit = np.arange(40) // 4
    return rows, labels, unit, tmp_path / "cross"


def run(setting, teacher, stopped=lambda: None, tokens=200, **changes):
    rows, labels, unit, folder = setting
    train = np.arange(32)
    plan = CrossPrediction(**{"mode": "soft", "seed": 1, "key": "k", **changes})
    place = Place(World(), Device("cpu", "cpu", "fp32"), Fitting(folder / "fitting.json", tokens), stopped)
    bases = rows.tokenizer.base_ids
    return cross_predict(plan, rows, labels, bases, train, unit[train], teacher, folder, place)


def test_each_fold_is_predicted_by_a_model_of_the_other_and_only_where_unknown(setting) -> None:
    rows, labels, unit, folder = setting
    teacher = Teacher(rows)
    targets = run(setting, teacher)
    (first, of_first, where), (second, of_second, _) = teacher.calls
    assert (first, second, where) == ("round_1/fold_0", "round_1/fold_1", folder / "round_1/fold_0")
    assert sorted(of_first + of_second) == list(range(32))
    assert not set(unit[of_first]) & set(unit[of_second])  # genes stay together
    for mine, others in ((of_second, of_first), (of_first, of_second)):
        place = np.concatenate([np.arange(*rows.offsets[row : row + 2]) for row in mine])
        other = np.concatenate([np.arange(*rows.offsets[row : row + 2]) for row in others])
        known = ~np.isnan(labels[place])
        np.testing.assert_array_equal(targets[place][known], labels[place][known])
        share = np.mean(labels[other][rows.tokens[other] == 4] == 1)  # the first round takes the unknown for negative
        unknown = np.isnan(labels[place]) & (rows.tokens[place] == 4)
        assert unknown.any() and targets[place][unknown] == pytest.approx(share, abs=1e-3)
        assert np.isnan(targets[place][rows.tokens[place] == 8]).all()  # N is never judged
    untouched = np.arange(rows.offsets[32], rows.offsets[40])  # no row of the training split
    np.testing.assert_array_equal(np.isnan(targets[untouched]), np.isnan(labels[untouched]))


def test_later_rounds_learn_from_the_predictions_before(setting) -> None:
    rows, labels, *_ = setting
    teacher = Teacher(rows)
    once, twice = run(setting, teacher), run(setting, teacher, rounds=2)
    # The first round is the product of the first call; only the second is trained.
    assert [stage for stage, *_ in teacher.calls[2:]] == ["round_2/fold_0", "round_2/fold_1"]
    unknown = np.flatnonzero(np.isnan(labels) & (rows.tokens == 4) & (np.arange(len(labels)) < rows.offsets[32]))
    # A third is known, a third of the rest is believed: 1/3 + 2/3 · 1/3.
    assert np.mean(once[unknown]) == pytest.approx(1 / 3, abs=0.05)
    assert np.mean(twice[unknown]) == pytest.approx(5 / 9, abs=0.06)


def test_hard_labels_are_whole(setting) -> None:
    rows, labels, *_ = setting
    targets = run(setting, Teacher(rows), mode="hard")
    unknown = np.flatnonzero(np.isnan(labels) & (rows.tokens == 4) & (np.arange(len(labels)) < rows.offsets[32]))
    assert (targets[unknown] == 0).all()  # a third is less than a half


def test_finished_stages_are_reused_and_those_of_another_plan_are_not(setting) -> None:
    rows, _, _, folder = setting
    teacher = Teacher(rows)
    expected = run(setting, teacher)[:]
    np.testing.assert_array_equal(run(setting, teacher)[:], expected)
    assert len(teacher.calls) == 2
    run(setting, teacher, key="other data")
    assert len(teacher.calls) == 4
    values = np.load(folder / "round_1/predicted.npy", mmap_mode="r+")
    values[~np.isnan(values)] = 0.123  # bytes that are not those of the record
    values.flush()
    np.testing.assert_array_equal(run(setting, teacher, key="other data")[:], expected)
    assert len(teacher.calls) == 6


def test_predictions_do_not_depend_on_the_batches(setting) -> None:
    rows = setting[0]
    expected = run(setting, Teacher(rows))[:]
    np.testing.assert_array_equal(run(setting, Teacher(rows), tokens=5000, key="again")[:], expected)


def test_a_signal_stops_and_the_next_call_goes_on(setting) -> None:
    rows = setting[0]
    teacher, asked = Teacher(rows), []

    def stop_in_second_fold():
        asked.append(None)
        return "SIGTERM" if len(teacher.calls) == 2 and len(asked) > 3 else None

    with pytest.raises(Stopped, match="SIGTERM during cross-prediction"):
        run(setting, teacher, stop_in_second_fold)
    targets = run(setting, teacher)[:]
    assert [stage for stage, *_ in teacher.calls] == ["round_1/fold_0", "round_1/fold_1", "round_1/fold_1"]
    setting[3].rename(setting[3].with_name("cut"))
    np.testing.assert_array_equal(targets, run(setting, Teacher(rows))[:])


@pytest.mark.parametrize("fault", ["cross.batch@2=full", "cross.product@1=full", "cross.product@2=full"])
def test_a_failure_at_any_point_costs_no_finished_stage(setting, fault) -> None:
    rows = setting[0]
    teacher = Teacher(rows)
    faults.plan(fault)
    with pytest.raises(OSError):
        run(setting, teacher)
    faults.plan("")
    finished = 1 if fault.endswith("product@2=full") else 0
    n_before = len(teacher.calls)
    targets = run(setting, teacher)[:]
    assert len(teacher.calls) == n_before + 2 - finished
    setting[3].rename(setting[3].with_name("cut"))
    np.testing.assert_array_equal(targets, run(setting, Teacher(rows))[:])


def test_rows_that_cannot_be_split_are_refused_before_any_training(setting) -> None:
    rows, labels, unit, folder = setting
    teacher = Teacher(rows)
    with pytest.raises(DataError, match=r"cannot be split into 2 parts .*--unlabeled as_negative or ignore_unlabeled"):
        run((rows, labels, unit * 0, folder), teacher)
    assert not teacher.calls and not folder.exists()


def test_plans_without_predictions_are_refused() -> None:
    for mode in ("as_negative", "ignore_unlabeled"):
        with pytest.raises(UsageError, match="soft, hard"):
            CrossPrediction(mode, 1, "k")
    with pytest.raises(UsageError, match="two folds"):
        CrossPrediction("soft", 1, "k", folds=1)
