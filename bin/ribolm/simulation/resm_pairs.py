"""Pairs of a small RNA and its target: a stretch of the target pairs with the middle of the small RNA."""

from collections.abc import Iterator

import numpy as np

from ribolm.simulation.resm_options import ResmOptions
from ribolm.simulation.streams import stream

QUERY_NT, TARGET_NT, SITE_NT = (50, 80), (150, 250), (14, 22)
PAIR_RULE = "one stretch of the target is the reverse complement of the middle of the query; the rest is random"
COMPLEMENT = str.maketrans("ACGU", "UGCA")
KINDS = ("sRNA", "miRNA")


def pair_lines(options: ResmOptions) -> Iterator[str]:
    """Rows of a table: names, sequences, the site on the target (0-based, half-open), type of the query."""
    random = stream(options.seed, "resm", "interactions")
    yield "query,target,query_sequence,target_sequence,target_start0,target_end0,type"
    for row in range(options.interactions):
        query = _letters(random, int(random.integers(*QUERY_NT)))
        target = _letters(random, int(random.integers(*TARGET_NT)))
        width = int(random.integers(*SITE_NT))
        start0 = int(random.integers(0, len(target) - width))
        at = (len(query) - width) // 2
        site = query[at : at + width].translate(COMPLEMENT)[::-1]
        target = target[:start0] + site + target[start0 + width :]
        kind = KINDS[row % len(KINDS)]
        yield f"small_{row + 1:02d},gene_{row + 1:02d},{query},{target},{start0},{start0 + width},{kind}"


def _letters(random: np.random.Generator, n: int) -> str:
    return np.frombuffer(b"ACGU", dtype=np.uint8)[random.integers(0, 4, n)].tobytes().decode()
