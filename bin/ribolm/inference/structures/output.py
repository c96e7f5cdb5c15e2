"""Files of predicted structures: dot-bracket, the table beside it, and probable pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ribolm.errors import UsageError
from ribolm.files import atomic_path
from ribolm.inference.structures.prediction import Prediction
from ribolm.labels.structure.dot_bracket import write_brackets
from ribolm.labels.structure.pair_files import HEADER, pair_lines

OTHER_FORMATS = (".ct", ".bpseq", ".tsv", ".csv", ".gz", ".bz2", ".xz", ".zst", ".zip")
TABLE = ("name", "length_nt", "pairs", "confidence", "mea_score")


def table_beside(out: Path) -> Path:
    """Where the table of an output goes: OUT.tsv of OUT.dbn, and of another name that name and .tsv.

    UsageError for an ending that means another format than the dot-bracket text that is written.
    """
    if out.suffix.lower() in OTHER_FORMATS:
        raise UsageError(
            f"--out {out}: dot-bracket is written, not {out.suffix}. Let the name end in .dbn; `ribolm-preprocess "
            "structures` makes CT and BPSEQ of it."
        )
    return out.with_suffix(".tsv") if out.suffix == ".dbn" else out.with_name(f"{out.name}.tsv")


def write_predictions(out: Path, pairs: Path | None, predictions: Iterable[Prediction]) -> int:
    """Write three lines per RNA to `out`, one row to its table, and its probable pairs; returns how many RNAs.

    All files appear whole or not at all; without an RNA they are empty but for headers.
    """
    n = 0
    with ExitStack() as stack:
        brackets, table = (_open(stack, path) for path in (out, table_beside(out)))
        listed = _open(stack, pairs) if pairs is not None else None
        _row(table, *TABLE)
        if listed is not None:
            listed.write(HEADER)
        for one in predictions:
            structure = one.structure
            brackets.write(f">{structure.name}\n{structure.letters}\n{write_brackets(structure)}\n")
            confidence = "NA" if math.isnan(one.confidence) else f"{one.confidence:.4f}"
            _row(table, structure.name, len(structure), len(structure.pairs()), confidence, f"{one.mea_score:.4f}")
            if listed is not None:
                listed.writelines(pair_lines(structure.name, one.pairs))
            n += 1
    return n


def _open(stack: ExitStack, path: Path) -> TextIO:
    temporary = stack.enter_context(atomic_path(path))
    return stack.enter_context(temporary.open("w", encoding="utf-8"))


def _row(table: TextIO, *values: object) -> None:
    table.write("\t".join(str(value) for value in values) + "\n")
