"""JSON files that other commands wrote."""

import json
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import open_text, require_file


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; anything else is a DataError."""
    with open_text(require_file(path)) as handle:
        try:
            content = json.load(handle)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {error.lineno}: is no JSON ({error.msg}). Write the file again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no JSON object. Write the file again.")
    return content
