"""Rows that are held out: the asked share, whole units, the same for the same seed."""

import numpy as np
import pytest

from ribolm.training.recipes.assembly import held_out_blocks, held_out_units


@pytest.mark.parametrize(("n_rows", "n_held"), [(2, 1), (12, 1), (20, 2), (60, 6), (127, 13)])
def test_rows_that_are_alone_give_the_asked_share(n_rows: int, n_held: int) -> None:
    train, held = held_out_units(np.arange(n_rows), 0.1, seed=1)
    assert len(held) == n_held and sorted([*train, *held]) == list(range(n_rows))


def test_rows_of_one_unit_stay_together() -> None:
    unit = np.array([0, 1, 0, 3, 1, 5, 6, 6])
    train, held = held_out_units(unit, 0.4, seed=3)
    assert len(held) and not {*unit[train]} & {*unit[held]}
    assert all(np.array_equal(*pair) for pair in zip(held_out_units(unit, 0.4, seed=3), (train, held), strict=True))


def test_blocks_are_neighbours_and_one_block_is_not_split() -> None:
    train, held = held_out_blocks(100, 0.3, seed=1, block_rows=32)
    assert len({row // 32 for row in held}) == 1 and len(train) + len(held) == 100
    assert [len(rows) for rows in held_out_blocks(20, 0.1, seed=1, block_rows=32)] == [20, 0]
