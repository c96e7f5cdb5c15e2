"""What a long run needs, asked for before it begins."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.cli import Spec
from ribolm.errors import UsageError


def require_inputs(out: Path, files: Sequence[Path | None], table: Path | None = None) -> None:
    """Require that files can be read and results (`out`, `table`) written; UsageError or DataError where not."""
    from ribolm.files import require_file, require_folder_possible, require_other_than, require_replaceable

    for path in files:
        if path is not None:
            require_file(path)
    for result in (out, table):
        if result is not None:
            require_replaceable(result)
            require_folder_possible(result.parent)
            require_other_than(result, files)
    if table is not None and out.resolve() == table.resolve():
        raise UsageError(f"{out} is to hold two results. Give each a name of its own.")


def refuse_unused(specs: Sequence[Spec], chosen: Mapping[str, Any], because: str) -> None:
    """Raise UsageError for an option that was set although it changes nothing: who set it would believe that it did."""
    for spec in specs:
        # a repeated option that is not there is None or empty
        if (chosen.get(spec.name) or None) != (spec.default or None):
            raise UsageError(f"--{spec.name.replace('_', '-')} has no effect: {because}. Leave it out.")
