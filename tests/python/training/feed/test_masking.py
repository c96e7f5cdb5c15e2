import numpy as np
import pytest

from ribolm.training.feed.batches import Feed, RowBatch
from ribolm.training.feed.masking import mask_tokens


def whole_epoch(store, budget: int = 10**9, **options) -> list[RowBatch]:
    feed = Feed(store, seed=1, tokens_per_step=options.pop("tokens_per_step", 10**9), **options)
    return [batch for position in range(feed.steps_per_epoch) for batch in feed.micro_batches(0, position, budget)]


def hidden_by_place(store, batches: list[RowBatch], seed: int = 7, span: int = 1) -> dict[int, tuple[int, int]]:
    """{place in tokens.bin: (what stands there, true token)} of all hidden tokens."""
    found = {}
    for batch in batches:
        masked = mask_tokens(batch, store.tokenizer.base_ids, store.tokenizer.mask_id, seed, span=span)
        for at, target in zip(masked.chosen, masked.targets, strict=True):
            found[int(batch.place[at])] = (int(masked.tokens[at]), int(target))
    return found


@pytest.mark.parametrize("span", [1, 3])
def test_masks_do_not_depend_on_batches_or_steps(make_rows, span) -> None:
    store = make_rows(300)
    expected = hidden_by_place(store, whole_epoch(store), span=span)
    for budget, tokens_per_step in ((64, 10**9), (500, 700), (10**9, 2000)):
        assert (
            hidden_by_place(store, whole_epoch(store, budget, tokens_per_step=tokens_per_step), span=span) == expected
        )
    assert hidden_by_place(store, whole_epoch(store), seed=8, span=span) != expected


@pytest.mark.parametrize("span", [1, 4])
def test_fifteen_percent_of_the_bases_are_hidden_by_the_80_10_10_rule(make_rows, span) -> None:
    store = make_rows(6000, seed=2)
    (batch,) = whole_epoch(store)
    masked = mask_tokens(batch, store.tokenizer.base_ids, store.tokenizer.mask_id, 7, span=span)
    bases = np.isin(batch.tokens, store.tokenizer.base_ids)
    n = bases.sum()  # about 182,000
    assert abs(len(masked.chosen) / n - 0.15) < 0.003 * span
    assert bases[masked.chosen].all()  # never N, cls or eos
    seen = masked.tokens[masked.chosen]
    share_masked = (seen == store.tokenizer.mask_id).mean()
    # Of the random tenth a quarter draws the true base.
    assert abs(share_masked - 0.8) < 0.006 * span
    assert abs((seen == masked.targets).mean() - 0.125) < 0.005 * span
    assert np.isin(seen, [*store.tokenizer.base_ids, store.tokenizer.mask_id]).all()
    untouched = np.setdiff1d(np.arange(len(batch.tokens)), masked.chosen)
    np.testing.assert_array_equal(masked.tokens[untouched], batch.tokens[untouched])
    np.testing.assert_array_equal(masked.targets, batch.tokens[masked.chosen])


def test_spans_are_at_least_as_long_as_asked_and_share_their_fate(make_rows) -> None:
    store = make_rows(lengths=[2000] * 20)
    store.tokens[store.tokens == store.tokenizer.tokens.index("N")] = 4
    (batch,) = whole_epoch(store)
    masked = mask_tokens(batch, store.tokenizer.base_ids, store.tokenizer.mask_id, 7, span=5)
    hidden = np.zeros(len(batch.tokens), bool)
    hidden[masked.chosen] = True
    edges = np.diff(np.concatenate(([0], hidden.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    inner = (batch.place[np.maximum(starts - 1, 0)] >= 0) & (batch.place[np.minimum(ends, len(hidden) - 1)] >= 0)
    assert ((ends - starts)[inner] >= 5).all()  # at the ends of a sequence a span may be cut
    of_five = starts[inner & (ends - starts == 5)]
    is_mask = masked.tokens[of_five[:, None] + np.arange(5)] == store.tokenizer.mask_id
    assert len(of_five) > 500 and (is_mask.all(axis=1) | ~is_mask.any(axis=1)).all()
    column = np.concatenate([np.arange(length) for length in batch.lengths])
    share = [hidden[column == i].mean() for i in (1, 2, 3)]  # the first bases are not spared
    assert min(share) > 0.02 and hidden[(column > 100) & (column < 1900)].mean() == pytest.approx(0.15, abs=0.01)


def test_copies_and_epochs_of_one_row_are_masked_differently(make_rows) -> None:
    store = make_rows(lengths=[1000])
    feed = Feed(store, seed=1, tokens_per_step=10_000, copies=np.array([2]))
    (batch,) = feed.micro_batches(0, 0, 10_000)
    (later,) = feed.micro_batches(1, 0, 10_000)
    halves = []
    for current in (batch, later):
        masked = mask_tokens(current, store.tokenizer.base_ids, store.tokenizer.mask_id, 7)
        halves += [tuple(masked.chosen[masked.chosen < 1002]), tuple(masked.chosen[masked.chosen >= 1002] - 1002)]
    assert len(set(halves)) == 4


def test_what_stands_in_for_a_random_tenth_may_be_told(make_rows) -> None:
    """RESM draws ids 0 to 10 of ESM-2's vocabulary; the choice of tokens, and all other fates, stay the same."""
    store = make_rows(3000, seed=2)
    (batch,) = whole_epoch(store)
    own, other = (
        mask_tokens(batch, store.tokenizer.base_ids, store.tokenizer.mask_id, 7, drawn_ids=drawn)
        for drawn in (None, np.arange(40, 51))
    )
    np.testing.assert_array_equal(own.chosen, other.chosen)
    drawn = other.tokens >= 40
    assert abs(drawn.sum() / len(other.chosen) - 0.1) < 0.01
    assert set(other.tokens[drawn].tolist()) == set(range(40, 51))
    np.testing.assert_array_equal(own.tokens[~drawn], other.tokens[~drawn])
    assert np.isin(own.tokens[drawn], store.tokenizer.base_ids).all()
