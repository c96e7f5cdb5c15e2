"""Data-parallel processes: sums over all of them, in an order that a restart does not change.

torch's DistributedDataParallel re-forms its buckets after the first backward pass, so that with three processes or more
the sums of a resumed run would be added in another order than those of an uninterrupted one. Here the layout is fixed.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ribolm.errors import UsageError
from ribolm.files import is_whole_number

LONGEST_WAIT = timedelta(days=365)  # gloo's 30 minutes are less than another training takes
BUCKET_BYTES = 32 << 20  # large enough for full bandwidth, small enough to begin sending early


Item = TypeVar("Item")


class StopAsked(Exception):
    """A signal to some process came in the middle of work that all of them share."""


@dataclass(frozen=True)
class World:
    """This process among all. With `size` 1 nothing is sent and torch.distributed is not imported."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes and tells."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes, in float64."""
        if self.size == 1:
            return [float(value) for value in values]
        import torch.distributed as dist

        tensor = torch.tensor(list(values), dtype=torch.float64)
        dist.all_reduce(tensor)
        return [float(value) for value in tensor]

    def any(self, flag: bool) -> bool:
        """Whether a flag is set in some process: one answer for all."""
        return bool(self.sum([float(flag)])[0])

    def meet(self) -> None:
        """Wait until every process is here."""
        self.sum([0.0])

    def in_step(self, items: Iterable[Item], stopped: Callable[[], bool]) -> Iterator[Item]:
        """This process's items, as long as no process is asked to stop; all processes go on or none does.

        Processes may have different numbers of items. Raises StopAsked, in all of them, when `stopped` says so in one.
        """
        iterator = iter(items)
        while True:
            item = next(iterator, None)
            stop, left = self.sum([stopped(), item is not None])
            if stop:
                raise StopAsked
            if not left:
                return
            if item is not None:
                yield item

    def add_up(self, statistics: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Sums of named arrays over all processes, in the order of ranks; a process may lack some."""
        if self.size == 1:
            return statistics
        total: dict[str, NDArray[np.float64]] = {}
        for part in self._all(statistics):
            for name, value in part.items():
                total[name] = np.asarray(total[name] + value) if name in total else value
        return total

    def gather(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Concatenate every process's arrays along axis 0, in the order of ranks, on every process."""
        if self.size == 1:
            return arrays
        parts = self._all(arrays)
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: np.concatenate([part[name] for part in parts if name in part]) for name in names}

    def _all(self, value: Any) -> list[Any]:
        """Every process's value, in the order of ranks."""
        import torch.distributed as dist

        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, value)
        return parts

    def sum_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Add up the gradients of all processes in place; parameters without any on every process keep None."""
        if self.size == 1:
            return
        present = self.sum([float(parameter.grad is not None) for parameter in parameters])
        used = [parameter for parameter, count in zip(parameters, present, strict=True) if count]
        for parameter in used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        _sum_in_buckets([parameter.grad for parameter in used if parameter.grad is not None])


def _sum_in_buckets(gradients: list[Tensor]) -> None:
    import torch.distributed as dist

    pending = []
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        pending.append((bucket, flat, dist.all_reduce(flat, async_op=True)))
    for bucket, flat, work in pending:
        work.wait()
        parts = torch.split(flat, [gradient.numel() for gradient in bucket])
        for gradient, part in zip(bucket, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def _buckets(gradients: list[Tensor]) -> list[list[Tensor]]:
    """Runs of gradients of one dtype of at most BUCKET_BYTES, last layers first as backward finishes them."""
    buckets: list[list[Tensor]] = []
    filled = 0
    for gradient in reversed(gradients):
        size = gradient.numel() * gradient.element_size()
        if not buckets or filled + size > BUCKET_BYTES or buckets[-1][0].dtype != gradient.dtype:
            buckets.append([])
            filled = 0
        buckets[-1].append(gradient)
        filled += size
    return buckets


def world_of_environment() -> World:
    """This process as RANK, WORLD_SIZE and LOCAL_RANK name it (torchrun's variables); alone without them.

    Raises UsageError where they do not fit together.
    """
    size = os.environ.get("WORLD_SIZE", "1")
    if size == "1":
        return World()
    rank = os.environ.get("RANK", "")
    local = os.environ.get("LOCAL_RANK", rank)
    if not all(map(is_whole_number, (size, rank, local))) or not 0 <= int(rank) < int(size):
        raise UsageError(
            f"WORLD_SIZE is {size}, RANK is {rank or 'not set'} and LOCAL_RANK is {local or 'not set'}: a process "
            "among several has numbers from 0 to WORLD_SIZE - 1. Unset them all and give --processes, or use torchrun."
        )
    return World(int(rank), int(size), int(local))


def join(world: World, device: str) -> None:
    """Meet the other processes, if there are any.

    CPU tensors go by gloo, CUDA tensors by NCCL. RIBOLM_RENDEZVOUS, a file, replaces torchrun's TCP meeting place.
    Others wait as long as the first one waits for its lease; one that dies is noticed by its connection.
    """
    if world.size == 1:
        return
    import torch.distributed as dist

    meeting = os.environ.get("RIBOLM_RENDEZVOUS")
    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if cuda else "gloo",
        init_method=f"file://{meeting}" if meeting else "env://",
        rank=world.rank,
        world_size=world.size,
        timeout=LONGEST_WAIT,
    )


def leave(world: World) -> None:
    """Leave the group at the end of the run."""
    if world.size > 1:
        import torch.distributed as dist

        dist.destroy_process_group()
