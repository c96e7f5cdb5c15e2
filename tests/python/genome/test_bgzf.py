"""Blocked gzip of ours is read by gzip and htslib, and depends on the text alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest

from ribolm.genome.bgzf import BLOCK_BYTES, bgzf_file


def noise(n: int) -> bytes:
    return np.random.default_rng(n).integers(0, 256, n, dtype=np.uint8).tobytes()


@pytest.mark.parametrize(
    "text", [b"", b"a\n", b"chr1\t1\t2\n" * 50_000, noise(BLOCK_BYTES), noise(3 * BLOCK_BYTES + 7)], ids=len
)
def test_others_read_back_what_was_written(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.gz"
    with bgzf_file(path) as writer:
        for begin in range(0, len(text), 10_007):
            writer.write(text[begin : begin + 10_007])
    assert gzip.decompress(path.read_bytes()) == text
    with pysam.BGZFile(str(path), "r", None) as handle:
        assert handle.read() == text
    with bgzf_file(tmp_path / "y.gz") as writer:
        writer.write(text)
    assert (tmp_path / "y.gz").read_bytes() == path.read_bytes()
    assert path.read_bytes().endswith(bytes.fromhex("1b0003000000000000000000"))


def test_a_fault_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), bgzf_file(tmp_path / "x.gz") as writer:
        writer.write(b"x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
