"""The sources pass every check of scripts/lint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("check", ["ruff", "format", "mypy", "shellcheck", "nextflow", "nfcore"])
def test_sources_pass(check: str) -> None:
    if check == "nfcore" and not (ROOT / ".venv-nfcore").exists():
        pytest.skip("nf-core tools are not installed: scripts/setup --dev")
    done = subprocess.run([ROOT / "scripts" / "lint", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
