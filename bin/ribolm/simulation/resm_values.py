"""Leaders of messenger RNAs with a value that follows a rule, as ribosome load follows start codons upstream."""

from collections.abc import Iterator

import numpy as np

from ribolm.simulation.resm_options import ResmOptions
from ribolm.simulation.streams import stream

LEADER_NT = 50
ROWS_PER_GENE = 4
HIGHEST, LOST_BY_START, LOST_BY_GC, NOISE = 7.0, 3.0, 4.0, 0.3
VALUE_RULE = (
    f"{HIGHEST} - {LOST_BY_START} if an AUG out of frame with the end - {LOST_BY_GC} x (share of G and C - 0.5), "
    f"normal noise of {NOISE}, at least 0.5"
)


def value_lines(options: ResmOptions) -> Iterator[str]:
    """Rows of a table: name, gene, sequence, load."""
    random = stream(options.seed, "resm", "values")
    yield "name,gene,sequence,load"
    for row in range(options.values):
        letters = np.frombuffer(b"ACGU", dtype=np.uint8)[random.integers(0, 4, LEADER_NT)]
        text = letters.tobytes().decode()
        starts = [at for at in range(LEADER_NT - 2) if text.startswith("AUG", at) and (LEADER_NT - at) % 3]
        strong = float(np.isin(letters, (ord("G"), ord("C"))).mean())
        value = HIGHEST - LOST_BY_START * bool(starts) - LOST_BY_GC * (strong - 0.5) + NOISE * random.standard_normal()
        yield f"leader_{row + 1:04d},G{row // ROWS_PER_GENE + 1:03d},{text},{max(value, 0.5):.4f}"
