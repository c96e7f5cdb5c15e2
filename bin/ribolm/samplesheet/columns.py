"""The columns of a samplesheet, declared once: parser, messages and assets/schema_input.json follow from them."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.samplesheet.table import Row, Table

NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
FASTQ_PATTERN = r".+\.(fastq|fq)(\.gz)?"
BAM_PATTERN = r".+\.bam"
REPLICATE_PATTERN = r"[1-9][0-9]{0,3}"
FASTA_PATTERN = r".+\.(fa|fna|fasta)(\.gz)?"
DATA_PATTERN = r".+\.(fa|fna|fasta|dbn|db|ct|bpseq|sto|stk|csv|tsv)(\.gz)?"
GTF_PATTERN = r".+\.gtf(\.gz)?"
FILE_PATTERN = r".+"
HEADING_PATTERN = r"[^,]{1,200}"
RESERVED = ("library", "row", "format")  # ribolm adds these columns to its own tables
NEAR = 0.75  # difflib ratio from which an unknown header counts as a misspelt one


@dataclass(frozen=True)
class Column:
    """One column: `pattern` holds for the whole value after repair, `choices` are its only values where given.

    `meant_by`: headers that other pipelines give it; they are refused, because their values would be lost.
    """

    name: str
    required: bool
    help: str
    pattern: str = ""
    choices: tuple[str, ...] = ()
    meant_by: tuple[str, ...] = ()


M6A = (
    Column("sample", True, "Name of the biological sample; letters, digits, _ . - only.", NAME_PATTERN),
    Column(
        "group",
        True,
        "Condition whose replicates are called together; an input of several groups names them joined by ;.",
        rf"{NAME_PATTERN}(;{NAME_PATTERN})*",
    ),
    Column(
        "replicate",
        False,
        "Whole number from 1; may be left out where a group has one.",
        REPLICATE_PATTERN,
        meant_by=("rep",),
    ),
    Column("assay", True, "ip (immunoprecipitated) or input.", choices=("ip", "input")),
    Column("fastq_1", False, "Reads or first mates: .fastq.gz, .fq.gz, .fastq or .fq.", FASTQ_PATTERN),
    Column("fastq_2", False, "Second mates; empty for single-end libraries.", FASTQ_PATTERN),
    Column("bam", False, "Alignments instead of FASTQ.", BAM_PATTERN),
    Column(
        "strandedness",
        False,
        "Strand of read 1 against the transcript; empty = auto.",
        choices=("auto", "unstranded", "forward", "reverse"),
        meant_by=("strand", "library_type", "libtype", "lib_type"),
    ),
)

TRANSFORMS = ("none", "log", "log1p")
TASKS = ("pretrain", "structure", "regression", "families", "interactions", "predict")
SPLITS = ("train", "validation", "test")
PARTNERS = ("queries", "targets")
RESM = (
    Column("sample", True, "Name of the data set; letters, digits, _ . - only.", NAME_PATTERN),
    Column("task", True, "What the file is for.", choices=TASKS),
    Column(
        "split",
        False,
        "Part of a set: train, validation or test of structures (empty: all is tested); test of pretrain, whose RNAs "
        "are left out and scored; queries and targets (FASTA) of a list of verified interactions.",
        choices=(*SPLITS, *PARTNERS),
    ),
    Column("path", True, "FASTA, structures (.dbn, .ct, .bpseq), Stockholm or a table, plain or gz.", DATA_PATTERN),
    Column("sequence", False, "Tables: the column of the sequences; empty = sequence.", HEADING_PATTERN),
    Column("value", False, "Regression: the column, or part of FASTA headers, that is measured.", HEADING_PATTERN),
    Column(
        "group",
        False,
        "Regression: the column that keeps rows together, such as a gene. Structure: prefix, where names begin with "
        "their family and _.",
        HEADING_PATTERN,
    ),
    Column("transform", False, "Regression: what is learnt of the value; empty = none.", choices=TRANSFORMS),
)

POLYA = (
    Column("sample", True, "Name of the genome; letters, digits, _ . - only.", NAME_PATTERN),
    Column("fasta", True, "Genome, plain or gz.", FASTA_PATTERN),
    Column("gtf", False, "Genes; without them no windows and no names of genes.", GTF_PATTERN),
    Column("sites", False, "Known poly(A) sites; without them nothing is learnt or compared.", FILE_PATTERN),
)


def json_schema() -> dict[str, object]:
    """The JSON Schema of the sheets, one per track, as nf-core pipelines keep it in assets/schema_input.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ribolm samplesheets",
        "description": "One kind of sheet for each track.",
        "oneOf": [
            {
                "title": "track m6a",
                "description": "One row per lane of a library; a library is sample, group, replicate and assay.",
                **_rows(M6A),
            },
            {"title": "track polya", "description": "One row per genome.", **_rows(POLYA)},
            {"title": "track resm", "description": "One row per file of a data set.", **_rows(RESM)},
        ],
    }


def _rows(columns: Sequence[Column]) -> dict[str, object]:
    files = [column.name for column in columns if column.name in ("fastq_1", "bam")]
    of_files = {
        "anyOf": [{"required": [name]} for name in files],
        "dependentRequired": {"fastq_2": ["fastq_1"]},
    }
    items = {
        "type": "object",
        "properties": {column.name: _property(column) for column in columns},
        "required": [column.name for column in columns if column.required],
        **(of_files if files else {}),
    }
    return {"type": "array", "items": items}


def _property(column: Column) -> dict[str, object]:
    rule: dict[str, object] = {"description": column.help}
    if column.choices:
        return rule | {"type": "string", "enum": list(column.choices)}
    if column.name == "replicate":
        return rule | {"type": "integer", "minimum": 1, "maximum": 9999}
    return rule | {"type": "string", "pattern": f"^{column.pattern}$"}


