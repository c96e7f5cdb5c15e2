"""Tables as tab-separated text."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LEAKAGE_COLUMNS = (
    "train", "test", "check", "n_test", "n_test_shared", "share_of_test", "n_train", "n_train_shared", "example",
)  # fmt: skip


def write_tsv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] = ()) -> None:
    """Write rows under the columns of the first (or `columns`); None and NaN are empty cells, floats keep 6 digits."""
    header = list(columns) or (list(rows[0]) if rows else [])
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(row.get(name)) for name in header] for row in rows)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
