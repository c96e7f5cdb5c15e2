"""Command lines: parse, call one function, write. One file per executable in `bin/`."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ribolm.errors import RibolmError, UsageError
from ribolm.version import version_line

if TYPE_CHECKING:
    import typer

REQUIRED = inspect.Parameter.empty
MAX_SEED = (1 << 63) - 1  # what every generator behind the commands takes, some of them one more


class Device(StrEnum):
    """Where to compute; auto takes a CUDA card where one is seen."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Universe(StrEnum):
    """Which positions are candidates."""

    drach = "drach"
    adenosine = "adenosine"
    nucleotide = "nucleotide"


@dataclass(frozen=True)
class Spec:
    """One option of the command line: Python name, type, default, help, and what Typer is told beyond that."""

    name: str
    kind: Any
    default: Any
    help: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def parameter(self) -> inspect.Parameter:
        """The option as a keyword parameter that Typer reads."""
        import typer

        more = dict(self.more)
        declared = (more.pop("flag"),) if "flag" in more else ()
        kind: Any = self.kind
        annotation = Annotated[kind, typer.Option(*declared, help=self.help, **more)]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=self.default, annotation=annotation)


def add_command(cli: "typer.Typer", name: str, specs: Sequence[Spec], function: Callable[..., None]) -> None:
    """Add a sub-command with many options; `function` gets them by name, and its docstring is the help."""

    def command(**chosen: Any) -> None:
        function(**chosen)

    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature([spec.parameter() for spec in specs])  # type: ignore[attr-defined]
    cli.command(name)(command)


def new_app(about: str | None) -> "typer.Typer":
    """An empty Typer application in the manner of all commands: plain quick help, always with sub-commands."""
    import typer

    app = typer.Typer(
        help=about, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=False
    )

    @app.callback()
    def sub_commands_even_if_there_is_only_one() -> None: ...

    sub_commands_even_if_there_is_only_one.__doc__ = about
    return app


def run(app: "Callable[[], typer.Typer]", argv: Sequence[str], prog: str) -> int:
    """Run the Typer application that `app` builds and return the exit code.

    A fault that the user can mend becomes one sentence on stderr: exit 2 for wrong usage, 65 for bad data, 1 for what
    the system refuses (no space, no permission).
    `--version` answers before Typer is imported, because Nextflow asks it once per task; names of libraries behind it
    ask for theirs.
    """
    if list(argv[:1]) == ["--version"] and not any(word.startswith("-") for word in argv[1:]):
        print(version_line(argv[1:]))
        return 0
    # waiting threads that spin hold the core that the others need: on a busy machine seconds become half a minute
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    import typer.main

    # Typer carries its own copy of click from 0.2x on, so that the base class is only reachable through its children
    usage_error: type[Exception] = next(
        base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException" and issubclass(base, Exception)
    )
    command = typer.main.get_command(app())
    _look_first(command)
    try:
        stopped_with = command.main(args=list(argv), prog_name=prog, standalone_mode=False)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail(prog, "stopped by the user.", 130)
    except usage_error as error:
        return _fail(prog, f"{_sentence(error)} See {_help_line(prog, error)}.", 2)
    except RibolmError as error:
        return _fail(prog, str(error), error.exit_code)
    except BrokenPipeError:
        return 141
    except ModuleNotFoundError as error:
        return _not_installed(prog, error)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(prog, f"{place}{error.strerror or error}. Check the path, its permissions and the free space.", 1)
    return stopped_with if isinstance(stopped_with, int) else 0


def _look_first(command: Any) -> None:
    """Let every sub-command refuse a result that cannot be written (--out, --outdir), and a vast --seed, at once."""
    for inner in getattr(command, "commands", {}).values():
        _look_first(inner)
    begin = command.callback

    def checked(**chosen: Any) -> Any:
        from ribolm.files import require_folder_possible, require_replaceable

        if (chosen.get("seed") or 0) > MAX_SEED:
            raise UsageError(f"--seed {chosen['seed']} is too large. Give a whole number from 0 to {MAX_SEED}.")
        for name in {"out", "outdir"} & {name for name, value in chosen.items() if value is not None}:
            result = Path(chosen[name])
            require_folder_possible(result if name == "outdir" or result.is_dir() else result.parent)
            if not result.is_dir():
                require_replaceable(result)
        return begin(**chosen)

    if begin is not None and "commands" not in vars(command):
        command.callback = checked


def _sentence(error: BaseException) -> str:
    """The text of a usage error as one sentence."""
    text = str(getattr(error, "format_message", error.__str__)())
    text = " ".join(text.replace("Value error, ", "").split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _help_line(prog: str, error: object) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else prog} --help`"


def _not_installed(prog: str, error: ModuleNotFoundError) -> int:
    name = (error.name or "ribolm").split(".")[0]
    if name == "ribolm":
        raise error
    return _fail(prog, f"the Python package {name} is not installed. Run scripts/setup, without --no-torch.", 1)


def _fail(prog: str, sentence: str, exit_code: int) -> int:
    print(f"{prog}: error: {sentence}", file=sys.stderr)
    return exit_code
