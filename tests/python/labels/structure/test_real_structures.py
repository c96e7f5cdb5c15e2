"""The public sets of structures, where RIBOLM_DATA holds them: counts, families, and that every format keeps them."""

import os
from pathlib import Path

import numpy as np
import pytest

from ribolm.labels.structure.dot_bracket import parse_brackets, read_dot_bracket, write_brackets
from ribolm.labels.structure.files import recognise
from ribolm.labels.structure.stockholm import read_families
from ribolm.sequences.rna import read_rna

REPOSITORY = Path(__file__).resolve().parents[4]
RESM = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "resm"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not RESM.is_dir(), reason=f"no real data at {RESM} (set RIBOLM_DATA)"),
]


@pytest.mark.parametrize(("name", "n", "n_without", "repairs"), [
    ("VL0", 1300, 1, ["lower-case letters read as upper case (310", "IUPAC ambiguity codes read as N (3"]),
    ("TS0", 1305, 1, ["lower-case letters read as upper case (563", "IUPAC ambiguity codes read as N (5"]),
    ("rnastrand_verified", 1051, 0, ["T read as U (89", "other letters read as N (180"]),
])  # fmt: skip
def test_sets_are_read_whole_and_repairs_told(
    name: str, n: int, n_without: int, repairs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = RESM / f"{name}.dbn.gz"
    assert recognise(path)[0] == "dbn"
    structures = read_dot_bracket(path)
    assert len(structures) == n and sum(not len(one.pairs()) for one in structures) == n_without
    told = capsys.readouterr().err
    assert all(repair in told for repair in repairs), told
    for one in structures[::7]:
        assert set(one.letters) <= set("ACGUN")
        assert np.array_equal(parse_brackets(write_brackets(one)), one.partner)


def test_families_of_rfam_are_read_with_type_and_structure() -> None:
    families = read_families(RESM / "rfam_seed_many_short.stk.gz")
    assert len(families) == 429 and sum(len(family.members) for family in families) == 10_214
    assert sum(len(family.members) >= 10 for family in families) == 267
    trna = next(family for family in families if family.accession == "RF00005")
    assert (trna.name, trna.kind, len(trna.members)) == ("tRNA", "Gene; tRNA", 954)
    assert all(family.has_structure and family.kind for family in families)
    paired = np.mean([(member.partner >= 0).mean() for member in trna.members])
    assert 0.5 < paired < 0.6


def test_fasta_of_every_dress_is_read() -> None:
    counts = {name: len(read_rna(RESM / f"{name}.gz")) for name in ("rnacentral_sample.fasta", "NC_000913.srnas.fa")}
    assert counts == {"rnacentral_sample.fasta": 1400, "NC_000913.srnas.fa": 15}
    muscle = read_rna(RESM / "muscle_utr_te.fasta.gz")
    assert len(muscle) == 1015 and max(len(record.letters) for record in muscle) == 8687
