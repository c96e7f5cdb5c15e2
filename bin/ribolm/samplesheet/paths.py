"""Paths in the cells of a samplesheet: safe in a shell and in a plain table, with an ending that fits."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from ribolm.errors import bad_value
from ribolm.samplesheet.columns import Column
from ribolm.samplesheet.table import Row, Table

SAFE_FILE_NAME = re.compile(r"[A-Za-z0-9_.+=@%~-]+")
UNSAFE_IN_PATH = re.compile(r"[*?{}\[\]\\,\"'`$;&|<>\x00-\x1f\x7f\u0085\u2028\u2029]")
VARIABLE = re.compile(r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}(?=/)")  # a folder by variable, which the pipeline fills in


def check_path(
    table: Table, row: Row, column: Column, value: str, endings: str, other_formats: Mapping[str, str]
) -> None:
    """Raise DataError unless the value is empty or a safe path whose name the column's pattern holds for.

    `endings`: the ones that fit, in words; `other_formats`: by ending, what to do with a file of another format.
    """
    if not value:
        return

    def refuse(problem: str, remedy: str) -> None:
        raise bad_value(table.path, row.line, column.name, value, problem, remedy)

    unsafe = UNSAFE_IN_PATH.search(VARIABLE.sub("", value))
    if unsafe:
        refuse(f"holds {unsafe.group()!r}, which paths must not", "Rename or link the file, with / between folders.")
    if value.startswith("~"):
        refuse("begins with ~, which is not expanded", "Write the whole path.")
    name = posixpath.basename(value)
    if not re.fullmatch(column.pattern, name):
        ending = Path(name.removesuffix(".gz")).suffix.lower()
        remedy = other_formats.get(ending, "Name another file, or rename it.")
        if re.fullmatch(column.pattern, name.lower()):
            remedy = "Write the ending in lower case (rename or link the file)."
        refuse(f"does not end in {endings}", remedy)
    if not SAFE_FILE_NAME.fullmatch(name):
        refuse("has a file name with spaces or unusual characters", "Rename or link the file to letters, digits, _ . -")
