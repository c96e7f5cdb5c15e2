"""Python and shell sources pass the checks of scripts/lint; tests/pipeline does the same for Nextflow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("check", ["ruff", "format", "mypy", "shellcheck"])
def test_sources_pass(check: str) -> None:
    done = subprocess.run([ROOT / "scripts" / "lint", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
