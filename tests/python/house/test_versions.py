"""Every module tells the versions of the libraries that its command reaches by its imports, and of no others."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = ROOT / "bin"
ALL = sorted((ROOT / "modules" / "local").rglob("main.nf"))
MODULES = [path for path in ALL if "topic: versions" in path.read_text()]
PACKAGES = {"scikit-learn": "sklearn", "viennarna": "RNA"}
# what parses a command line, checks a table, reads gzip, loads weights, splits words: it stands in the locks
PLUMBING = {"cutadapt", "isal", "pydantic", "safetensors", "tokenizers", "transformers", "typer"}


def libraries() -> dict[str, str]:
    """Modules that Python imports, and the names of their distributions."""
    listed = "\n".join((ROOT / "requirements" / f"{name}.in").read_text() for name in ("core", "torch"))
    names = set(re.findall(r"^[\w-]+", listed, re.MULTILINE)) - PLUMBING
    return {PACKAGES.get(name, name): name for name in names}


def imports(text: str) -> Iterator[str]:
    """Names that are imported when the text runs: what stands there for types alone is not."""
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
        waiting += ast.iter_child_nodes(node)


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    return tuple(imports(path.read_text()))


def first_imports(command: str, sub: str) -> list[str]:
    """Names that one sub-command imports: functions and files that register others are left out."""
    parts = re.split(r"(?m)^(?=def |class |@)", (BIN / "ribolm" / "cli" / f"{command}.py").read_text())
    own = [part for part in parts if not part.startswith("def _add_") or part.startswith(f"def _add_{sub}(")]
    registers = re.compile(rf'add_command\(\s*\w+,\s*"{sub.replace("_", "-")}"')
    return [
        name
        for name in imports("".join(own))
        if not (further := re.match(rf"ribolm\.cli\.({command}_\w+)", name))
        or registers.search((BIN / "ribolm" / "cli" / f"{further[1]}.py").read_text())
    ]


@cache
def files_of(name: str) -> tuple[Path, ...]:
    """Files that an import runs: the module, and the packages around it."""
    parts = name.split(".")
    stems = [BIN.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)] if parts[0] == "ribolm" else []
    return tuple(file for stem in stems for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.exists())


@cache
def reached(command: str, sub: str) -> set[str]:
    """Distributions behind a sub-command."""
    known = libraries()
    found, seen = set[str](), set[Path]()
    waiting = first_imports(command, sub)
    while waiting:
        name = waiting.pop()
        found |= {known[top] for top in [name.split(".")[0]] if top in known}
        new = set(files_of(name)) - seen
        seen |= new
        waiting += [inner for path in new for inner in imports_of(path)]
    return found


def called(module: Path) -> set[tuple[str, str]]:
    script = module.read_text().split("script:")[1].split("stub:")[0]
    return {
        (verb, sub.replace("-", "_")) for verb, sub in re.findall(r"^ *ribolm-(\w+) ([\w-]+)", script, re.MULTILINE)
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_modules_tell_the_versions_of_what_their_commands_reach(module: Path) -> None:
    told = re.findall(r"eval\('ribolm-(\w+) --version ?([\w -]*)'\)", module.read_text())
    commands = called(module)
    assert len(told) == len({verb for verb, _ in commands}) == (1 if commands else 0)
    for verb, names in told:
        wanted = {name for command, sub in commands if command == verb for name in reached(command, sub)}
        assert names.split() == ["python", *sorted(wanted)]


def test_libraries_are_told_by_some_module() -> None:
    told = {
        name
        for module in MODULES
        for line in re.findall(r"--version (.*?)'", module.read_text())
        for name in line.split()
    }
    assert {"numpy", "scipy", "scikit-learn", "torch", "viennarna"} <= told
