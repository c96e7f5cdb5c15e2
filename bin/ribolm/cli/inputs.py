"""What a long run needs, asked for before it begins."""

from collections.abc import Sequence
from pathlib import Path

from ribolm.errors import UsageError


def require_inputs(out: Path, files: Sequence[Path | None], table: Path | None = None) -> None:
    """Require that files can be read and results (`out`, `table`) written; UsageError or DataError where not."""
    from ribolm.files import require_file, require_folder_possible, require_other_than

    for path in files:
        if path is not None:
            require_file(path)
    for result in (out, table):
        if result is not None:
            if result.is_dir():
                raise UsageError(f"{result} is a folder. Name a file.")
            require_folder_possible(result.parent)
            require_other_than(result, files)
    require_other_than(out, (table,))
