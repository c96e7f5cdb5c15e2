"""Tables of RNA pairs: both forms, sites from 0 and from 1, letters, refusals with their place."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.labels.interactions.pairs import read_pairs
from ribolm.labels.interactions.verified import read_verified

REPOSITORY = Path(__file__).resolve().parents[4]
RESM = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "resm"
real = pytest.mark.skipif(not RESM.is_dir(), reason=f"no real data at {RESM} (set RIBOLM_DATA)")
OWN = "query\ttarget\tquery_sequence\ttarget_sequence\ttarget_start0\ttarget_end0\ttype\n"
GARDNER = (
    "antisense ncRNA,Target RNA,Type,Species,Target Interaction Region Start,Target Interaction Region End,"
    "antisense ncRNA sequence,target RNA sequence,Reference,,,sRNA_Locus_Tag,Target_Locus_Tag\n"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text)
    return path


def test_our_table_counts_from_0_and_leaves_sites_open(tmp_path: Path) -> None:
    rows = "s\tm\tACGT\tGGacguGG\t2\t6\tsRNA\n\ns\tm\tACGT\tGGACGUGG\t\t\t\n"
    first, second = read_pairs(written(tmp_path, OWN + rows))
    assert (first.name, first.query.letters, first.target.letters) == ("s|m", "ACGU", "GGACGUGG")
    assert first.site0 == (2, 6) and first.kind == "sRNA"
    assert second.name == "s|m#2" and second.site0 is None


def test_the_published_form_counts_from_1_with_both_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = 's,m ,miRNA,X,3,6,acgt,GGACGUGG,"Doe, 2001",,,a,b\n'
    (found,) = read_pairs(written(tmp_path, GARDNER + row))
    assert found.site0 == (2, 6) and found.target.letters[2:6] == "ACGU"
    assert "lower-case letters read as upper case (4" in capsys.readouterr().err


def test_a_target_may_be_a_genome(tmp_path: Path) -> None:
    target = "ACGU" * 40_000
    (found,) = read_pairs(written(tmp_path, OWN + f"s\tm\tACGU\t{target}\t\t\t\n"))
    assert found.target.letters == target


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    assert read_pairs(written(tmp_path, OWN)) == []
    assert read_pairs(written(tmp_path, "target,query,query_sequence,target_sequence\n")) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("s\tm\tACGU\tGGACGUGG\t6\t2\t\n", r"pairs\.txt line 2, column 'target_start0': '6 to 2' is no stretch"),
        ("s\tm\tACGU\tGGACGUGG\t0\t9\t\n", "is no stretch inside the target of 8 nt"),
        ("s\tm\tACGU\tGGACGUGG\tx\t9\t\n", "'x' is no whole number from 0"),
        ("s\tm\tACGU\tGGACGUGG\t1\t\t\n", "column 'target_end0': '' is no whole number"),
        ("s\tm\t\tGGACGUGG\t\t\t\n", "column 'query_sequence': '' is empty"),
        ("s\tm\tACG-U\tGGACGUGG\t\t\t\n", "record 's|m' of line 2, column 'query_sequence', position 4: '-' is a gap"),
        ("s\tm\tACGU\tGGE\t\t\t\n", "position 3: 'E' is no nucleotide code"),
        ("s\tm\tACGU\tGG\n", "line 2: has 4 columns, the header 7"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(DataError, match=said.replace("|", r"\|")):
        read_pairs(written(tmp_path, OWN + row))


@pytest.mark.parametrize("text", ["", "a,b,c\n", ">x\nACGU\n"])
def test_another_header_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"pairs\.txt"):
        read_pairs(written(tmp_path, text))


rnas = st.text("ACGU", min_size=1, max_size=12)


@given(st.lists(st.tuples(rnas, rnas, st.text("ab,\" '", max_size=4)), max_size=5), st.sampled_from(["\t", ","]))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], separator: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(["query", "target", "query_sequence", "target_sequence", "target_start0", "target_end0", "note"])
    writer.writerows([f"q{i}", "t", a, b, 0, len(b), note] for i, (a, b, note) in enumerate(rows))
    found = read_pairs(written(tmp_path_factory.mktemp("pairs"), text.getvalue()))
    assert [(one.query.letters, one.target.letters) for one in found] == [(a, b) for a, b, _ in rows]
    assert all(one.site0 == (0, len(one.target.letters)) for one in found)


def test_verified_targets_are_found_by_organism_and_counted_where_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["S\tg1\tx\tNC", "S\tg1\ty\tNC", "S\tg9\tz\tNC", "S\tg1\tz\tOTHER", "T\tg2\tz\tNC"]
    (tmp_path / "v.tsv").write_text("sRNA\tgene\tgeneName\torganism\n" + "\n".join(rows) + "\n")
    assert read_verified(tmp_path / "v.tsv", {"S_NC", "T"}, {"g1", "g2"}) == {"S_NC": ("g1",), "T": ("g2",)}
    said = capsys.readouterr().err
    assert "1 of 5 rows left out: no sequence was given for the query" in said
    assert "1 of 5 rows left out: no sequence was given for the target" in said
    (tmp_path / "v.tsv").write_text("sRNA\tgene\n")
    with pytest.raises(DataError, match="organism"):
        read_verified(tmp_path / "v.tsv", (), ())


@pytest.mark.realdata
@real
def test_the_154_interactions_are_read_whole() -> None:
    found = read_pairs(RESM / "rri_gardner154.csv.gz")
    assert len(found) == 154 == len({one.name for one in found})
    assert all(one.site0 is not None for one in found)
    assert max(len(one.target.letters) for one in found) == 6350
    kinds = [one.kind for one in found]
    assert kinds.count("sRNA") == 61 and kinds.count("miRNA") == 36


@pytest.mark.realdata
@real
def test_verified_targets_of_15_srnas() -> None:
    from ribolm.sequences.rna import read_rna

    names = [{record.name for record in read_rna(RESM / f"NC_000913.{what}.fa.gz")} for what in ("srnas", "targets")]
    found = read_verified(RESM / "intarna_verified_interactions.tsv", *names)
    assert len(found) == 15 and 90 <= sum(map(len, found.values())) <= 102
