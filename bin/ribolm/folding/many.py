"""Many RNAs on several processes: results in the order of the records, the same for any number of workers."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ribolm.errors import DataError, Killed
from ribolm.sequences.rna import RnaRecord

Result = TypeVar("Result")

WAITING_PER_WORKER = 4  # results that may wait for the consumer: matrices of pair probabilities are large


def fold_many(
    function: Callable[..., Result],
    records: Iterable[RnaRecord],
    workers: int = 1,
    reactivities: Mapping[str, NDArray[np.float64]] | None = None,
) -> Iterator[Result]:
    """Yield function(record.letters) for each record, in order.

    `function` is one of `ribolm.folding` or a functools.partial of it, so that processes can be sent it; of a record
    that has `reactivities` (by name, one per base) it is told them under that name. With one worker all is done here.
    Raises DataError naming the record where the function refuses it, Killed where the system ends a process.
    """
    named = partial(_named, function, reactivities or {})
    if workers <= 1:
        yield from map(named, records)
        return
    # fresh processes: a fork would copy the threads of torch in whatever state they are
    context = multiprocessing.get_context("spawn")
    remaining = iter(records)
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for record in islice(remaining, WAITING_PER_WORKER * workers):
                waiting.append(pool.submit(named, record))
            while waiting:
                result = waiting.popleft().result()
                for record in islice(remaining, 1):
                    waiting.append(pool.submit(named, record))
                yield result
        except BrokenProcessPool as error:
            raise Killed(
                "A process that folds was ended from outside, as systems do when memory runs out. Use fewer "
                "--processes, or leave the longest RNAs out."
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _named(
    function: Callable[..., Result], reactivities: Mapping[str, NDArray[np.float64]], record: RnaRecord
) -> Result:
    measured = {"reactivities": reactivities[record.name].tolist()} if record.name in reactivities else {}
    try:
        return function(record.letters, **measured)
    except DataError as error:
        raise DataError(f"Record '{record.name}': {error}") from error
