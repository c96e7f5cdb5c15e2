"""Files that appear whole or not at all, and text that is read the same whatever wrote it."""

import contextlib
import csv
import gzip
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TextIO, cast

from ribolm.errors import DataError, ToolError, UsageError

GZIP_MAGIC = b"\x1f\x8b"
LONGEST_CELL = 2**31 - 1  # characters; the csv module stops at 131,072, which the genome of a virus exceeds
LAST = ("summary.json", "manifest.json")  # what speaks for the other files of a folder, which must be there before it


def require_file(path: Path | str) -> Path:
    """Return `path` as a Path; raise DataError when it is no readable file."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file. Check the path.")
    if path.is_dir():
        raise DataError(f"{path}: is a folder, not a file. Name a file inside it.")
    if not path.is_file():
        raise DataError(f"{path}: is a pipe or device, which can be read only once. Write it to a file first.")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path}: may not be read. Change its permissions.")
    return path


def require_folder_possible(folder: Path | str) -> None:
    """Raise when nothing can be written to a folder or it cannot be made: asked before long work.

    DataError where a file stands in the way, ToolError where the system refuses. It is tried, because permissions say
    yes to root also where the file system lets nobody write.
    """
    folder = Path(folder).absolute()
    above = next(path for path in (folder, *folder.parents) if path.exists())
    if not above.is_dir():
        raise DataError(f"{folder}: {above} is a file, so no folder can be there. Choose another folder.")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".ribolm-", suffix=".tmp", dir=above))
    except OSError as error:
        place = "there" if above == folder else f"in {above}"
        raise ToolError(f"{folder}: cannot write {place} ({error.strerror}). Choose another folder.") from error


def require_replaceable(path: Path | str) -> None:
    """Raise DataError where a result would replace what is no ordinary file: a folder, a pipe, a device."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: is a folder, which a result cannot replace. Name a file.")
    if (path.exists() and not path.is_file()) or _names_a_descriptor(path):
        raise DataError(f"{path}: is a pipe or device, which a result cannot replace. Name a file.")


def _names_a_descriptor(path: Path) -> bool:
    """Whether a path is another name of an open file, as /dev/stdout is, also where that is an ordinary file."""
    return str(path.absolute()).startswith("/dev/fd/") or (path.is_symlink() and os.readlink(path).startswith("/proc/"))


def is_whole_number(text: str) -> bool:
    """Whether text is a whole number from 0 in ASCII digits; isdigit alone takes '²', which int() refuses."""
    return text.isascii() and text.isdigit()


def require_other_than(out: Path | str | None, inputs: Iterable[Path | str | None]) -> None:
    """Raise UsageError when a result would replace a file or folder that it is made from; None stands for no path."""
    if out is None:
        return
    place = Path(out).resolve()
    for path in inputs:
        if path is not None and Path(path).resolve() == place:
            raise UsageError(f"{out} is read and written by the same command. Choose another name for the result.")


def require_each_once(option: str, paths: Sequence[Path], digests: Sequence[str | None] = ()) -> None:
    """Raise UsageError when an option is given one path twice, or one content by its digest (None: there is none)."""
    for keys in ([path.resolve() for path in paths], digests):
        seen: dict[Path | str, Path] = {}
        for path, key in zip(paths, keys, strict=False):
            if key is not None and key in seen:
                raise UsageError(f"{option} {path} is given twice: it is the same as {seen[key]}. Give each once.")
            if key is not None:
                seen[key] = path


