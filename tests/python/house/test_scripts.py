"""Scripts on machines unlike a developer's: other systems, settings of shells, indexes of torch, paths with blanks."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def shell(script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = os.environ["PATH"]
    command = ["bash", "-euo", "pipefail", "-c", script, "-", *words]
    return subprocess.run(command, cwd=ROOT, env={"PATH": path, **env}, capture_output=True, text=True, check=False)


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("folders", [".:/usr", ":/usr"])
def test_activate_finds_its_folder_whatever_folders_the_shell_searches(folders: str) -> None:
    done = shell('PATH=/usr/bin:/bin CDPATH="$1"; . scripts/activate; type -P ribolm-predict', folders)
    assert done.stdout == f"{ROOT}/bin/ribolm-predict\n", done.stderr


def test_setup_says_where_it_does_not_run(tmp_path: Path) -> None:
    program(tmp_path / "uname", "echo Darwin")
    done = shell("scripts/setup --no-system --no-torch", PATH=f"{tmp_path}:{os.environ['PATH']}", PROFILE="docker")
    assert done.returncode == 1
    assert done.stderr.startswith("setup: this is Darwin, and scripts/setup knows Linux alone.")


def test_the_demo_shows_numbers_of_a_folder_with_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "my results" / "quality"
    folder.mkdir(parents=True)
    (folder / "headline.json").write_text('{"numbers": [{"label": "peaks", "value": "12"}]}')
    last_words = (ROOT / "scripts" / "demo").read_text().partition("\ndone\n")[2]
    done = shell(f"outdir=$1\n{last_words}", str(folder.parent))
    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, "peaks: 12"), done.stderr
