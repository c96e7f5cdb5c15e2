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


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = re.search(r"^bin/ribolm-simulate (m6a --outdir tests/data/m6a.*)$", (DATA / "README.md").read_text(), re.M)
    assert found, "tests/data/README.md names no command"
    folder = tmp_path_factory.mktemp("remade") / "m6a"
    arguments = shlex.split(found[1].replace("tests/data/m6a", str(folder)))
    subprocess.run([sys.executable, str(ROOT / "bin" / "ribolm-simulate"), *arguments], check=True)
    return folder


def test_the_documented_command_writes_the_committed_files(remade: Path) -> None:
    def names(folder: Path) -> set[Path]:
        return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}

    assert names(remade) == names(DATA / "m6a")
    for name in sorted(names(remade)):
        assert content(remade / name) == content(DATA / "m6a" / name), name


@pytest.mark.skipif(zlib.ZLIB_RUNTIME_VERSION != "1.2.13", reason="the files were compressed by zlib 1.2.13")
def test_the_compressed_bytes_are_the_same_too(remade: Path) -> None:
    for path in remade.rglob("*.gz"):
        assert path.read_bytes() == (DATA / "m6a" / path.relative_to(remade)).read_bytes(), path.name


def test_the_committed_data_stay_small() -> None:
    assert sum(p.stat().st_size for p in (DATA / "m6a").rglob("*") if p.is_file()) < 6_000_000
