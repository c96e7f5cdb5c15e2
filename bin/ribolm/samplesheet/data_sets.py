"""Rows of a sheet of track resm: files of data sets, what each is for, and whether they go together."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import bad_value
from ribolm.samplesheet.columns import (
    PARTNERS,
    RESM,
    SPLITS,
    TASKS,
    Column,
    check_choice,
    check_name,
    harmless,
    refuse_case_variants,
    resolve_header,
)
from ribolm.samplesheet.paths import check_path
from ribolm.samplesheet.table import Row, Table

COLUMNS = {column.name: column for column in RESM}
HEADINGS = ("sequence", "value", "group")
FAMILY_PREFIX = "prefix"
FORMATS = {
    "fasta": ("fa", "fna", "fasta"),
    "dot-bracket": ("dbn", "db"),
    "ct": ("ct",),
    "bpseq": ("bpseq",),
    "stockholm": ("sto", "stk"),
    "table": ("csv", "tsv"),
}
OF_TASK = {
    "pretrain": ("fasta",),
    "structure": ("dot-bracket", "ct", "bpseq"),
    "regression": ("table", "fasta"),
    "families": ("stockholm",),
    "interactions": ("table",),
    "predict": ("fasta",),
}
OTHER_FORMATS = {
    **dict.fromkeys((".fastq", ".fq"), "Convert the reads to FASTA."),
    **dict.fromkeys((".bz2", ".xz", ".zst", ".zip"), "Unpack it, or recompress it as .gz."),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "Save the table as CSV."),
    **dict.fromkeys((".pdb", ".cif"), "Write its base pairs as dot-bracket, CT or BPSEQ."),
    **dict.fromkeys((".stockholm", ".seed"), "Rename or link it to .sto."),
    **dict.fromkeys((".dot", ".vienna", ".fold"), "Rename or link it to .dbn."),
    **dict.fromkeys((".txt", ".tab"), "Rename or link it to .tsv or .csv."),
}
MEASURED = ("structure", "regression", "families", "interactions")  # have results of their own by sample
# splits that say something to a task; without any, all rows of the file are used
PARTS = {"pretrain": ("train", "test"), "structure": SPLITS, "interactions": PARTNERS}
DEALT = "ribolm deals the rows into folds, those of a group (column group) into one."
MEANT_SPLIT = {
    **dict.fromkeys(("dev", "val", "valid", "development", "vl", "tune"), "validation"),
    **dict.fromkeys(("training", "tr", "learn"), "train"),
    **dict.fromkeys(("testing", "ts", "held_out", "evaluation", "eval"), "test"),
}


@dataclass(frozen=True)
class DataSet:
    """One row: `format` is a key of FORMATS; `headings` names columns of a table; `row` is its line in the sheet."""

    sample: str
    task: str
    split: str
    path: str
    format: str
    headings: dict[str, str]
    row: int


def read_data_sets(table: Table, repairs: Repairs) -> list[DataSet]:
    """Check rows alone, then together; raises DataError for the first fault, with its line and column."""
    names = resolve_header(table, RESM, repairs)
    found = [_data_set(table, row, dict(zip(names, row.cells, strict=True)), repairs) for row in table.rows]
    refuse_case_variants(table.path, "sample", ((one.row, one.sample) for one in found))
    _refuse_repeated(table.path, found)
    _refuse_gaps(table.path, found)
    return [_with_split(one, repairs) for one in found]


def _data_set(table: Table, row: Row, cells: dict[str, str], repairs: Repairs) -> DataSet:
    values = {name: cells.get(name, "") for name in COLUMNS}
    check_name(table, row, COLUMNS["sample"], values["sample"])
    task = check_choice(table, row, COLUMNS["task"], values["task"], repairs)
    split = _split(table, row, task, values["split"], repairs)
    if values["transform"]:
        values["transform"] = check_choice(table, row, COLUMNS["transform"], values["transform"], repairs)
    kind = _format(table, row, task, split, values["path"])
    _check_headings(table, row, task, values)
    headings = {name: harmless(values[name], repairs) for name in (*HEADINGS, "transform")}
    return DataSet(values["sample"], task, split, values["path"], kind, headings, row.line)


def _split(table: Table, row: Row, task: str, split: str, repairs: Repairs) -> str:
    """The split in lower case; DataError where the task has no such part."""
    if not split:
        return ""
    meant, known = MEANT_SPLIT.get(split.lower()), PARTS.get(task, ())
    if meant in known and split.lower() not in known:
        raise bad_value(table.path, row.line, "split", split, f"is not {_listed([*known])}", f"Write {meant}.")
    split = check_choice(table, row, COLUMNS["split"], split, repairs)
    if split in known:
        return split
    rest = DEALT if task == "regression" else "all rows of the file are used."
    remedy = f"Write {_listed([*known])}, or leave it empty." if known else f"Leave it empty: {rest}"
    raise bad_value(table.path, row.line, "split", split, f"says nothing to task {task}", remedy)


def _format(table: Table, row: Row, task: str, split: str, path: str) -> str:
    """The format that the ending of the path names; DataError unless the task reads it."""
    if not path:
        raise bad_value(table.path, row.line, "path", path, "is empty", "Name the file of the row.")
    formats = ("fasta",) if split in PARTNERS else OF_TASK[task]
    fitting = [ending for kind in formats for ending in FORMATS[kind]]
    column = Column("path", True, "", rf".+\.({'|'.join(fitting)})(\.gz)?")
    words = f"{_listed([f'.{ending}' for ending in fitting])} (or .gz of it), which task {task} reads"
    check_path(table, row, column, path, words, {**OTHER_FORMATS, **_other_tasks(task)})
    ending = posixpath.basename(path).removesuffix(".gz").rpartition(".")[2]
    return next(kind for kind, endings in FORMATS.items() if ending in endings)


def _other_tasks(task: str) -> dict[str, str]:
    """By ending: the tasks that would read such a file."""
    remedies = {}
    for kind, endings in FORMATS.items():
        tasks = [other for other in TASKS if other != task and kind in OF_TASK[other]]
        for ending in endings if tasks else ():
            remedies[f".{ending}"] = f"Correct the task ({_listed(tasks)}), or name another file."
    return remedies


def _check_headings(table: Table, row: Row, task: str, values: dict[str, str]) -> None:
    reads = {"regression": (*HEADINGS, "transform"), "structure": ("group",)}.get(task, ())
    for name in (*HEADINGS, "transform"):
        value = values[name]
        if value and name not in reads:
            readers = "tasks regression and structure read it" if name == "group" else "task regression alone reads it"
            remedy = f"Leave it empty: {readers}."
            raise bad_value(table.path, row.line, name, value, f"says nothing to task {task}", remedy)
        if value and task == "structure" and value != FAMILY_PREFIX:
            problem = "is not prefix (names begin with their family and _)"
            raise bad_value(table.path, row.line, name, value, problem, "Write prefix, or leave it empty.")
        if value and re.search(r"[\"'`$\\\x00-\x1f]", value):
            raise bad_value(table.path, row.line, name, value, "holds quotes or $", "Rename the column of the table.")


def _refuse_repeated(path: Path, found: Sequence[DataSet]) -> None:
    measured: dict[str, DataSet] = {}
    for one in (one for one in found if one.task in MEASURED):
        first = measured.setdefault(one.sample, one)
        if first.task != one.task:
            problem = f"names a set of task {first.task} in line {first.row}, and results lie under this name"
            raise bad_value(path, one.row, "sample", one.sample, problem, "Give one of them another name.")
    parts: dict[tuple[str, str, str], int] = {}
    files: dict[tuple[str, str], int] = {}
    for one in found:
        row = parts.setdefault((one.sample, one.task, one.split), one.row)
        if row != one.row:
            problem = f"has its {one.task} data of split '{one.split}' in line {row} already"
            remedy = "Give the file another sample name or split."
            raise bad_value(path, one.row, "sample", one.sample, problem, remedy)
        row = files.setdefault((one.task, _identity(path, one.path)), one.row)
        if row != one.row:
            problem = f"is named in line {row} for the same task"
            raise bad_value(path, one.row, "path", one.path, problem, "Name each file once per task.")


def _identity(sheet: Path, path: str) -> str:
    if "://" in path or path.startswith("$"):
        return path
    return posixpath.normpath(str(Path(sheet).resolve().parent / path))


def _refuse_gaps(path: Path, found: Sequence[DataSet]) -> None:
    """Splits of one structure set must make sense together."""
    for one in found:
        others = {other.split for other in found if (other.sample, other.task) == (one.sample, one.task)}
        if one.task == "structure" and not one.split and len(others) > 1:
            problem = f"is empty, but other rows of '{one.sample}' name their split"
            raise bad_value(path, one.row, "split", "", problem, f"Write {_listed(list(SPLITS))}.")
        if one.split == "validation" and "train" not in others:
            problem = f"needs a row of '{one.sample}' with split train"
            raise bad_value(path, one.row, "split", one.split, problem, "Add it, or write test.")
    _refuse_lonely_partners(path, found)
    trained = [one for one in found if (one.task, one.split) == ("structure", "train")]
    for one in trained:
        mates = {other.split for other in found if (other.sample, other.task) == (one.sample, one.task)}
        if "validation" not in mates:
            problem = f"of '{one.sample}' has no row with split validation beside it"
            remedy = "Add one: thresholds and the end of training are chosen on it."
            raise bad_value(path, one.row, "split", one.split, problem, remedy)
    if len(trained) > 1:
        problem = f"is a second set to train on, after '{trained[0].sample}' in line {trained[0].row}"
        remedy = "Train on one set per run; test on as many as you like."
        raise bad_value(path, trained[1].row, "sample", trained[1].sample, problem, remedy)


def _refuse_lonely_partners(path: Path, found: Sequence[DataSet]) -> None:
    """A list of verified interactions names its RNAs, so that both FASTA files and the list belong together."""
    for one in found:
        parts = {other.split for other in found if (other.sample, other.task) == (one.sample, one.task)}
        lacking = [part for part in ("", *PARTNERS) if part not in parts]
        if one.split in PARTNERS and lacking:
            needed = " and ".join(f"split {part}" if part else "the list, split empty" for part in lacking)
            problem = f"of '{one.sample}' stands without {needed}"
            raise bad_value(path, one.row, "split", one.split, problem, "Add the row, with the same sample name.")


def _with_split(one: DataSet, repairs: Repairs) -> DataSet:
    """Structures without a split are tested, RNAs to pretrain on are learnt from."""
    if one.task == "pretrain" and not one.split:
        return replace(one, split="train")
    if one.task != "structure" or one.split:
        return one
    repairs.add("structure sets without a split are tested as a whole", f"line {one.row}")
    return replace(one, split="test")


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
