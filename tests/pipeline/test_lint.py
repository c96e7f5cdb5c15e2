"""The pipeline's form: Nextflow's own lint and that of nf-core."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from .runs import ROOT

CHECKED = ("main.nf", "nextflow.config", "conf", "modules", "subworkflows", "workflows")


def test_nextflow_lint(nextflow: Path, tmp_path: Path) -> None:
    command = [str(nextflow), "lint", *(str(ROOT / name) for name in CHECKED)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nf_core_lint(nextflow: Path) -> None:
    tool = ROOT / ".venv-nfcore" / "bin" / "nf-core"
    if not tool.exists():
        pytest.skip("nf-core tools are missing: run scripts/setup --dev")
    env = {**os.environ, "PATH": f"{nextflow.parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    command = [str(tool), "--hide-progress", "pipelines", "lint", "--dir", str(ROOT)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_are_short() -> None:
    long = [path for path in ROOT.glob("workflows/*.nf") if len(path.read_text().splitlines()) > 400]
    assert long == []


def test_every_module_has_its_files() -> None:
    for main in ROOT.glob("modules/local/**/main.nf"):
        for name in ("meta.yml", "environment.yml", "tests/main.nf.test"):
            assert (main.parent / name).exists(), main.parent
        text = main.read_text()
        described = yaml.safe_load((main.parent / "meta.yml").read_text("utf-8"))
        assert described["name"] and described["output"], main
        assert "    stub:" in text, main
        assert "params." not in text, main
