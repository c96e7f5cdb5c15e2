import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives.labels import LabelLoss, Labels, balanced_binary_weights, balanced_class_weights
from ribolm.training.objectives.masked_tokens import MaskedTokens
from ribolm.training.objectives.objective import Objective, evaluate
from ribolm.training.run.optimizer import AdamW
from ribolm.training.run.parameters import parameter_groups

PLAIN = LabelLoss()


@dataclass(frozen=True)
class Case:
    """An objective with a network and a store that fit."""

    objective: Objective
    network: Network
    feed: Feed


@pytest.fixture
def make_case(make_rows):
    def make(kind: str, n_labels: int = 1, options: LabelLoss = PLAIN) -> Case:
        rows = make_rows(60)
        random = np.random.default_rng(1)
        n = {"masked": 0, "token": len(rows.tokens)}.get(kind, 60)
        if kind == "multilabel":
            labels = random.integers(0, 2, (n, n_labels)).astype(np.float32)
        elif kind == "regression":
            labels = random.normal(size=n).astype(np.float32)
        else:
            labels = random.integers(0, max(2, n_labels), n).astype(np.float32)
        labels[random.random(labels.shape) < 0.3] = np.nan
        target = {"regression": "value", "multilabel": "binary"}.get(kind, "categorical" if n_labels > 1 else "binary")
        head = MASKED_LM if kind == "masked" else HeadSpec(kind, n_labels)
        network = new_network(preset_config("tiny", rows.tokenizer), head, seed=3)
        objective = MaskedTokens(rows.tokenizer, seed=5)
        if kind != "masked":
            level = "token" if kind == "token" else "sequence"
            objective = Labels(labels, level, target, n_labels, options)
        return Case(objective, network, Feed(rows, seed=2, tokens_per_step=700))

    return make


def step_gradient(case: Case, budget: int, world: int = 1) -> dict[str, torch.Tensor]:
    """Gradient of one optimiser step, accumulated over micro-batches and ranks, over the sum of weights."""
    case.network.zero_grad(set_to_none=True)
    weight = 0.0
    for rank in range(world):
        for rows in case.feed.micro_batches(0, 1, budget, rank, world):
            found = case.objective.loss(case.network, case.objective.prepare(rows))
            found.loss.backward()
            weight += float(found.weight)
    parameters = case.network.named_parameters()
    return {name: p.grad / weight for name, p in parameters if p.grad is not None}


CASES = [
    ("masked", 1, LabelLoss()),
    ("token", 1, LabelLoss((1.0, 5.0), focal_gamma=2.0, smoothing=0.1)),
    ("token", 3, LabelLoss((1.0, 2.0, 3.0))),
    ("sequence", 4, LabelLoss(smoothing=0.1)),
    ("regression", 1, LabelLoss(delta=0.5)),
    ("multilabel", 3, LabelLoss((2.0, 1.0, 4.0))),
]


@pytest.mark.parametrize(("kind", "n_labels", "options"), CASES)
def test_gradient_of_a_step_depends_neither_on_the_budget_nor_on_the_processes(make_case, kind, n_labels, options):
    case = make_case(kind, n_labels, options)
    expected = step_gradient(case, 10_000)
    assert any(gradient.abs().max() > 1e-4 for gradient in expected.values())
    for budget, world in ((100, 1), (10_000, 2), (150, 3)):
        found = step_gradient(case, budget, world)
        assert found.keys() == expected.keys()
        for name, gradient in found.items():
            # fp32: the order of the sums is all that differs.
            torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=2e-6, msg=name)


@pytest.mark.parametrize(("kind", "n_labels", "options"), CASES)
def test_validation_depends_neither_on_the_budget_nor_on_the_processes(make_case, kind, n_labels, options) -> None:
    case = make_case(kind, n_labels, options)
    whole = evaluate(case.objective, case.network, case.feed.once(10_000))
    assert case.objective.watch in whole and math.isfinite(whole["loss"])
    split = evaluate(case.objective, case.network, (b for rank in (0, 1) for b in case.feed.once(64, rank, 2)))
    assert split == pytest.approx(whole, rel=1e-4)