def resolve_header(table: Table, columns: Sequence[Column], repairs: Repairs) -> list[str]:
    """Return the canonical name of each column of the table, "" for one that is left out.

    Case and spaces are repaired. Raises DataError for a misspelt, missing, repeated or unnamed column.
    """
    known = {column.name for column in columns}
    names = [_plain(cell) for cell in table.header.cells]
    for cell, name in zip(table.header.cells, names, strict=True):
        if cell != name and name in known:
            repairs.add("column names written in lower case without spaces", f"'{cell}'")
    names = [
        name if name in known else harmless(cell, repairs) for cell, name in zip(table.header.cells, names, strict=True)
    ]
    _refuse_repeated(table, names)
    _refuse_misspelt(table, names, columns)
    missing = [column.name for column in columns if column.required and column.name not in names]
    if missing:
        raise DataError(
            f"{table.path.name} line {table.header.line}: column '{missing[0]}' is missing from the header "
            f"({', '.join(names)}). {_missing_remedy(names, columns)}"
        )
    return _without_unused(table, names, known, repairs)


def check_choice(table: Table, row: Row, column: Column, value: str, repairs: Repairs) -> str:
    """Return the value in lower case; raise DataError unless it is one of the column's choices."""
    lower = value.lower()
    if lower not in column.choices:
        offered = " or ".join([", ".join(column.choices[:-1]), column.choices[-1]])
        near = difflib.get_close_matches(lower, column.choices, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Write {offered}."
        raise bad_value(table.path, row.line, column.name, value, f"is not {offered}", remedy)
    if lower != value:
        repairs.add(f"values of '{column.name}' written in lower case", f"line {row.line}")
    return lower


def check_name(table: Table, row: Row, column: Column, value: str) -> None:
    """Raise DataError unless the value is a name that is safe as part of a file name."""
    if not value:
        raise bad_value(table.path, row.line, column.name, value, "is empty", f"Give the row a {column.name}.")
    if not re.fullmatch(NAME_PATTERN, value):
        safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", value).lstrip(".-") or f"{column.name}_1"
        problem = "holds characters other than letters, digits, _ . - or begins with . or -"
        raise bad_value(table.path, row.line, column.name, value, problem, f"Write for instance '{safe[:60]}'.")
    if len(value) > 100:
        raise bad_value(table.path, row.line, column.name, value, "is longer than 100 characters", "Shorten it.")


def harmless(cell: str, repairs: Repairs) -> str:
    """Text of an extra column without what would need quoting in a plain comma-separated table."""
    safe = "".join(c if c.isprintable() else " " for c in cell.replace(",", ";").replace('"', "'")).strip()
    if safe != cell:
        repairs.add("commas and quotes in extra columns replaced")
    return safe


def _plain(cell: str) -> str:
    return re.sub(r"\s+", "_", cell.strip().lower())


def refuse_case_variants(path: Path, column: str, said: Iterable[tuple[int, str]]) -> None:
    """Raise DataError for values (line, value) that differ by case alone: some file systems hold them for one name."""
    seen: dict[str, tuple[int, str]] = {}
    for line, value in said:
        row, other = seen.setdefault(value.lower(), (line, value))
        if other != value:
            problem = f"differs from '{other}' in line {row} by upper and lower case alone"
            raise bad_value(path, line, column, value, problem, "Write both the same, or choose another name.")


def _refuse_repeated(table: Table, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            raise bad_value(
                table.path, table.header.line, name, table.header.cells[index], "names two columns", "Remove one."
            )


def _refuse_misspelt(table: Table, names: list[str], columns: Sequence[Column]) -> None:
    if {"ip_r1", "input_r1"} & {name.lower() for name in names}:
        raise DataError(
            f"{table.path.name} line {table.header.line}: is a MeRIPseqPipe sheet. "
            "Write one row per library instead, with assay ip or input."
        )
    known = {column.name for column in columns}
    absent = [column for column in columns if column.name not in names]
    for name in names:
        near = _nearest(name, absent) if name and name not in known else ""
        if near:
            raise bad_value(
                table.path,
                table.header.line,
                name,
                name,
                "is not a column of the samplesheet",
                f"Did you mean '{near}'?",
            )


def _nearest(name: str, absent: Sequence[Column]) -> str:
    """The absent column that an unknown header stands for, or ""."""
    written = _letters(name)
    meant = next((column.name for column in absent if written in map(_letters, column.meant_by)), "")
    bare = {_letters(candidate): candidate for candidate in sorted(column.name for column in absent)}
    near = difflib.get_close_matches(written, bare, n=1, cutoff=NEAR)
    return meant or (bare[near[0]] if near else "")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _missing_remedy(names: list[str], columns: Sequence[Column]) -> str:
    if len(names) == 1:
        return "Separate the columns by commas."
    return f"The columns are {','.join(column.name for column in columns)}."


def _without_unused(table: Table, names: list[str], known: set[str], repairs: Repairs) -> list[str]:
    kept = list(names)
    for index, name in enumerate(names):
        filled = next((row for row in table.rows if row.cells[index]), None)
        if not name and filled is not None:
            value = filled.cells[index]
            raise bad_value(
                table.path, filled.line, str(index + 1), value, "stands in a column without name", "Name the column."
            )
        if not name:
            repairs.add("empty columns without name left out")
        elif name in RESERVED and name not in known:
            repairs.add("columns that ribolm writes itself left out", f"'{name}'")
            kept[index] = ""
        elif name not in known:
            repairs.add("extra columns kept", f"'{name}'")
    return kept
