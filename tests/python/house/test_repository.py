"""What a committed file may name, and that the locks are hashed, complete and agree with each other."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Written in pieces so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:ro" r"ot|ho" r"me/\w+|wo" r"rk/main|tm" r"p/setup)\b"),
    "a package index": re.compile(
        r"--(?:extra-)?index-" r"url[ =]+ht" r"tp|ht" r"tps?://\S+/(?:sim" r"ple|mav" r"en2)\b"
    ),
    "a registry host": re.compile(r"(?:pypi\.o" r"rg|pythonho" r"sted|repo1?\.mav" r"en)", re.IGNORECASE),
}
LOCKS = ["core", "report", "dev", "torch", "macs3", "nfcore"]


@cache
def committed_texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names(what: str) -> None:
    found = [f"{name}: {hit[0]}" for name, text in committed_texts().items() if (hit := FORBIDDEN[what].search(text))]
    assert not found


def test_no_committed_file_is_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert [path.name for path in names if path.is_file() and path.stat().st_size > 5_000_000] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_is_hashed(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    pins = re.split(r"^(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert pins
    assert [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_locked(lock: str) -> None:
    wanted = (ROOT / "requirements" / f"{lock}.in").read_text().split("\n")
    locked = set(
        re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements" / f"{lock}.lock").read_text(), re.MULTILINE)
    )
    names = [re.split(r"[=<>]", line)[0].strip().lower() for line in wanted if line and not line.startswith("#")]
    assert set(names) <= locked


def lines_of(path: str) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").split()


def test_the_package_requires_what_it_imports_and_no_more() -> None:
    imported = set()
    for path in (ROOT / "bin" / "ribolm").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    programs = {"cutadapt"}
    names = {"pyyaml": "yaml", "scikit-learn": "sklearn", "viennarna": "RNA"}
    by_users = {"linearpartition"}  # non-commercial: installed by who wants it, absence is said
    listed = {re.split(r"[=<>]", line)[0] for name in ("core", "torch") for line in lines_of(f"requirements/{name}.in")}
    required = {names.get(name, name) for name in listed}
    assert (
        required
        == {name for name in imported - {"ribolm"} - by_users if name not in sys.stdlib_module_names} | programs
    )


def test_locks_installed_together_agree() -> None:
    pins: dict[str, set[str]] = {}
    for lock in ["core", "report", "dev", "torch"]:
        text = (ROOT / "requirements" / f"{lock}.lock").read_text()
        versions: dict[str, set[str]] = {}
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
            versions.setdefault(name, set()).add(version)
        for name, found in versions.items():
            assert pins.setdefault(name, found) == found, f"{name} in {lock}.lock"


def test_the_picture_in_readme_is_what_its_script_draws() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "images" / "draw_tracks.py"))["picture"]()
    assert (ROOT / "docs" / "images" / "tracks.svg").read_text(encoding="utf-8") == drawn


def test_links_inside_the_documentation_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
