"""Scripts on machines unlike a developer's: other systems, settings of shells, indexes of torch, paths with blanks."""

import fnmatch
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
INDEX = "an index"


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


def pip_calls_of_the_image(folder: Path, index: str) -> list[str]:
    """Arguments of each call of pip in the recipe of image torch, run with an empty environment in `folder`."""
    recipe = (ROOT / "containers" / "torch" / "Dockerfile").read_text()
    step = re.search(r"^RUN --mount\S+ \\\n(.*?[^\\])\n", recipe, re.MULTILINE | re.DOTALL)
    assert step
    (folder / "torch.lock").write_text((ROOT / "requirements" / "torch.lock").read_text())
    program(folder / "venv" / "bin" / "pip", f'echo "$*" >> {folder}/calls')
    program(folder / "path" / "python3", "exit 0")
    script = step[1].replace("/opt/ribolm", str(folder))
    done = shell(script, PATH=f"{folder}/path:{os.environ['PATH']}", TORCH_INDEX_URL=index, PIP_ARGS="")
    assert done.returncode == 0, done.stderr
    return (folder / "calls").read_text().splitlines()


def test_torch_of_another_index_brings_its_cuda_and_nothing_else_without_a_hash(tmp_path: Path) -> None:
    locked, torch = pip_calls_of_the_image(tmp_path, INDEX)
    assert "--no-deps --require-hashes" in locked and INDEX not in locked
    assert f"--index-url {INDEX} torch==" in torch
    assert "--no-deps" not in torch, "the CUDA libraries of that build are its requirements"
    rest = (tmp_path / "install.lock").read_text()
    assert re.search(r"^(transformers|zarr)==", rest, re.MULTILINE)
    assert not re.search(r"^(torch|triton|nvidia-\S+|cuda-\S+)==", rest, re.MULTILINE)


def test_torch_of_the_lock_is_hashed_like_the_rest(tmp_path: Path) -> None:
    (call,) = pip_calls_of_the_image(tmp_path, "")
    assert "--no-deps --require-hashes" in call
    assert (tmp_path / "install.lock").read_text() == (tmp_path / "torch.lock").read_text()


def test_images_are_built_when_what_goes_into_them_changes() -> None:
    workflow = yaml.load((ROOT / ".github" / "workflows" / "containers.yml").read_text(), yaml.BaseLoader)
    watched = workflow["on"]["pull_request"]["paths"]
    copied = {
        name
        for recipe in (ROOT / "containers").glob("*/Dockerfile")
        for name in re.findall(r"^COPY (\S+) ", recipe.read_text(), re.MULTILINE)
    }
    assert copied
    assert [name for name in copied if not any(fnmatch.fnmatch(name, pattern) for pattern in watched)] == []


def test_every_bash_file_is_checked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    begins = re.compile(rb"^#!/usr/bin/env bash|^# shellcheck shell=")
    files = [name for name in listed.stdout.splitlines() if begins.match((ROOT / name).read_bytes())]
    sources = re.search(r"^shell_sources\(\) \{(.*)\}$", (ROOT / "scripts" / "lint").read_text(), re.MULTILINE)
    assert sources
    assert sorted(shell(sources[1]).stdout.split()) == sorted(files)


@pytest.mark.parametrize("name", ["scripts/setup", "bin/ribolm-train", "assets/models/rna-structure-small/config.json"])
def test_texts_keep_their_line_ends_in_every_checkout(name: str) -> None:
    done = shell('git check-attr eol -- "$1"', name)
    if done.returncode:
        pytest.skip("not a git clone")
    assert done.stdout == f"{name}: eol: lf\n"
