"""What the tests of whole runs share: the program, a copy of the pipeline, the demo's run, samplesheets."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from .runs import DATA, HEADER, PIPELINE, ROOT, TOOLS, Launcher, Refusals, Run, reads


@pytest.fixture(scope="session")
def nextflow() -> Path:
    """The nextflow to test with: that of PATH, else that of scripts/setup."""
    own = ROOT / ".tools" / "nextflow" / "nextflow"
    found = shutil.which("nextflow") or (str(own) if own.exists() else None)
    if found is None:
        pytest.skip("nextflow is missing: run scripts/setup, or put nextflow on PATH")
    return Path(found)


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip, naming them, where programs of real runs are missing."""
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: run scripts/setup")


@pytest.fixture(scope="session")
def pipeline_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pipeline with its compiled kernels: nobody's edit disturbs a run, and tests may edit it."""
    copy = tmp_path_factory.mktemp("pipeline") / "ribolm"
    copy.mkdir()
    for name in (*PIPELINE, "nextflow_schema.json"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("*.pyc*", "*.tmp.*"))
        else:
            shutil.copy2(source, copy / name)
    for track in ("m6a", "polya", "resm"):
        shutil.copytree(DATA.parent / track, copy / "tests" / "data" / track)
    if (ROOT / ".venv").exists():
        (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


@pytest.fixture
def launcher(nextflow: Path, pipeline_copy: Path, tmp_path: Path) -> Launcher:
    """Runs of the unchanged copy in the test's own folder."""
    return Launcher(nextflow, pipeline_copy, tmp_path)


@pytest.fixture(scope="session")
def demo(nextflow: Path, tools: None, pipeline_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run that README promises, once for all tests that read its results."""
    run = Launcher(nextflow, pipeline_copy, tmp_path_factory.mktemp("demo")).run()
    assert run.status == 0, run.text
    yield run


@pytest.fixture(scope="session")
def refused(nextflow: Path, pipeline_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """Asks once for all what is said of several choices of parameters: name to words, none for what is accepted.

    A whole start of the pipeline per choice costs half a minute of processor time, most of it for modules that a
    refusal never reaches.
    """
    script = pipeline_copy / "refusals.nf"
    shutil.copy2(Path(__file__).with_name("refusals.nf"), script)

    def ask(choices: Mapping[str, Sequence[str]], profile: str) -> dict[str, str]:
        folder = tmp_path_factory.mktemp("refused")
        asked = {name: dict(zip(words[::2], words[1::2], strict=True)) for name, words in choices.items()}
        plain = {name: {word.removeprefix("--"): text for word, text in one.items()} for name, one in asked.items()}
        (folder / "asked.json").write_text(json.dumps(plain))
        run = Launcher(nextflow, script, folder).run(profile=profile)
        assert run.status == 0, run.text
        found: dict[str, str] = json.loads((folder / "told.json").read_text())
        return found

    return ask


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a samplesheet of the given rows under the usual header."""

    def write(*rows: str, name: str = "samples.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        return path

    return write


@pytest.fixture
def small_sheet(sheet: Callable[..., Path]) -> Path:
    """One group, one replicate; the IP is paired-end of two lanes, the input single-end."""
    return sheet(
        f"c,control,1,ip,{reads('control_1.ip', 1)},{reads('control_1.ip', 2)},,",
        f"c,control,1,ip,{reads('control_2.ip', 1)},{reads('control_2.ip', 2)},,",
        f"c,control,1,input,{reads('control_1.input', 1)},,,",
    )
