"""The one place where the version of ribolm stands (PEP 440 form of the pipeline's `0.1.0dev`)."""

import sys
from collections.abc import Iterable

__version__ = "0.1.0.dev0"
# A distribution that some package managers install without metadata, and its module, which is quick to import
BARE = {"viennarna": "RNA"}


def version_line(libraries: Iterable[str] = ()) -> str:
    """The version of ribolm, and those of libraries behind it: `0.1.0 python=3.13.1 numpy=2.4.6`.

    `libraries` are names of distributions, or python; those that are not installed are left out.
    """
    found = {name: _installed(name) for name in libraries}
    return " ".join([__version__, *(f"{name}={version}" for name, version in found.items() if version)])


def _installed(name: str) -> str | None:
    if name == "python":
        return ".".join(str(part) for part in sys.version_info[:3])
    from importlib import import_module, metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
    try:
        return str(import_module(BARE[name]).__version__)
    except (KeyError, ImportError):
        return None
