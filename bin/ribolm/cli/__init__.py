"""Command lines: parse, call one function, write. One file per executable in `bin/`."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ribolm.errors import RibolmError
from ribolm.version import __version__

if TYPE_CHECKING:
    import typer


def run(app: "Callable[[], typer.Typer]", argv: Sequence[str], prog: str) -> int:
    """Run the Typer application that `app` builds and return the exit code.

    A fault that the user can mend becomes one sentence on stderr: exit 2 for wrong usage, 65 for bad data.
    `--version` answers before Typer is imported, because Nextflow asks it once per task.
    """
    if list(argv) == ["--version"]:
        print(__version__)
        return 0
    import click
    import typer.main

    command = typer.main.get_command(app())
    try:
        command.main(args=list(argv), prog_name=prog, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        return _fail(prog, "stopped by the user.", 130)
    except click.ClickException as error:
        return _fail(prog, f"{error.format_message()} See {_help_line(prog, error)}.", 2)
    except RibolmError as error:
        return _fail(prog, str(error), error.exit_code)
    except BrokenPipeError:
        return 141
    return 0


def _help_line(prog: str, error: object) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else prog} --help`"


def _fail(prog: str, sentence: str, exit_code: int) -> int:
    print(f"{prog}: error: {sentence}", file=sys.stderr)
    return exit_code
