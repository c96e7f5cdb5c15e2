"""Processes that share work: they go on together or stop together, whatever each of them has."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ribolm.training.machine.distributed import StopAsked, World, join


class Threads:
    """Sums over threads instead of processes."""

    def __init__(self, size: int) -> None:
        self.barrier, self.parts = threading.Barrier(size, timeout=20), [[0.0]] * size

    def world(self, rank: int) -> World:
        shared = self

        class Member(World):
            def sum(self, values):  # type: ignore[no-untyped-def]
                shared.parts[rank] = [float(value) for value in values]
                shared.barrier.wait()
                total = [sum(column) for column in zip(*shared.parts, strict=True)]
                shared.barrier.wait()
                return total

        return Member(rank, len(self.parts), rank)


def shares(sizes: list[int], stop_at: int | None = None) -> list[list[int] | str]:
    """What threads with so many items get; the last one is asked to stop when it has taken `stop_at` of them."""
    together, found = Threads(len(sizes)), [[] for _ in sizes]

    def work(rank: int) -> None:
        got = found[rank]
        last = rank == len(sizes) - 1

        def items() -> Iterator[int]:
            yield from range(sizes[rank])

        try:
            for item in together.world(rank).in_step(items(), lambda: last and len(got) == stop_at):
                got.append(item)
        except StopAsked:
            got.append("stopped")

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(sizes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_processes_with_unequal_shares_all_come_to_the_end() -> None:
    assert shares([3, 0, 1]) == [[0, 1, 2], [], [0]]


def test_all_stop_when_one_is_asked() -> None:
    assert shares([4, 1, 4], stop_at=2) == [[0, 1, "stopped"], [0, "stopped"], [0, 1, "stopped"]]


def test_alone_nothing_is_sent() -> None:
    world = World()
    world.meet()
    assert (world.any(True), world.any(False), list(world.in_step("ab", lambda: False))) == (True, False, ["a", "b"])
    with pytest.raises(StopAsked):
        list(world.in_step("ab", lambda: True))


def test_processes_wait_for_the_first_one_longer_than_another_training_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch.distributed as dist

    told: dict[str, object] = {}
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **options: told.update(options))
    join(World(1, 2, 1), "cpu")
    assert isinstance(told["timeout"], timedelta) and told["timeout"] > timedelta(days=30)
