"""Numbers behind the sections on lengths and regions of peaks."""

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.report.peaks.overview import mark_stop_codons, transcriptome_shares, width_histogram


def test_histogram_of_lengths_sums_to_all_peaks() -> None:
    widths = width_histogram(np.array([25.0, 50.0, 60.0, 5000.0]))
    assert dict(widths)[25.0] == 25 and dict(widths)[75.0] == 25 and dict(widths)[1000.0] == 25
    assert sum(y for _, y in widths) == pytest.approx(100)


def test_transcriptome_shares_mark_what_reaches_a_stop_codon(small_run) -> None:
    # two transcripts of 300 + 600 + 300 nt; a window of 100 nt reaches the 3-nt codon from 103 places
    shares = transcriptome_shares(read_gtf(small_run.gtf), 100)
    assert shares == {"5'UTR": 600, "CDS": 2 * (600 - 53), "3'UTR": 2 * (300 - 50), "non-coding": 0, "stop codon": 206}
    assert transcriptome_shares(read_gtf(small_run.gtf_without_cds), 100) == {"exon": 2400}


def test_stop_codons_are_marked_only_between_cds_and_utr() -> None:
    regions = np.array([0] * 5 + [1] * 6 + [2] * 5 + [3] * 4, dtype=np.uint8)
    assert mark_stop_codons(regions, 2).tolist() == [0] * 5 + [1] * 2 + [4] * 5 + [2] * 4 + [3] * 4
