"""The type of an RNA, from headers as RNAcentral and others write them, or from a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.rna_types import type_of, types_of


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("rRNA from 13 species", "rRNA"),
        ("autocatalytically_spliced_intron from 13 species", "autocatalytically_spliced_intron"),
        ("Homo sapiens (human) microRNA hsa-mir-21 precursor", "microRNA"),
        ("Escherichia coli TRNA, Ala", "tRNA"),
        ("rna_type=snoRNA species=9606", "snoRNA"),
        ("MUSCLE|type=5UTR|te=3", "5UTR"),
        ("from 13 species", "unknown"),
        ("", "unknown"),
    ],
)
def test_headers_say_types(description: str, expected: str) -> None:
    assert type_of(description) == expected


def test_a_table_goes_before_headers(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("name\ttype\tmore\na\tmine\tx\n\nb\tyours\ty\n")
    records = [RnaRecord("b", "ACGU", "tRNA"), RnaRecord("a", "ACGU", "tRNA")]
    assert types_of(records) == ["tRNA", "tRNA"]
    assert types_of(records, tmp_path / "t.tsv") == ["yours", "mine"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id\ttype\na\tx\n", r"line 1: begins \['id', 'type'\]"),
        ("name\ttype\na\tx\na\ty\n", "line 3, column 'name': 'a' occurs twice"),
        ("name\ttype\na\n", "line 2, column 'type'"),
        ("name\ttype\nc\tx\n", "has no type of record 'a'"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(DataError, match=told):
        types_of([RnaRecord("a", "ACGU", "")], tmp_path / "t.tsv")
