from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.errors import DataError, UsageError
from ribolm.sequences.store import StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.feed.batches import Feed, RowBatch


def sequences(batch: RowBatch) -> list[tuple[int, int, bytes]]:
    """(row, copy, its tokens) of each sequence of a batch."""
    pieces = np.split(batch.tokens, batch.cu_seqlens[1:-1])
    return [(int(r), int(c), t.tobytes()) for r, c, t in zip(batch.rows, batch.copies, pieces, strict=True)]


def step_content(feed: Feed, epoch: int, position: int, budget: int, world: int = 1) -> list[tuple[int, int, bytes]]:
    """All sequences of one step over all ranks, sorted."""
    batches = (b for rank in range(world) for b in feed.micro_batches(epoch, position, budget, rank, world))
    return sorted(entry for batch in batches for entry in sequences(batch))


def test_each_sequence_stands_between_cls_and_eos_and_knows_its_place(make_rows) -> None:
    store = make_rows(lengths=[3, 1, 7, 0, 5])
    (batch,) = Feed(store, seed=1, tokens_per_step=10_000).micro_batches(0, 0, 10_000)
    assert sorted(batch.rows.tolist()) == [0, 1, 2, 3, 4]
    for row, start, end in zip(batch.rows, batch.cu_seqlens[:-1], batch.cu_seqlens[1:], strict=True):
        own = store.tokens[store.offsets[row] : store.offsets[row + 1]]
        assert batch.tokens[start:end].tolist() == [store.tokenizer.cls_id, *own, store.tokenizer.eos_id]
        expected = [-1, *range(store.offsets[row], store.offsets[row + 1]), -1]
        assert batch.place[start:end].tolist() == expected
    assert batch.lengths.sum() == len(batch.tokens)


def test_a_vocabulary_without_eos_adds_none(make_rows) -> None:
    store = make_rows(lengths=[2, 4])
    bare = SimpleNamespace(
        tokens=store.tokens, offsets=store.offsets, tokenizer=SimpleNamespace(prefix_ids=(0,), suffix_ids=())
    )
    (batch,) = Feed(bare, seed=1, tokens_per_step=100).micro_batches(0, 0, 100)
    assert sorted(batch.lengths.tolist()) == [3, 5]
    assert (batch.tokens[batch.cu_seqlens[:-1]] == 0).all()
    assert (batch.place >= 0).sum() == 6


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=60),
    tokens_per_step=st.integers(1, 2000),
    seed=st.integers(0, 5),
    data=st.data(),
)
def test_an_epoch_shows_every_row_as_often_as_asked(lengths, tokens_per_step, seed, data) -> None:
    copies = data.draw(st.lists(st.integers(1, 3), min_size=len(lengths), max_size=len(lengths)))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    tokenizer = SimpleNamespace(prefix_ids=(0,), suffix_ids=(2,))
    store = SimpleNamespace(tokens=np.full(offsets[-1], 4, np.uint8), offsets=offsets, tokenizer=tokenizer)
    feed = Feed(store, seed=seed, tokens_per_step=tokens_per_step, copies=np.array(copies))
    shown = [feed.step_showings(1, position) for position in range(feed.steps_per_epoch)]
    assert all(len(step) for step in shown)
    assert sorted(np.concatenate(shown).tolist()) == list(range(sum(copies)))
    seen = [
        (row, copy) for position in range(feed.steps_per_epoch) for row, copy, _ in step_content(feed, 1, position, 64)
    ]
    assert sorted(seen) == [(row, copy) for row, n in enumerate(copies) for copy in range(n)]


@pytest.mark.parametrize(("budget", "world"), [(100, 1), (5000, 1), (64, 2), (300, 3), (1, 5)])
def test_a_step_learns_from_the_same_rows_whatever_the_budget_and_the_processes(make_rows, budget, world) -> None:
    feed = Feed(make_rows(300), seed=4, tokens_per_step=900, crop_tokens=40)
    for position in (0, 3, feed.steps_per_epoch - 1):
        assert step_content(feed, 2, position, budget, world) == step_content(feed, 2, position, 10_000)


def test_micro_batches_keep_the_budget_and_put_equal_lengths_together(make_rows) -> None:
    feed = Feed(make_rows(400), seed=4, tokens_per_step=4000)
    for position in range(feed.steps_per_epoch):
        batches = list(feed.micro_batches(0, position, 200))
        assert all(len(batch.tokens) <= 200 for batch in batches)
        lengths = np.concatenate([batch.lengths for batch in batches])
        assert (np.diff(lengths) <= 0).all()
    (alone,) = Feed(make_rows(lengths=[500]), seed=1, tokens_per_step=10).micro_batches(0, 0, 100)
    assert len(alone.tokens) == 502  # longer than the budget: alone