def test_masked_tokens_hide_what_they_ask_for(make_case) -> None:
    case = make_case("masked")
    rows = next(iter(case.feed.micro_batches(0, 0, 10_000)))
    batch = case.objective.prepare(rows)
    assert batch.targets.tolist() == rows.tokens[batch.selected.numpy()].tolist()
    hidden = batch.sequences.tokens[batch.selected]
    assert (hidden == case.objective.tokenizer.mask_id).float().mean() > 0.6
    untrained = evaluate(case.objective, case.network, case.feed.once(10_000))
    assert untrained["perplexity"] == pytest.approx(10, abs=1.5)  # ten tokens, none of them preferred yet


def test_labels_of_tokens_stay_with_their_tokens(make_rows) -> None:
    rows = make_rows(40)
    labels = rows.tokens.astype(np.float32)  # each token's label is its own id
    labels[rows.tokens == 5] = np.nan
    objective = Labels(labels, "token", "categorical", 10)
    for gathered in Feed(rows, seed=1, tokens_per_step=400, crop_tokens=20).micro_batches(0, 0, 150):
        batch = objective.prepare(gathered)
        assert batch.targets.tolist() == batch.sequences.tokens[batch.selected].tolist()
        assert len(batch.selected) == (np.isin(gathered.tokens, [4, 6, 7, 8])).sum()


def test_average_precision_of_validation_is_that_of_the_known_labels(make_case) -> None:
    case = make_case("token")
    logits, targets = [], []
    with torch.no_grad():
        for rows in case.feed.once(1000):
            batch = case.objective.prepare(rows)
            logits.append(case.network.eval()(batch.sequences, batch.selected)[:, 0])
            targets.append(batch.targets)
    expected = average_precision_score(torch.cat(targets), torch.cat(logits))
    found = evaluate(case.objective, case.network, case.feed.once(300))
    assert found["average_precision"] == pytest.approx(expected, abs=2e-3)
    assert found["n"] == len(torch.cat(targets))


def test_a_validation_without_labels_is_nan_and_not_an_error(make_rows, make_case) -> None:
    case = make_case("token")
    unknown = Labels(np.full(len(make_rows(60).tokens), np.nan, np.float32), "token", "binary")
    assert all(
        math.isnan(value) or value == 0 for value in evaluate(unknown, case.network, case.feed.once(500)).values()
    )
    assert math.isnan(evaluate(unknown, case.network, [])["loss"])


def test_a_network_learns_a_motif_from_token_labels(make_rows) -> None:
    rows = make_rows(400)
    after_g = np.concatenate(([False], rows.tokens[:-1] == 6))
    labels = ((rows.tokens == 4) & after_g).astype(np.float32)
    objective = Labels(labels, "token", "binary", options=LabelLoss(balanced_class_weights(labels, 2)))
    network = new_network(preset_config("tiny", rows.tokenizer), HeadSpec("token"), seed=1).train()
    feed = Feed(rows, seed=1, tokens_per_step=1024)
    optimizer = AdamW(parameter_groups(network, weight_decay=0.01))
    for step in range(60):
        optimizer.zero_grad()
        for gathered in feed.micro_batches(*feed.place(step), 2048):
            found = objective.loss(network, objective.prepare(gathered))
            (found.loss / found.weight).backward()
        optimizer.step(1e-2)
    assert evaluate(objective, network, feed.once(4096))["average_precision"] > 0.6  # prevalence 0.06


def test_balanced_weights_give_each_class_the_same_weight() -> None:
    labels = np.array([0, 0, 0, 1, np.nan], np.float32)
    assert balanced_class_weights(labels, 2) == pytest.approx((4 / 6, 2))
    assert balanced_class_weights(np.array([0, 0, 2, 2, 2, 2], np.float32), 4) == pytest.approx((1.5, 1, 0.75, 1))


def test_each_of_several_labels_is_balanced_by_its_own_known_classes() -> None:
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, np.nan, 0], [0, 1, np.nan]], dtype=np.float32)
    assert balanced_binary_weights(labels) == pytest.approx((3.0, 0.5, 1.0))
    assert balanced_binary_weights(labels[:, 0]) == balanced_class_weights(labels[:, 0], 2)
