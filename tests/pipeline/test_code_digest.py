"""The files that a command's digest covers are those that its imports reach, read here by Python's own parser."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .runs import MODES, QUICK_START, ROOT

BIN = ROOT / "bin"
COMMANDS = ("peaks", "preprocess", "report", "tokenize", "labels", "train", "predict", "evaluate")
SCRIPT = """
include { followImports } from 'ROOT/subworkflows/local/initialise/code_digest'

workflow {
    main:
    COMMANDS.each { command ->
        def found = new TreeMap()
        followImports(file('ROOT/bin'), "ribolm.cli.${command}".toString(), found)
        file("FOLDER/${command}.txt").text = found.keySet().join('\\n')
    }
}
"""


def imports(source: Path, package: list[str]) -> Iterator[str]:
    """Absolute names of all modules and attributes that a file imports, at any depth; `package` holds the file."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*around, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def reached(module: str) -> set[str]:
    """Files under bin/ that a module reaches, those of the packages around each one included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        parts = waiting.pop().split(".")
        for depth in range(1, len(parts) + 1):
            stem = Path(*parts[:depth])
            for path, package in ((stem / "__init__.py", parts[:depth]), (stem.with_suffix(".py"), parts[: depth - 1])):
                if parts[0] == "ribolm" and str(path) not in found and (BIN / path).exists():
                    found.add(str(path))
                    waiting.extend(imports(BIN / path, package))
    return found


@pytest.mark.parametrize("mode", ["v1", "v2"])
def test_digest_covers_what_imports_reach(nextflow: Path, tmp_path: Path, mode: str) -> None:
    script = tmp_path / "digest.nf"
    marks = {"ROOT": str(ROOT), "FOLDER": str(tmp_path), "COMMANDS": str(list(COMMANDS))}
    script.write_text(re.sub("ROOT|FOLDER|COMMANDS", lambda mark: marks[mark[0]], SCRIPT))
    env = {**os.environ, **QUICK_START, **MODES[mode]}
    subprocess.run([str(nextflow), "run", str(script)], cwd=tmp_path, env=env, check=True, capture_output=True)
    for command in COMMANDS:
        assert set((tmp_path / f"{command}.txt").read_text().split()) == reached(f"ribolm.cli.{command}")
        assert f"ribolm/cli/{command}.py" in reached(f"ribolm.cli.{command}")
