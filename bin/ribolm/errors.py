"""What can go wrong, and the exit code that says so."""

from pathlib import Path


class RibolmError(Exception):
    """A fault that a user can mend; its text is one sentence that names the place and the remedy."""

    exit_code = 1


class ToolError(RibolmError):
    """Another program that ribolm started has failed, or the system refuses (exit 1)."""


class UsageError(RibolmError):
    """The command line contradicts itself (exit 2)."""

    exit_code = 2


class DataError(RibolmError):
    """An input file or value is bad (exit 65, EX_DATAERR of sysexits.h)."""

    exit_code = 65


class OutOfMemory(RibolmError):
    """The accelerator has no memory left; a repeated call takes half the tokens at a time (exit 75, EX_TEMPFAIL)."""

    exit_code = 75


class Killed(RibolmError):
    """The system ended a process of this command, as it does when memory runs out (exit 137, as after SIGKILL)."""

    exit_code = 137


class Stopped(RibolmError):
    """Stopped by a signal after saving; a repeated call goes on from there (exit 143, as after SIGTERM)."""

    exit_code = 143


def bad_value(
    path: Path | str, line: int, column: str, value: object, problem: str, remedy: str, unit: str = "line"
) -> DataError:
    """Build the `DataError` for one cell of a table.

    `line` counts from 1 and includes the header, as an editor shows it; `unit`: "row" where a file has no lines.
    `problem` completes the sentence "<value> …" ("is not ip or input"), `remedy` is a sentence of its own ("Remove the
    space.").
    """
    return DataError(f"{Path(path).name} {unit} {line}, column '{column}': {str(value)!r} {problem}. {remedy}")
