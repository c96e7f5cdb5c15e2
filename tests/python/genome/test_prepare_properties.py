"""Any bytes at all: genome and genes are either refused in one sentence or written so that they read back the same."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.genome import fasta as fasta_module
from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import FastaRepairs, read_fasta
from ribolm.genome.prepare import prepare_genome, write_fasta

SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
FASTA = b">c1 x\nACGTNacgtn\nRYK\n>c2\nGATTACA\n"
GTF = b"".join(
    b'%s\ts\t%s\t%d\t%d\t.\t%s\t.\tgene_id "%s"; transcript_id "%s.1";\n'
    % (chrom, kind, start, end, strand, gene, gene)
    for chrom, kind, start, end, strand, gene in [
        (b"c1", b"exon", 1, 6, b"+", b"g"),
        (b"c1", b"CDS", 2, 4, b"+", b"g"),
        (b"c2", b"exon", 3, 7, b"-", b"h"),
        (b"c1", b"gene", 1, 13, b"+", b"g"),
    ]
)
PIECES = st.sampled_from(
    b'>,\n,\r,\r\n,\t, ,;,",=,c1,c2,chrc1,exon,+,.,-1,0,99999999999999999999,gene_id,gene_id "",transcript_id,|,#,\0,'
    b"\xff,X,\xef\xbb\xbf".split(b",")
)
Prepare = Callable[[bytes, bytes], Path | None]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Prepare bytes as genome and genes; None when refused (in one line, with nothing written)."""

    def run(fasta: bytes, gtf: bytes) -> Path | None:
        out = tmp_path / "out"
        for path in out.glob("*"):
            path.unlink()
        (tmp_path / "g.fa").write_bytes(fasta)
        (tmp_path / "g.gtf").write_bytes(gtf)
        try:
            prepare_genome(tmp_path / "g.fa", tmp_path / "g.gtf", None, out)
        except DataError as error:
            assert "\n" not in str(error) and ("g.fa" in str(error) or "g.gtf" in str(error))
            assert not list(out.glob("*"))
            return None
        return out

    return run


def mutated(data: st.DataObject, content: bytes) -> bytes:
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 6)))
        content = content[:start] + data.draw(PIECES) + content[end:]
    return content


def assert_sound(prepare: Prepare, fasta: bytes, gtf: bytes) -> None:
    out = prepare(fasta, gtf)
    if out is None:
        return
    written = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "genome.json"}
    assert prepare(written["genome.fa"], written["genes.gtf"]) == out, "what is written is valid input"
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.name != "genome.json"} == written
    assert len(read_gtf(out / "genes.gtf").exons) > 0


@SHARED_FOLDER
@given(fasta=st.binary(max_size=80), gtf=st.binary(max_size=120))
def test_any_bytes(prepare: Prepare, fasta: bytes, gtf: bytes) -> None:
    assert_sound(prepare, fasta, GTF)
    assert_sound(prepare, FASTA, gtf)


@settings(SHARED_FOLDER, max_examples=250)
@given(data=st.data())
def test_good_files_with_pieces_replaced(prepare: Prepare, data: st.DataObject) -> None:
    assert_sound(prepare, mutated(data, FASTA), mutated(data, GTF))


SEQUENCES = st.lists(st.text("ACGTUacgturyswkmbdhvnN", min_size=1, max_size=150), min_size=1, max_size=4)


@SHARED_FOLDER
@given(
    sequences=SEQUENCES,
    width=st.integers(1, 70),
    line_end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    chunk_bytes=st.integers(1, 64),
)
def test_letters_are_the_same_however_the_file_is_cut(
    sequences: list[str], width: int, line_end: str, chunk_bytes: int, tmp_path: Path
) -> None:
    lines = []
    for number, sequence in enumerate(sequences):
        lines += [f">c{number} text", *(sequence[at : at + width] for at in range(0, len(sequence), width))]
    (tmp_path / "g.fa").write_bytes((line_end.join(lines) + line_end).encode())
    expected = ["".join({"U": "T"}.get(c, c if c in "ACGT" else "N") for c in s.upper()) for s in sequences]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta_module, "CHUNK_BYTES", chunk_bytes)
        with (tmp_path / "o.fa").open("wb") as out:
            contigs = list(write_fasta(tmp_path / "g.fa", out, FastaRepairs()))
        found = [block for _, block in read_fasta(tmp_path / "o.fa", FastaRepairs())]
    joined, sizes = b"".join(block or b"" for block in found), np.cumsum([0, *(len(s) for s in sequences)])
    assert [joined[a:b].decode() for a, b in pairwise(sizes)] == expected
    assert [contig.length_nt for contig in contigs] == [len(s) for s in sequences]
    assert [contig.n_count for contig in contigs] == [s.count("N") for s in expected]
