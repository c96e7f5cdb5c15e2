"""Partners as targets: of whole rows and of crops; the hidden channel; what dev is judged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.folding.pair_lists import PairList, StoredPairs, write_pair_lists
from ribolm.labels.structure.decoding import DecodingRule, decode
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network, new_network
from ribolm.models.pair_maps.configuration import PairMapConfig, base_ids
from ribolm.models.pair_maps.folding import pair_map
from ribolm.models.pair_maps.head import PairMapHead
from ribolm.models.presets import preset_config
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives import structures
from ribolm.training.objectives.objective import evaluate
from ribolm.training.objectives.structures import UNKNOWN, Structures
from ribolm.training.recipes.pair_decoding import GRID, WEIGHTS, decoded_f1, f1_curve

LENGTHS = [20, 31, 26, 40, 22]


def partners(n: int) -> np.ndarray:
    """A stem of five pairs in the middle, everything else unpaired."""
    found = np.full(n, -1.0, np.float32)
    for k in range(5):
        found[3 + k], found[n - 4 - k] = n - 4 - k, 3 + k
    return found


@pytest.fixture
def task(make_rows, tmp_path: Path):
    rows = make_rows(lengths=LENGTHS)
    labels = np.concatenate([partners(n) for n in LENGTHS])
    lists = [PairList.of([(3, n - 4, 0.5), (4, n - 5, 0.25)]) for n in LENGTHS]
    write_pair_lists(tmp_path / "lists", lists, 40)
    stored = StoredPairs(*(np.load(tmp_path / "lists" / f"{name}.npy") for name in ("offsets", "i", "j", "p")))
    return rows, labels, stored


def test_targets_are_places_inside_each_rna(task) -> None:
    rows, labels, stored = task
    objective = Structures(labels, rows.offsets, stored)
    for part in Feed(rows, seed=1, tokens_per_step=80).once(200):
        batch = objective.prepare(part)
        assert batch.lengths == tuple(LENGTHS[row] for row in part.rows)
        for row, targets, known in zip(
            part.rows, batch.targets.split_with_sizes(batch.lengths), batch.known, strict=True
        ):
            assert targets.tolist() == partners(LENGTHS[row]).tolist()
            assert known is not None and known.j.tolist() == [LENGTHS[row] - 4, LENGTHS[row] - 5]
            assert known.sums[3].tolist() == [0.5, 0.0]


def test_pairs_that_leave_a_crop_are_unknown(task) -> None:
    rows, labels, stored = task
    objective = Structures(labels, rows.offsets, stored)
    n_cut = 0
    for part in Feed(rows, seed=1, tokens_per_step=80, crop_tokens=18).once(200):
        batch = objective.prepare(part)
        starts = part.place[part.cu_seqlens[:-1] + 1] - rows.offsets[part.rows]
        for row, start, targets, known in zip(
            part.rows, starts, batch.targets.split_with_sizes(batch.lengths), batch.known, strict=True
        ):
            whole = partners(LENGTHS[row])[start : start + len(targets)]
            inside = (whole >= start) & (whole < start + len(targets))
            expected = np.where(whole < 0, -1, np.where(inside, whole - start, UNKNOWN))
            assert targets.tolist() == expected.tolist()
            assert known is not None and len(known.sums) == len(targets)
            n_cut += int((expected == UNKNOWN).sum())
    assert n_cut > 5


def test_unknown_labels_and_pairs_too_near_are_left_out(task) -> None:
    rows, labels, _ = task
    labels = labels.copy()
    labels[rows.offsets[0]] = np.nan
    batch = Structures(labels, rows.offsets, None, min_distance=100).prepare(
        next(Feed(rows, np.array([0]), seed=1, tokens_per_step=80).once(200))
    )
    assert batch.targets[0] == UNKNOWN and set(batch.targets.tolist()) == {UNKNOWN, -1}
    assert batch.known == (None,)


def test_which_rows_see_no_list_depends_on_seed_epoch_and_row_alone(make_rows, tmp_path: Path) -> None:
    rows = make_rows(lengths=[20] * 400)
    labels = np.concatenate([partners(20)] * 400)
    write_pair_lists(tmp_path / "lists", [PairList.of([])] * 400, 20)
    stored = StoredPairs(*(np.load(tmp_path / "lists" / f"{name}.npy") for name in ("offsets", "i", "j", "p")))

    def hidden(epoch: int, tokens: int, step: int) -> dict[int, bool]:
        objective = Structures(labels, rows.offsets, stored, seed=3, hidden_share=0.25)
        feed = Feed(rows, seed=3, tokens_per_step=step)
        parts = [p for at in range(feed.steps_per_epoch) for p in feed.micro_batches(epoch, at, tokens)]
        return {int(r): k is None for p in parts for r, k in zip(p.rows, objective.prepare(p).known, strict=True)}

    first = hidden(0, 100, 500)
    assert first == hidden(0, 400, 1000) and first != hidden(1, 100, 500)
    assert 0.18 < np.mean(list(first.values())) < 0.32


def untrained(task) -> tuple[Structures, Network, Feed]:
    """An objective on the task's rows, a small network that has learnt nothing, and batches."""
    rows, labels, stored = task
    tokenizer = make_tokenizer("nucleotide")
    shape = PairMapConfig(base_ids(tokenizer), width=8, dilations=(1,), side_width=8, side_depth=0, map_width=4)
    network = new_network(preset_config("tiny", tokenizer), HeadSpec("structure", pair_map=shape), 1)
    return Structures(labels, rows.offsets, stored), network, Feed(rows, seed=1, tokens_per_step=80)


