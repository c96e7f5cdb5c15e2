"""The model of ribosome load that comes with ribolm: locked values, and what it does with longer 5' UTRs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ribolm.cli.predict import main
from ribolm.models.directories import shipped_model

PLAIN = "ACCAAGCAACACTTAGCAACCTACAACTCCAAGCACTCAACAAGCACAAC"
# the same with one AUG: in frame; out of frame; out of frame and closed by a stop codon
IN_FRAME = "ACCAAGCAACACTTAGCAACATGCAACTCCAAGCACTCAACAAGCACAAC"
OUT_OF_FRAME = "CCAAGCAACACTTAGCACCATGGCAACTCCAAGCACTCAACAAGCACAAC"
CLOSED = "CCAAGCAACACTTAGCACCATGGCATAACCAAGCACTCAACAAGCACAAC"
LOCKED = {"plain": 7.1604, "in_frame": 6.9760, "out_of_frame": 2.6465, "closed": 3.3691}


def loads(folder: Path, **sequences: str) -> dict[str, float]:
    """Predicted load of every sequence, by its name."""
    (folder / "utrs.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in sequences.items()))
    places = ["--model", str(shipped_model("ribosome-load-small")), "--sequences", str(folder / "utrs.fa")]
    assert main(["sequences", *places, "--out", str(folder / "loads.tsv"), "--device", "cpu"]) == 0
    rows = [line.split("\t") for line in (folder / "loads.tsv").read_text().splitlines()[1:]]
    return {row[0]: float(row[1]) for row in rows}


def test_values_are_what_they_were_and_follow_the_frame(tmp_path: Path) -> None:
    found = loads(tmp_path, plain=PLAIN, in_frame=IN_FRAME, out_of_frame=OUT_OF_FRAME, closed=CLOSED)
    assert found == pytest.approx(LOCKED, abs=2e-3)
    assert found["out_of_frame"] < found["closed"] < found["in_frame"] - 3 and found["in_frame"] < found["plain"]


def test_longer_leaders_are_read_at_their_end_and_shorter_ones_are_told(tmp_path: Path, capsys) -> None:
    found = loads(tmp_path, plain=PLAIN, long="GATTACAATGG" + PLAIN, short=PLAIN[20:])
    assert found["long"] == found["plain"] != found["short"]
    said = capsys.readouterr().err
    assert "the last 50 nt are read" in said and "1 of 3 sequences are longer, 1 shorter" in said
    assert "2 of 3 sequences have a length that training did not have (50 nt)" in said
