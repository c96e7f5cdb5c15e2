"""Passes side by side: answers in order, one thread each, and the same bits whatever the number of threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ribolm.inference import batches
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows, embed_tokens
from ribolm.inference.sequences import score_windows
from ribolm.inference.side_by_side import AHEAD_PER_THREAD, side_by_side
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.sequences.tokenizers import make_tokenizer


@pytest.fixture(autouse=True)
def threads_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("ribolm.inference.side_by_side.n_cores", lambda: 5)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_tasks_and_threads_are_given_back() -> None:
    torch.set_num_threads(3)
    first = threading.Event()

    def run(task: int) -> tuple[int, int]:
        if task == 0:
            assert first.wait(10)  # others end before the first
        elif task == 2:
            first.set()
        return task, torch.get_num_threads()

    assert list(side_by_side(run, range(20))) == [(task, 1) for task in range(20)]
    assert torch.get_num_threads() == 3
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [3]


@pytest.mark.parametrize("n_cores", [1, 2])
def test_no_more_threads_than_cores_are_used(n_cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ribolm.inference.side_by_side.n_cores", lambda: n_cores)
    torch.set_num_threads(7)
    used = set(side_by_side(lambda _: (threading.current_thread().name, torch.get_num_threads()), range(50)))
    assert used <= {(f"pass_{number}", 1) for number in range(n_cores)}
    assert torch.get_num_threads() == 7


def test_a_failure_is_raised_and_tasks_that_wait_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    begun, ending = [], threading.Event()

    class Pool(ThreadPoolExecutor):
        """Lets the others end once it has been told what to drop."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ending.set()
            super().shutdown(wait)

    def run(task: int) -> int:
        begun.append(task)
        if task == 0:
            raise ValueError("no")
        assert ending.wait(10)  # the others wait behind it
        return task

    monkeypatch.setattr("ribolm.inference.side_by_side.ThreadPoolExecutor", Pool)
    with pytest.raises(ValueError, match="no"):
        list(side_by_side(run, range(1_000)))
    assert len(begun) <= 3 < 2 * AHEAD_PER_THREAD
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("preset", "kind"), [("tiny", "nucleotide"), ("hyena-tiny", "hyena")])
def test_the_number_of_threads_changes_no_bit(preset: str, kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    config = preset_config(preset, tokenizer)
    random = np.random.default_rng(1)
    windows = random.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (300, 20))
    lengths = random.integers(1, 60, 80)
    offsets = np.r_[0, np.cumsum(lengths)]
    tokens = tokenizer.encode(random.choice(np.frombuffer(b"ACGT", dtype=np.uint8), int(offsets[-1])))
    found = []
    for n_threads in (1, 2, 5):
        torch.set_num_threads(n_threads)
        bare = Forward.prepare((new_network(config, None, seed=1),), tokenizer, "cpu", "fp32", 0)
        head = HeadSpec("sequence", 1, "mean")
        classifier = Forward.prepare((new_network(config, head, seed=1),), tokenizer, "cpu", "fp32", 220)
        found.append(
            (
                score_windows(SimpleNamespace(window_nt=20), classifier, windows).tobytes(),
                embed_rows(bare, tokens, offsets).tobytes(),
                embed_tokens(bare, tokens, offsets).tobytes(),
            )
        )
    assert found[0] == found[1] == found[2]


def test_a_long_sequence_has_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LONG_TOKENS", 50)
    torch.set_num_threads(3)
    tokenizer = make_tokenizer("nucleotide")
    network = new_network(preset_config("tiny", tokenizer), None, seed=1)
    forward = Forward.prepare((network,), tokenizer, "cpu", "fp32", 0)
    rows, full = np.arange(4), np.array([60, 51, 50, 3])
    passes = forward.passes(rows, full, lambda _: 1, lambda _: torch.get_num_threads())
    assert [(part.tolist(), n_threads) for part, n_threads in passes] == [([0], 3), ([1], 3), ([2], 1), ([3], 1)]
