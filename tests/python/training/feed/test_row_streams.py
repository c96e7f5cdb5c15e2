import numpy as np

from ribolm.training.feed.row_streams import row_keys, uniform


def test_draws_are_those_of_splitmix64() -> None:
    # The reference sequence of SplitMix64 seeded with 1234567 (Vigna's splitmix64.c).
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    draws = uniform(np.full(4, 1234567, np.uint64), np.arange(4))
    np.testing.assert_array_equal(draws, [(value >> 11) * 2.0**-53 for value in expected])


def test_keys_depend_on_seed_purpose_epoch_row_and_copy_and_on_nothing_else() -> None:
    rows, copies = np.array([5, 9, 5]), np.array([0, 0, 1])
    keys = row_keys(1, "mask", 0, rows, copies)
    np.testing.assert_array_equal(row_keys(1, "mask", 0, rows[::-1], copies[::-1]), keys[::-1])
    others = [row_keys(*changed, rows, copies) for changed in ((2, "mask", 0), (1, "crop", 0), (1, "mask", 1))]
    assert len(set(np.concatenate([keys, *others]).tolist())) == 12


def test_draws_of_neighbouring_rows_are_even_and_uncorrelated() -> None:
    keys = row_keys(3, "mask", 0, np.arange(20_000), np.zeros(20_000, np.int64))
    first, second = uniform(keys, 0), uniform(keys, 1)
    counts = np.histogram(first, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-square of 19 degrees of freedom, p = 0.001
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
