"""`ribolm-preprocess samplesheet --track resm`: what it refuses, what it repairs, what it hands on."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.cli.preprocess import main
from ribolm.console import Repairs
from ribolm.errors import DataError
from ribolm.samplesheet.data_sets import FORMATS, OF_TASK, read_data_sets
from ribolm.samplesheet.table import Row, Table

GOOD = """sample,task,split,path,value,group
corpus,pretrain,,corpus.fa.gz,,
known,structure,train,known.train.dbn,,
known,structure,validation,known.validation.dbn,,
known,structure,test,known.test.dbn.gz,,
others,structure,,others.ct,,
load,regression,,load.csv,rl,gene
types,families,,families.sto,,
pairs,interactions,,pairs.tsv,,
mine,predict,,mine.fa,,
"""
Outcome = tuple[int, str, Path]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Outcome]:
    def run(content: str) -> Outcome:
        sheet = tmp_path / "data.csv"
        sheet.write_text(content)
        code = main(["samplesheet", "--track", "resm", "--sheet", str(sheet), "--outdir", str(tmp_path / "out")])
        return code, capsys.readouterr().err, tmp_path / "out" / "datasets.csv"

    return run


def swap(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


REFUSED = {
    "no path": ("known.test.dbn.gz", "", "line 5, column 'path': '' is empty"),
    "task unknown": ("regression", "regresion", "line 7, column 'task': 'regresion' is not .*Did you mean regression?"),
    "split by another name": ("validation", "dev", "line 4, column 'split': 'dev' is not .*Write validation."),
    "format of another task": (
        "load.csv",
        "load.dbn",
        "line 7, column 'path': 'load.dbn' does not end in .csv.*structure",
    ),
    "no format": ("mine.fa", "mine.fastq", "line 10, column 'path': .*Convert the reads to FASTA."),
    "ending in capitals": ("mine.fa", "mine.FA", "Write the ending in lower case"),
    "spaces in a name": ("mine.fa", "my rnas.fa", "line 10, column 'path': 'my rnas.fa' has a file name with spaces"),
    "names that differ by case": (
        "mine,predict",
        "Known,predict",
        "line 10, column 'sample': 'Known' differs from 'known'",
    ),
    "a split that says nothing": ("types,families,", "types,families,test", "line 8, column 'split': .*Leave it empty"),
    "queries alone": (
        "pairs,interactions,,pairs.tsv",
        "pairs,interactions,queries,q.fa",
        "line 9, .*without the list, split empty",
    ),
    "a list of another kind": (
        "pairs,interactions,,pairs.tsv",
        "pairs,interactions,train,x.tsv",
        "line 9, .*Write queries or targ",
    ),
    "a column that says nothing": (
        "mine.fa,",
        "mine.fa,rl",
        "line 10, column 'value': 'rl' says nothing to task predict",
    ),
    "no validation": (
        "known,structure,validation,known.validation.dbn",
        "else,structure,test,x.dbn",
        "line 3, column 'split': 'train' of 'known' has no row with split validation",
    ),
    "validation alone": (
        "known,structure,train",
        "k2,structure,test",
        "line 4, column 'split': 'validation' needs a row",
    ),
    "some without split": (
        "known,structure,test",
        "known,structure,",
        "line 5, column 'split': '' is empty, but other rows",
    ),
    "one part twice": ("others,structure,", "known,structure,test", "line 6, column 'sample': .*in line 5 already"),
    "tested on what was trained on": (
        "known.test.dbn.gz",
        "./known.train.dbn",
        "line 5, .*is named in line 3 for the same",
    ),
    "a name with a slash": ("mine,", "mi/ne,", "line 10, column 'sample': 'mi/ne' holds characters"),
    "a misspelt column": ("task", "tsk", "line 1, column 'tsk': .*Did you mean 'task'?"),
    "quotes in a column of a table": ("rl,gene", "r`l,gene", "line 7, column 'value': .*Rename the column"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_is_told_with_row_and_column(check: Callable[[str], Outcome], name: str) -> None:
    old, new, sentence = REFUSED[name]
    code, told, table = check(swap(old, new))
    assert code == 65
    assert re.search(sentence, told), told
    assert not table.exists()


def test_a_second_set_to_train_on_is_refused(check: Callable[[str], Outcome]) -> None:
    code, told, _ = check(GOOD + "b,structure,train,b.dbn,,\nb,structure,validation,c.dbn,,\n")
    assert code == 65 and "line 11, column 'sample': 'b' is a second set to train on" in told


def test_rows_are_handed_on_with_their_formats(check: Callable[[str], Outcome]) -> None:
    code, told, table = check(GOOD.replace("corpus,pretrain", "corpus,PRETRAIN"))
    assert code == 0, told
    with table.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["format"] for row in rows[:7]] == [
        *("fasta", "dot-bracket", "dot-bracket", "dot-bracket", "ct", "table", "stockholm")
    ]
    assert rows[0]["task"] == "pretrain" and rows[0]["row"] == "2"
    assert (
        rows[0]["split"] == "train" and rows[4]["split"] == "test" and "tested as a whole (1, first at line 6)" in told
    )
    assert rows[5]["value"] == "rl" and rows[5]["group"] == "gene" and rows[5]["sequence"] == ""


def test_a_list_of_verified_interactions_comes_with_both_partners(check: Callable[[str], Outcome]) -> None:
    more = "srna,interactions,,verified.tsv,,\nsrna,interactions,queries,q.fa,,\nsrna,interactions,targets,t.fa.gz,,\n"
    code, told, table = check(GOOD + more)
    assert code == 0, told
    assert table.read_text().splitlines()[-1] == "srna,interactions,targets,t.fa.gz,fasta,,,,,13"


def test_four_columns_are_enough(check: Callable[[str], Outcome]) -> None:
    code, told, table = check("sample,task,split,path\nmine,predict,,${RNAS}/mine.fa\n")
    assert code == 0, told
    assert "mine,predict,,${RNAS}/mine.fa,fasta,,,,,2" in table.read_text()


@pytest.mark.parametrize("row", ["load,regression", "types,families", "pairs,interactions"])
def test_a_name_of_results_belongs_to_one_task(check: Callable[[str], Outcome], row: str) -> None:
    name, task = row.split(",")
    code, told, _ = check(swap(f"\n{row},", f"\nknown,{task},"))
    assert code == 65 and "column 'sample'" in told and "names a set of task structure in line 3" in told
    assert check(swap("\nmine,predict,", f"\n{name},predict,"))[0] == 0


@given(task=st.sampled_from(sorted(OF_TASK)), ending=st.sampled_from([e for some in FORMATS.values() for e in some]))
def test_a_task_takes_its_formats_and_no_other(task: str, ending: str) -> None:
    table = Table(Path("data.csv"), Row(1, ("sample", "task", "path")), (Row(2, ("a", task, f"x.{ending}")),))
    fits = any(ending in FORMATS[kind] for kind in OF_TASK[task])
    try:
        (found,) = read_data_sets(table, Repairs("data.csv"))
    except DataError as error:
        assert not fits and "line 2, column 'path'" in str(error)
    else:
        assert fits and ending in FORMATS[found.format]