def test_loss_and_f1_of_both_ways_are_reported(task) -> None:
    objective, network, feed = untrained(task)
    found = evaluate(objective, network, feed.once(200))
    assert found["n"] == 5 and {"f1", "f1_without", "loss", "loss_without"} <= found.keys()
    assert found["loss_without"] > found["loss"], "a new head follows the folding program, which is right here"
    batch = objective.prepare(next(feed.once(500)))
    loss = objective.loss(network, batch)
    assert float(loss.weight) == sum(batch.lengths)
    loss.loss.backward()
    assert torch.isfinite(loss.loss)


def test_dev_is_judged_in_tiles_with_the_same_numbers(task, monkeypatch: pytest.MonkeyPatch) -> None:
    objective, network, feed = untrained(task)
    whole = evaluate(objective, network, feed.once(200))
    sides: list[int] = []
    region = PairMapHead.region

    def noted(self, prepared, rows, columns):
        sides.append(rows[1] - rows[0])
        return region(self, prepared, rows, columns)

    monkeypatch.setattr(PairMapHead, "region", noted)
    monkeypatch.setattr(structures, "TILE_NT", 8)
    tiles = evaluate(objective, network, feed.once(200))
    assert tiles == pytest.approx(whole, rel=1e-5)
    assert len(sides) > 2 * len(LENGTHS) and max(sides) <= 8 + 2 * pair_map(network).shape.halo


def test_f1_of_every_rule_is_that_of_decoding_by_it() -> None:
    random = np.random.default_rng(2)
    p = random.random((30, 30)).astype(np.float32) ** 3
    p = np.triu(p, 4) + np.triu(p, 4).T
    truth = partners(30).astype(np.int64)
    truth[:2] = UNKNOWN
    curve = decoded_f1(p, truth)
    assert np.array_equal(curve[: len(GRID)], f1_curve(p, truth, GRID))
    rules = [DecodingRule(float(value), min_loop_nt=0) for value in GRID]
    rules += [DecodingRule(0.01, "expected_f1", min_loop_nt=0, recall_weight=float(value)) for value in WEIGHTS]
    for at in (0, 30, 60, 85, len(GRID), len(GRID) + 5, len(rules) - 1):
        chosen = decode("N" * 30, p, rules[at])
        chosen[(truth == UNKNOWN) | (truth[np.maximum(chosen, 0)] == UNKNOWN) & (chosen >= 0)] = -1
        right, taken = ((chosen == truth) & (truth >= 0)).sum(), (chosen >= 0).sum()
        assert curve[at] == pytest.approx(2 * right / (taken + (truth >= 0).sum()))
