"""The committed demo data are what their documented command writes."""

import gzip
import re
import shlex
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"


def content(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


@pytest.fixture(scope="module", params=["m6a", "polya", "resm"])
def remade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = request.param
    command = rf"^bin/ribolm-simulate ({name} --outdir tests/data/{name}.*)$"
    found = re.search(command, (DATA / "README.md").read_text(), re.M)
    assert found, "tests/data/README.md names no command"
    folder = tmp_path_factory.mktemp("remade") / name
    arguments = shlex.split(found[1].replace(f"tests/data/{name}", str(folder)))
    subprocess.run([sys.executable, str(ROOT / "bin" / "ribolm-simulate"), *arguments], check=True)
    return folder


def test_the_documented_command_writes_the_committed_files(remade: Path) -> None:
    def names(folder: Path) -> set[Path]:
        return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}

    committed = DATA / remade.name
    by_hand = {name for name in names(committed) if f"| `{name}` | by hand: " in (DATA / "README.md").read_text()}
    assert names(remade) == names(committed) - by_hand
    for name in sorted(names(remade)):
        assert content(remade / name) == content(committed / name), name


@pytest.mark.skipif(zlib.ZLIB_RUNTIME_VERSION != "1.2.13", reason="the files were compressed by zlib 1.2.13")
def test_the_compressed_bytes_are_the_same_too(remade: Path) -> None:
    for path in remade.rglob("*.gz"):
        assert path.read_bytes() == (DATA / remade.name / path.relative_to(remade)).read_bytes(), path.name


def test_the_committed_data_stay_small() -> None:
    for name, most in (("m6a", 6_000_000), ("polya", 1_500_000), ("resm", 100_000)):
        assert sum(p.stat().st_size for p in (DATA / name).rglob("*") if p.is_file()) < most
