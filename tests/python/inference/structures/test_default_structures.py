"""The model of structures that comes with ribolm finds the cloverleaf, with and without a folding program."""

from pathlib import Path

import pytest

from ribolm.cli.predict import main
from ribolm.labels.structure.files import read_structures

# tRNA-Phe of yeast (PDB 1EHZ); its family is in TR0, so that this shows that the model works, not what it is worth
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
CLOVER = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."


@pytest.mark.parametrize("more", [[], ["--no-thermodynamics"]])
def test_the_cloverleaf_is_found(more: list[str], tmp_path: Path) -> None:
    fasta, out = tmp_path / "trna.fa", tmp_path / "trna.dbn"
    fasta.write_text(f">trna\n{TRNA}\n")
    assert main(["structure", "--sequences", str(fasta), "--out", str(out), "--device", "cpu", *more]) == 0
    (tmp_path / "known.dbn").write_text(f">trna\n{TRNA}\n{CLOVER}\n")
    found, known = read_structures(out)[0].partner, read_structures(tmp_path / "known.dbn")[0].partner
    right = ((found == known) & (known >= 0)).sum()
    recall, precision = right / (known >= 0).sum(), right / (found >= 0).sum()
    assert recall >= 0.8 and precision >= 0.8
