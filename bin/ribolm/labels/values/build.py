"""A token store of measured sequences: windows cut by one rule, values on the scale that is learnt, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import choice, notice
from ribolm.errors import UsageError, bad_value
from ribolm.files import atomic_directory, sha256_of, write_json
from ribolm.genome.coordinates import Int64
from ribolm.labels.values.rows import ValueRows
from ribolm.labels.values.targets import LEAST, transformed
from ribolm.sequences.deduplication import equal_rows
from ribolm.sequences.length_rule import LengthRule
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.store import LabelSpec, StoreWriter, label_file
from ribolm.sequences.tokenizers import Tokenizer

STORE, SEQUENCES, SUMMARY = "store", "sequences.fa", "summary.json"
FASTA_WIDTH = 80
KIND = "values"
Strings = Sequence[str | None]


@dataclass(frozen=True)
class ValueRules:
    """How values become labels: `transform` of all of them, and what of a sequence is read."""

    transform: str = "none"
    rule: LengthRule = field(default_factory=LengthRule)


def write_value_store(out: Path, rows: ValueRows, tokenizer: Tokenizer, rules: ValueRules) -> dict[str, Any]:
    """Write OUT/store (one label per sequence and value), OUT/sequences.fa (as read) and OUT/summary.json; its content.

    Sequences that are equal as they are read share a cluster, and so do rows of one group, so that folds keep them
    together. Raises DataError for a value that has no logarithm, UsageError for a rule that reads nothing.
    """
    _require_plain_names(list(rows.values))
    _require_logarithms(rows, rules.transform)
    letters, offsets = rules.rule.apply(rows.letters, rows.offsets)
    tokens, bounds = tokenizer.encode_rows(letters, offsets)
    labels = {name: transformed(values, rules.transform).astype(np.float32) for name, values in rows.values.items()}
    clusters = united(rows.groups, equal_rows(letters, offsets))
    rule = _measured(rules.rule, rows)
    summary = _summary(rows, clusters, rule, rules.transform)
    source = {
        "kind": KIND,
        "table_sha256": sha256_of(rows.path),
        "options": {
            "window_nt": rule.window_nt,
            "length_rule": rule.to_dict(),
            "transforms": dict.fromkeys(rows.values, rules.transform),
        },
    }
    places = PlaceBatch(
        [None] * len(rows), [None] * len(rows), list(rows.groups), clusters,
        np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64),
    )  # fmt: skip
    specs = {name: LabelSpec("sequence", 1, (name,)) for name in rows.values}
    with atomic_directory(out) as folder:
        with StoreWriter(folder / STORE, tokenizer, specs, source) as writer:
            writer.add_batch(tokens, bounds, list(rows.names), places, labels)
        _write_sequences(folder / SEQUENCES, rows)
        write_json(folder / SUMMARY, summary)
    _tell(rows, rules, rule, summary)
    return summary


def united(groups: Strings, equal: Int64) -> list[str | None]:
    """Cluster of every row: rows of one group, and rows of equal sequence (`equal` int64 [n], as of `equal_rows`).

    Named after the first group in it, or the number of its first row; None for a row that nothing joins to another.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(groups)
    first: dict[str, int] = {}
    by_group = [row if group is None else first.setdefault(group, row) for row, group in enumerate(groups)]
    one, other = np.r_[np.arange(n), np.arange(n)], np.r_[np.array(by_group, dtype=np.int64), equal]
    graph = coo_array((np.ones(2 * n, dtype=np.int8), (one, other)), shape=(n, n))
    number: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1] if n else np.zeros(0, np.int32)
    size = np.bincount(number, minlength=1)
    names: dict[int, str] = {}
    for row, part in enumerate(number.tolist()):
        group = groups[row]
        if group is not None:
            names.setdefault(part, group)
    for row, part in enumerate(number.tolist()):
        if size[part] > 1:
            names.setdefault(part, f"equal_{row}")
    return [names.get(part) for part in number.tolist()]


def _require_plain_names(names: Sequence[str]) -> None:
    for name in names:
        try:
            label_file(name)
        except ValueError as error:
            raise UsageError(f"--value {name}: {error}. Rename the column.") from error


def _require_logarithms(rows: ValueRows, transform: str) -> None:
    for name, values in rows.values.items():
        wrong = np.flatnonzero(values <= LEAST[transform])
        if len(wrong):
            at = int(wrong[0])
            problem = f"has no {transform}: values must be above {LEAST[transform]:g}"
            raise bad_value(rows.path, rows.lines[at], name, f"{values[at]:g}", problem, "Choose another --transform.")


def _measured(rule: LengthRule, rows: ValueRows) -> LengthRule:
    length = np.diff(rows.offsets)
    trained = (int(length.min()), int(length.max())) if len(length) else None
    return LengthRule(rule.window_nt, rule.end, rule.pads, trained)


def _summary(rows: ValueRows, clusters: Strings, rule: LengthRule, transform: str) -> dict[str, Any]:
    length = np.diff(rows.offsets)
    width = rule.window_nt or int(length.max(initial=0))
    repeats = len(rows) - len(np.unique(equal_rows(rows.letters, rows.offsets)))
    return {
        "sequences": len(rows),
        "repeated": repeats,
        "groups": len({group for group in rows.groups if group is not None}),
        "clusters": len({name for name in clusters if name is not None}) + sum(name is None for name in clusters),
        "length_rule": rule.to_dict(),
        "longer": int((length > width).sum()),
        "shorter": int((length < width).sum()) if rule.window_nt else 0,
        "transform": transform,
        "values": {name: _described(values) for name, values in rows.values.items()},
    }


def _described(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    nothing = {"n": len(known), "min": None, "median": None, "max": None}
    return nothing if not len(known) else {
        "n": len(known), "min": float(known.min()), "median": float(np.median(known)), "max": float(known.max()),
    }  # fmt: skip


def _write_sequences(path: Path, rows: ValueRows) -> None:
    """Whole sequences, so that prediction follows the length rule by itself."""
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for row, name in enumerate(rows.names):
            text = rows.letters[rows.offsets[row] : rows.offsets[row + 1]].tobytes().decode("ascii")
            wrapped = "\n".join(text[at : at + FASTA_WIDTH] for at in range(0, len(text), FASTA_WIDTH))
            handle.write(f">{name}\n{wrapped}\n")


def _tell(rows: ValueRows, rules: ValueRules, rule: LengthRule, summary: dict[str, Any]) -> None:
    if not len(rows):
        notice(f"{rows.path.name}: has no row, so the store is valid and empty.")
    choice(
        "length rule", rule.sentence(), f"{summary['longer']:,} sequences are longer, {summary['shorter']:,} shorter"
    )
    choice("scale", {"none": "as measured"}.get(rules.transform, f"natural {rules.transform}"), "--transform")
    if summary["repeated"]:
        notice(f"{rows.path.name}: {summary['repeated']:,} sequences occur before; folds keep equal ones together.")


def length_rule_of(window: int | None, keep: str, short: str) -> LengthRule:
    """The rule that options of a command line ask for; UsageError for options without effect."""
    if window is None and (keep != "last" or short != "pad"):
        raise UsageError("--keep and --short have no effect without --window: all letters are read. Give --window.")
    return LengthRule(window, "first" if keep == "first" else "last", short == "pad")
