"""Many RNAs on several processes: results in the order of the records, the same for any number of workers."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

from ribolm.errors import DataError
from ribolm.sequences.rna import RnaRecord

Result = TypeVar("Result")

WAITING_PER_WORKER = 4  # results that may wait for the consumer: matrices of pair probabilities are large


def fold_many(function: Callable[[str], Result], records: Iterable[RnaRecord], workers: int = 1) -> Iterator[Result]:
    """Yield function(record.letters) for each record, in order.

    `function` is one of `ribolm.folding` or a functools.partial of it, so that processes can be sent it. With one
    worker all is done here. Raises DataError naming the record where the function refuses it.
    """
    if workers <= 1:
        for record in records:
            yield _named(function, record)
        return
    # fresh processes: a fork would copy the threads of torch in whatever state they are
    context = multiprocessing.get_context("spawn")
    remaining = iter(records)
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for record in islice(remaining, WAITING_PER_WORKER * workers):
                waiting.append(pool.submit(_named, function, record))
            while waiting:
                result = waiting.popleft().result()
                for record in islice(remaining, 1):
                    waiting.append(pool.submit(_named, function, record))
                yield result
        finally:
            for future in waiting:
                future.cancel()


def _named(function: Callable[[str], Result], record: RnaRecord) -> Result:
    try:
        return function(record.letters)
    except DataError as error:
        raise DataError(f"Record '{record.name}': {error}") from error
