"""Losses against hand computations and torch's own."""

import math

import pytest
import torch
from torch.nn import functional

from ribolm.training.objectives.losses import LossSum, binary_loss, categorical_loss, huber_loss, squared_loss

NAN = math.nan


def mean(found: LossSum) -> float:
    return float(found.loss / found.weight)


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(50, 5, generator=torch.Generator().manual_seed(1)) * 3


@pytest.fixture
def classes() -> torch.Tensor:
    return torch.randint(0, 5, (50,), generator=torch.Generator().manual_seed(2))


def test_binary_loss_by_hand() -> None:
    found = binary_loss(torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 0.0]))
    assert float(found.loss) == pytest.approx(math.log(2) + math.log(4))  # -log 1/2 and -log(1 - 3/4)
    assert float(found.weight) == 2
    weighted = binary_loss(torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 0.0]), positive_weight=5.0)
    assert float(weighted.loss) == pytest.approx(5 * math.log(2) + math.log(4))
    assert float(weighted.weight) == 6


def test_soft_binary_target_is_a_mixture_of_both_hard_ones() -> None:
    logit = torch.tensor([0.7])
    yes, no = (binary_loss(logit, torch.tensor([target]), 4.0, 2.0) for target in (1.0, 0.0))
    soft = binary_loss(logit, torch.tensor([0.3]), 4.0, 2.0)
    assert float(soft.loss) == pytest.approx(0.3 * float(yes.loss) + 0.7 * float(no.loss))
    assert float(soft.weight) == pytest.approx(0.3 * 4 + 0.7)


def test_focal_binary_loss_by_hand() -> None:
    # p = 3/4: a positive is multiplied by (1/4)^2, a negative by (3/4)^2.
    logit = torch.full((2,), math.log(3))
    found = binary_loss(logit, torch.tensor([1.0, 0.0]), focal_gamma=2.0)
    assert float(found.loss) == pytest.approx(math.log(4 / 3) / 16 + math.log(4) * 9 / 16)
    assert float(found.weight) == 2


def test_binary_loss_equals_torchs(logits) -> None:
    targets = torch.rand(50, 5, generator=torch.Generator().manual_seed(3))
    weights = torch.tensor([1.0, 2.0, 0.5, 7.0, 1.0])
    expected = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights, reduction="sum")
    assert float(binary_loss(logits, targets, weights).loss) == pytest.approx(float(expected), rel=1e-6)
    smoothed = functional.binary_cross_entropy_with_logits(logits, targets * 0.9 + 0.05, reduction="sum")
    assert float(binary_loss(logits, targets, smoothing=0.1).loss) == pytest.approx(float(smoothed), rel=1e-6)


def test_categorical_loss_equals_torchs(logits, classes) -> None:
    weights = torch.tensor([1.0, 2.0, 0.5, 7.0, 1.0])
    for smoothing in (0.0, 0.1):
        expected = functional.cross_entropy(logits, classes, weight=weights, label_smoothing=smoothing)
        for targets in (classes, classes.float()):
            found = categorical_loss(logits, targets, weights, smoothing=smoothing)
            assert mean(found) == pytest.approx(float(expected), rel=1e-5)
        plain = functional.cross_entropy(logits, classes, label_smoothing=smoothing)
        for targets in (classes, classes.float(), functional.one_hot(classes, 5).float()):
            assert mean(categorical_loss(logits, targets, smoothing=smoothing)) == pytest.approx(float(plain), rel=1e-5)


def test_soft_categorical_targets_equal_torchs(logits) -> None:
    targets = torch.rand(50, 5, generator=torch.Generator().manual_seed(3)).softmax(dim=1)
    expected = functional.cross_entropy(logits, targets)
    assert mean(categorical_loss(logits, targets)) == pytest.approx(float(expected), rel=1e-5)


def test_focal_categorical_loss_of_two_classes_is_the_binary_one() -> None:
    logit, target = torch.tensor([0.3, -2.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    pair = torch.stack((torch.zeros(3), logit), dim=1)
    binary = binary_loss(logit, target, focal_gamma=1.5)
    categorical = categorical_loss(pair, target, focal_gamma=1.5)
    assert float(categorical.loss) == pytest.approx(float(binary.loss), rel=1e-6)
    assert float(categorical.weight) == float(binary.weight)


def test_values_by_hand_and_by_torch() -> None:
    predicted, target = torch.tensor([1.0, 5.0, 2.0]), torch.tensor([0.0, 2.0, NAN])
    assert tuple(map(float, squared_loss(predicted, target))) == (10.0, 2.0)
    assert tuple(map(float, huber_loss(predicted, target))) == (0.5 + 2.5, 2.0)


@pytest.mark.parametrize("loss", [binary_loss, categorical_loss, squared_loss, huber_loss])
def test_unknown_targets_are_out_of_loss_weight_and_gradient(loss) -> None:
    logits = torch.tensor([[0.5, -1.0], [2.0, 0.1], [30.0, -30.0]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, 1.0]])
    found = loss(logits, targets)
    known = loss(logits[[0, 2]], targets[[0, 2]])
    assert float(found.loss.detach()) == pytest.approx(float(known.loss.detach()))
    assert float(found.weight) == float(known.weight)
    found.loss.backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad[1] == 0).all() and (logits.grad[0] != 0).all()


@pytest.mark.parametrize("loss", [binary_loss, categorical_loss, squared_loss, huber_loss])
def test_nothing_known_is_a_loss_of_zero_with_a_gradient(loss) -> None:
    for rows in (0, 2):
        logits = torch.zeros(rows, 3, requires_grad=True)
        found = loss(logits, torch.full((rows, 3), NAN))
        assert float(found.loss.detach()) == float(found.weight) == 0
        found.loss.backward()


def test_parts_add_up_to_the_whole(logits, classes) -> None:
    whole = categorical_loss(logits, classes.float(), torch.arange(1.0, 6.0), 1.0, 0.1)
    parts = [categorical_loss(logits[i::3], classes[i::3].float(), torch.arange(1.0, 6.0), 1.0, 0.1) for i in range(3)]
    assert sum(float(part.loss) for part in parts) == pytest.approx(float(whole.loss), rel=1e-5)
    assert sum(float(part.weight) for part in parts) == pytest.approx(float(whole.weight))


def test_half_precision_logits_are_judged_in_fp32(logits, classes) -> None:
    half = logits.bfloat16()
    assert categorical_loss(half, classes).loss.dtype == torch.float32
    assert float(binary_loss(half, half.sigmoid()).loss) == pytest.approx(
        float(binary_loss(half.float(), half.sigmoid().float()).loss)
    )
