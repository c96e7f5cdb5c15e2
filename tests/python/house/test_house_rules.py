"""The rules of the house: imports go downwards, files and functions stay small, names say something."""

import ast
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bin" / "ribolm"
# From top to bottom; a room may import itself and what stands after it. Root files and samplesheet lie below all.
ROOMS = (
    "cli", "simulation", "report", "explain", "evaluation", "inference", "training", "models", "labels",
    "peaks", "reads", "candidates", "folding", "sequences", "genome", "samplesheet",
)  # fmt: skip
# Rooms with sub-packages, from top to bottom; files of the room itself lie below its sub-packages.
FLOORS = {
    "training": ("recipes", "run", "objectives", "feed", "checkpoints", "machine"),
    "report": ("run", "training", "resm", "polya", "m6a_sites", "libraries", "peaks", "browser", "folders", "drawing"),
}
ROOT_MODULES = {"alphabet", "errors", "console", "files", "free_memory", "version"}
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "benchmarks").glob("*.py"))]


def imported_modules(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, parts of the name after `ribolm.`) of every import of the package, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "ribolm" and len(parts) > 1:
                yield node.lineno, parts[1:]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards_only(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    room = relative.parts[0] if len(relative.parts) > 1 else ""
    depth = ROOMS.index(room) if room else len(ROOMS)
    for line, (target, *_) in imported_modules(path):
        if target in ROOT_MODULES:
            continue
        assert target in ROOMS, f"{relative}:{line} imports ribolm.{target}, which is no room of the house"
        assert ROOMS.index(target) >= depth, f"{relative}:{line}: {room or 'a root file'} must not import {target}"


@pytest.mark.parametrize("room", FLOORS)
def test_imports_inside_a_room_go_downwards_only(room: str) -> None:
    floors = FLOORS[room]
    assert {path.parent.name for path in (PACKAGE / room).glob("*/__init__.py")} == set(floors)
    for path in (PACKAGE / room).rglob("*.py"):
        relative = path.relative_to(PACKAGE / room)
        depth = floors.index(relative.parts[0]) if len(relative.parts) > 1 else len(floors)
        for line, parts in imported_modules(path):
            target = floors.index(parts[1]) if parts[0] == room and parts[1] in floors else len(floors)
            assert target >= depth, f"{relative}:{line} must not import {'.'.join(parts)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400, f"{path.name} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{path.name}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_say_what_they_do(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}:{node.lineno} {node.name} has no docstring"


def test_names_say_something() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|misc|common|manager)(_|\.|$)")
    assert not [path for path in PACKAGE.rglob("*") if vague.search(path.name)]


@pytest.mark.parametrize("path", sorted((ROOT / "bin").glob("ribolm-*")), ids=lambda path: path.name)
def test_executables_hold_no_logic(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 10
    assert path.stat().st_mode & stat.S_IXUSR
    assert f"from ribolm.cli.{path.name.removeprefix('ribolm-')} import main" in text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_fault_is_swallowed(path: Path) -> None:
    text = path.read_text("utf-8")
    for pattern in (r"except Exception", r"except:", r"shell=True", r"pickle\.load", r"\b(TODO|FIXME|XXX)\b"):
        assert not re.search(pattern, text), f"{path.name} holds {pattern}"
