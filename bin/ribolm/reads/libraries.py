"""Libraries as command lines name them: NAME=FILE.bam, or a file whose stem is the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ribolm.errors import DataError, UsageError


@dataclass(frozen=True)
class Library:
    """One BAM file, called by a name that is unique in the call; assay `ip` or `input`."""

    name: str
    path: Path
    assay: str


def check_name(name: str) -> str:
    """Return a group's name. Raises UsageError for one that would break a line of BED or TSV, or leave the folder."""
    if not name or any(character in name for character in "/\0\t\n\r"):
        raise UsageError(f"--name {name!r} is empty or holds a slash, tab or line break. Choose another name.")
    return name


def split_name(text: str) -> tuple[str, str]:
    """Split `NAME=PATH` at its first =; ("", text) where it is a bare path, which may itself hold an =."""
    name, equals, path = text.partition("=")
    if not equals or "/" in name or (Path(text).exists() and not Path(path).exists()):
        return "", text
    return name, path


def parse_library(text: str, assay: str) -> Library:
    """Read `NAME=PATH` or `PATH`; without a name the file's stem is the name."""
    name, path = split_name(text)
    if path == text:
        name = Path(text).stem
    if not name or not path:
        raise DataError(f"--{assay} '{text}' is not NAME=FILE or FILE. Give a name and a BAM file.")
    if any(character in name for character in "\t\n\r"):
        raise DataError(f"--{assay} '{text}': a library name holds a tab or line break. Choose another name.")
    return Library(name, Path(path), assay)


def parse_bams(texts: Sequence[str]) -> tuple[Library, ...]:
    """Read the option --bam of commands that do not ask for an assay."""
    if not texts:
        raise DataError("No library is given. Add --bam NAME=FILE.bam.")
    libraries = tuple(parse_library(text, "bam") for text in texts)
    refuse_repeats(libraries)
    return libraries


def refuse_repeats(libraries: Sequence[Library]) -> None:
    """Raise DataError when two libraries have one name or one file."""
    names: dict[str, Library] = {}
    files: dict[Path, Library] = {}
    for library in libraries:
        if library.name in names:
            raise DataError(
                f"Two libraries are called '{library.name}' ({names[library.name].path} and {library.path}). "
                "Give each a name of its own as NAME=FILE."
            )
        names[library.name] = library
        place = library.path.resolve()
        if place in files:
            raise DataError(
                f"{library.path} is given twice, as '{files[place].name}' and '{library.name}'. Remove one."
            )
        files[place] = library
