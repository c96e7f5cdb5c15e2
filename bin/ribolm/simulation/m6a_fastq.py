"""FASTQ of a simulated library: fixed-width records, constant base quality, gzip that is the same every time."""

from pathlib import Path

import numpy as np

from ribolm.simulation.m6a_reads import Reads, read_names
from ribolm.simulation.text_files import deterministic_gzip

CHUNK = 1 << 16
QUALITY = ord("I")
NAME_DIGITS = 8


def write_fastq(path: Path, reads: Reads, mate: int) -> None:
    """Write one mate (0 = R1) of every fragment as gzip FASTQ; mates have equal names, line by line."""
    n, width = len(reads.fragments), reads.read_length_nt
    with deterministic_gzip(path) as handle:
        for first in range(0, n, CHUNK):
            fragment = np.arange(first, min(first + CHUNK, n))
            names = read_names(fragment, NAME_DIGITS)
            record = np.empty((len(fragment), names.shape[1] + 2 * width + 6), dtype=np.uint8)
            at = 1 + names.shape[1]
            record[:, 0] = ord("@")
            record[:, 1:at] = names
            record[:, [at, at + 1 + width, at + 3 + width, at + 4 + 2 * width]] = ord("\n")
            record[:, at + 1 : at + 1 + width] = reads.letters(fragment, mate)
            record[:, at + 2 + width] = ord("+")
            record[:, at + 4 + width : at + 4 + 2 * width] = QUALITY
            handle.write(record.tobytes())
