"""Lists of verified targets of sRNAs, as the IntaRNA benchmark keeps them: sRNA, gene, organism."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ribolm.console import notice
from ribolm.errors import DataError, bad_value
from ribolm.files import open_text, separated_rows

REQUIRED = ("sRNA", "gene", "organism")


def read_verified(path: Path, queries: Collection[str], targets: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Targets of every query, in the order of the list, each once; queries without one are not there.

    A row belongs to the query `sRNA_organism` or `sRNA`, and to the target `gene`. Rows whose RNAs have no sequence are
    left out and counted. Raises DataError for a table without the columns sRNA, gene, organism, and for empty cells.
    """
    found: dict[str, dict[str, None]] = {}
    lost = {"query": 0, "target": 0}
    n = 0
    with open_text(path) as handle:
        rows = separated_rows(path, handle, "\t")
        header = next(rows, (1, []))[1]
        if not set(REQUIRED) <= set(header):
            raise DataError(
                f"{path.name} line 1: lacks one of the columns {', '.join(REQUIRED)}. Give a list with them."
            )
        for line, values in rows:
            if not values:
                continue
            n += 1
            cells = dict(zip(header, (value.strip() for value in values), strict=False))
            for column in REQUIRED:
                if not cells.get(column):
                    raise bad_value(path, line, column, "", "is empty", "Fill the cell or remove the row.")
            query = next((q for q in (f"{cells['sRNA']}_{cells['organism']}", cells["sRNA"]) if q in queries), None)
            if query is None:
                lost["query"] += 1
            elif cells["gene"] not in targets:
                lost["target"] += 1
            else:
                found.setdefault(query, {})[cells["gene"]] = None
    for what, count in lost.items():
        if count:
            notice(f"{path.name}: {count:,} of {n:,} rows left out: no sequence was given for the {what}.")
    return {query: tuple(genes) for query, genes in found.items()}