def require_no_other_kind(folder: Path | str, ours: Callable[[dict[str, Any]], bool], kind: str) -> None:
    """Raise DataError when a folder to be written holds the manifest.json of something else than a `kind`."""
    path = Path(folder) / "manifest.json"
    if not path.is_file():
        return
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict) or not ours(content):
        raise DataError(f"{folder}: holds something else than a {kind} (see its manifest.json). Choose another --out.")


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends well and vanishes when it does not."""
    path = Path(path)
    require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        _settle(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(outdir: Path | str, optional: Sequence[str] = ()) -> Iterator[Path]:
    """Yield an empty folder whose files move into `outdir` when the block ends well.

    An error leaves `outdir` as it was: not created, or with its earlier files untouched. Manifests and summaries move
    last, and the earlier ones go first, so that none ever stands beside files that it does not describe. `optional`:
    files that are not written each time; those of an earlier run go, where the block writes none.
    """
    outdir = Path(outdir)
    if outdir.exists() and not outdir.is_dir():
        raise DataError(f"{outdir}: is a file, but a folder is written there. Choose another --outdir.")
    outdir.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{outdir.name}.", suffix=".tmp", dir=outdir.parent))
    try:
        yield temporary
        outdir.mkdir(exist_ok=True)
        names = _in_order(path.relative_to(temporary) for path in temporary.rglob("*") if path.is_file())
        for name in names:
            if name.name in LAST:
                (outdir / name).unlink(missing_ok=True)
        for left in {Path(name) for name in optional} - set(names):
            (outdir / left).unlink(missing_ok=True)
        for name in names:
            source, target = temporary / name, outdir / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _settle(source)
            os.replace(source, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _in_order(names: Iterable[Path]) -> list[Path]:
    """Names below a folder in the order in which they move there: what speaks for others last, uppermost at the end."""

    def place(name: Path) -> tuple[int, int, Path]:
        rank = LAST.index(name.name) + 1 if name.name in LAST else 0
        return (rank, -len(name.parts) if rank else 0, name)

    return sorted(names, key=place)


def _settle(path: Path) -> None:
    """Bring a finished temporary file to the disk, with the permissions of an ordinary new file."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def is_gzip(path: Path | str) -> bool:
    """Whether a file begins with the magic bytes of gzip, whatever its name says."""
    with Path(path).open("rb") as handle:
        return handle.read(2) == GZIP_MAGIC


@contextlib.contextmanager
def open_bytes(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a plain or gzip file for reading bytes; a truncated or damaged gzip is a DataError on reading."""
    path = require_file(path)
    raw = gzip.open(path, "rb") if is_gzip(path) else path.open("rb")
    try:
        with cast(IO[bytes], raw) as handle:
            yield handle
    except EOFError as error:
        raise DataError(f"{path}: the gzip file ends too early. Copy or download it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: the gzip file is damaged ({error}). Copy or download it again.") from error


@contextlib.contextmanager
def open_text(path: Path | str) -> Iterator[TextIO]:
    """Open a plain or gzip text file: UTF-8, byte-order mark dropped, all line ends read as newline.

    Raises DataError for a missing file, a truncated gzip and bytes that are no UTF-8.
    """
    with open_bytes(path) as raw:
        try:
            with io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None) as text:
                yield text
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: byte {error.start} is not UTF-8 text. Save the file as plain UTF-8.") from error


def separated_rows(
    path: Path | str, lines: Iterable[str], separator: str, first_line: int = 1
) -> Iterator[tuple[int, list[str]]]:
    """Cells of every row of a CSV or TSV, with the number of the line where the row ends.

    `lines` may end in line feeds and begin with line `first_line` of the file at `path`. Raises DataError for what the
    csv module refuses.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            line = first_line + max(reader.line_num, 1) - 1
            raise DataError(f"{Path(path).name} line {line}: is no line of a table ({error}). Mend it.") from error
        if cells is None:
            return
        yield first_line + reader.line_num - 1, cells


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file, read once in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_json(path: Path | str, content: Any, sort_keys: bool = True) -> None:
    """Write JSON that is the same for the same content: sorted keys, no NaN (null instead), a final newline.

    `sort_keys=False` keeps the order of insertion, for readers to whom the order of columns means something.
    """
    text = json.dumps(finite(content), indent=2, sort_keys=sort_keys, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", "utf-8")


def finite(value: Any) -> Any:
    """Replace what JSON does not know: NaN and infinities by None, numpy scalars by Python's, paths by their text."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
