"""What is told of libraries behind the version of ribolm."""

import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from ribolm.version import __version__, version_line


def test_libraries_that_are_not_installed_are_left_out() -> None:
    assert version_line() == __version__
    assert version_line(["numpy", "no-such-library"]) == f"{__version__} numpy={metadata.version('numpy')}"


def test_a_library_without_metadata_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    monkeypatch.setitem(sys.modules, "RNA", SimpleNamespace(__version__="2.7.2"))
    assert version_line(["torch", "viennarna"]) == f"{__version__} viennarna=2.7.2"
    monkeypatch.setitem(sys.modules, "RNA", None)
    assert version_line(["viennarna"]) == __version__
