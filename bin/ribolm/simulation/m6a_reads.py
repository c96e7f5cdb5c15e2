"""Reads of fragments: which mate is sense, the letters with sequencing errors, the blocks on the genome."""

import dataclasses

import numpy as np

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.genome.coordinates import Int64, ranges
from ribolm.simulation.m6a_fragments import Fragments
from ribolm.simulation.m6a_genes import BASES
from ribolm.simulation.m6a_options import Library, M6aOptions
from ribolm.simulation.m6a_transcriptome import Transcriptome
from ribolm.simulation.streams import stream

BASE_CODE = np.zeros(256, dtype=np.uint8)
BASE_CODE[BASES] = np.arange(4, dtype=np.uint8)


@dataclasses.dataclass(frozen=True)
class Reads:
    """The reads of one library. Read number = fragment · mates + mate (0 = R1), mates = 1 or 2.

    `r1_is_sense` bool [fragments]; errors: `error_base` int64, ascending, = read number · read length + cycle, and
    `error_shift` uint8 1-3, how far the base code moves.
    """

    transcripts: Transcriptome
    fragments: Fragments
    mates: int
    read_length_nt: int
    r1_is_sense: np.ndarray
    error_base: Int64
    error_shift: np.ndarray

    def is_sense(self, fragment: np.ndarray, mate: int | np.ndarray) -> np.ndarray:
        """Whether reads run in the direction of the transcript, bool [n]."""
        return np.asarray(self.r1_is_sense[fragment] == (np.asarray(mate) == 0))

    def span(self, fragment: np.ndarray, sense: np.ndarray) -> tuple[Int64, Int64]:
        """Places (first, end) of reads in the end-to-end transcripts, int64 [n] each."""
        transcript = self.fragments.transcript[fragment]
        first = self.transcripts.transcript_offset[transcript] + self.fragments.start[fragment]
        first = first + np.where(sense, 0, self.fragments.length_nt[fragment].astype(np.int64) - self.read_length_nt)
        return first, first + self.read_length_nt

    def letters(self, fragment: np.ndarray, mate: int | np.ndarray) -> Letters:
        """Bases of reads in sequencing order, with errors; uint8 ASCII [n, read length]."""
        sense = self.is_sense(fragment, mate)
        first, end = self.span(fragment, sense)
        cycle = np.arange(self.read_length_nt)
        begin, step = np.where(sense, first, end - 1), np.where(sense, 1, -1)
        bases = self.transcripts.sequence[begin[:, None] + step[:, None] * cycle]
        bases[~sense] = COMPLEMENT[bases[~sense]]
        self._add_errors(bases, fragment.astype(np.int64) * self.mates + mate)
        return bases

    def _add_errors(self, bases: Letters, read: Int64) -> None:
        low, high = (np.searchsorted(self.error_base, (read + k) * self.read_length_nt) for k in (0, 1))
        row = np.repeat(np.arange(len(read)), high - low)
        error = ranges(low, high - low)
        cycle = self.error_base[error] - read[row] * self.read_length_nt
        bases[row, cycle] = BASES[(BASE_CODE[bases[row, cycle]] + self.error_shift[error]) % 4]


def make_reads(transcripts: Transcriptome, fragments: Fragments, library: Library, options: M6aOptions) -> Reads:
    """Draw mate orientation and sequencing errors of a library.

    `reverse` (dUTP): R1 is the complement of the transcript; `forward`: R1 is the transcript; else by chance.
    """
    mates = 1 if options.single_end else 2
    n = len(fragments)
    if options.strandedness == "unstranded":
        r1_is_sense = stream(options.seed, "library", library.name, "orientation").random(n) < 0.5
    else:
        r1_is_sense = np.full(n, options.strandedness == "forward")
    rng = stream(options.seed, "library", library.name, "errors")
    n_bases = n * mates * options.read_length_nt
    wanted = int(rng.binomial(n_bases, options.error_rate)) if n_bases else 0
    error_base = np.unique(rng.integers(n_bases, size=wanted)) if wanted else np.zeros(0, dtype=np.int64)
    error_shift = rng.integers(1, 4, size=len(error_base)).astype(np.uint8)
    return Reads(transcripts, fragments, mates, options.read_length_nt, r1_is_sense, error_base, error_shift)


def read_names(fragment: np.ndarray, width: int) -> np.ndarray:
    """Names r1, r2, … of fragments, numbers padded with zeros: uint8 ASCII [n, 1 + width]."""
    number = fragment.astype(np.int64)[:, None] + 1
    digits = number // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64) % 10
    return np.concatenate([np.full((len(fragment), 1), ord("r")), digits + ord("0")], axis=1).astype(np.uint8)