def test_tokens_per_step_are_nearly_constant(make_rows) -> None:
    feed = Feed(make_rows(30_000, seed=3), seed=1, tokens_per_step=4096)
    sizes = [feed.lengths[feed.step_showings(0, position)].sum() for position in range(feed.steps_per_epoch)]
    assert sum(sizes) == feed.n_tokens
    assert max(abs(size / 4096 - 1) for size in sizes) < 0.06
    assert feed.steps_per_epoch > 3 * 64  # over several pools


def test_a_step_mixes_lengths_and_epochs_differ(make_rows) -> None:
    feed = Feed(make_rows(3000), seed=1, tokens_per_step=2048)
    spread = [np.ptp(feed.lengths[feed.step_showings(0, position)]) for position in range(feed.steps_per_epoch)]
    assert min(spread) > 35  # of 57 possible
    assert feed.step_showings(0, 0).tolist() != feed.step_showings(1, 0).tolist()
    again = Feed(make_rows(3000), seed=1, tokens_per_step=2048)
    again.step_showings(5, 7)  # what was asked before does not matter
    np.testing.assert_array_equal(again.step_showings(1, 3), feed.step_showings(1, 3))
    other = Feed(make_rows(3000), seed=2, tokens_per_step=2048)
    assert other.step_showings(0, 0).tolist() != feed.step_showings(0, 0).tolist()


def test_long_rows_are_cut_at_a_place_that_changes_with_epoch_and_copy(make_rows) -> None:
    store = make_rows(lengths=[200, 10])
    feed = Feed(store, seed=1, tokens_per_step=10_000, crop_tokens=50, copies=np.array([30, 1]))
    assert feed.longest == 52
    starts = []
    for epoch in range(20):
        (batch,) = feed.micro_batches(epoch, 0, 10_000)
        for first, row in zip(batch.cu_seqlens[:-1], batch.rows, strict=True):
            if row == 0:
                starts.append(int(batch.place[first + 1]))
                assert batch.place[first + 50] == starts[-1] + 49
    assert min(starts) < 8 and max(starts) > 142 and max(starts) <= 150
    assert np.histogram(starts, bins=5, range=(0, 151))[0].min() > 85  # of 120 expected


def test_validation_goes_once_through_the_rows_in_any_number_of_processes(make_rows) -> None:
    store = make_rows(150)
    rows = np.arange(10, 90)
    feed = Feed(store, rows, seed=1, tokens_per_step=500, shuffle=False)
    seen = [batch.rows for rank in range(3) for batch in feed.once(128, rank, 3)]
    assert sorted(np.concatenate(seen).tolist()) == rows.tolist()


def test_nothing_to_train_on_is_refused(make_rows) -> None:
    with pytest.raises(DataError, match="no sequence to train on"):
        Feed(make_rows(5), np.zeros(0, np.int64), seed=1, tokens_per_step=10)
    with pytest.raises(UsageError, match="1 or more"):
        Feed(make_rows(5), seed=1, tokens_per_step=0)
    with pytest.raises(IndexError):
        Feed(make_rows(5), seed=1, tokens_per_step=10).step_showings(0, 1000)


def test_places_of_steps_count_through_epochs(make_rows) -> None:
    feed = Feed(make_rows(100), seed=1, tokens_per_step=500)
    assert feed.place(0) == (0, 0)
    assert feed.place(feed.steps_per_epoch * 3 + 2) == (3, 2)


def test_a_store_on_disk_is_read_in_place(tmp_path, make_rows) -> None:
    rows = make_rows(20)
    with StoreWriter(tmp_path / "store", make_tokenizer("nucleotide")) as writer:
        for i in range(20):
            writer.add(rows.tokens[rows.offsets[i] : rows.offsets[i + 1]], f"row_{i}")
    store = TokenStore.open(tmp_path / "store")
    assert isinstance(store.tokens, np.memmap)
    feeds = (Feed(source, seed=1, tokens_per_step=300) for source in (store, rows))
    first, second = ([step_content(feed, 0, p, 100) for p in range(feed.steps_per_epoch)] for feed in feeds)
    assert first == second
