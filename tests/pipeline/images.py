"""Which container image each process of a run had, and which one its module names."""

import os
import re
from pathlib import Path

from .runs import ROOT, Run

ENGINE = Path(__file__).parent / "engine"
PROFILE = "local,singularity"


def with_engine() -> dict[str, str]:
    """Environment of a run whose Singularity is the stand-in."""
    return {"PATH": f"{ENGINE}{os.pathsep}{os.environ['PATH']}"}


def images(run: Run) -> dict[str, str]:
    """Name of the image file of each process, by the name that the process has in the run."""
    return {row["name"].split(" ")[0].split(":")[-1]: Path(row["container"]).stem for row in run.trace}


def named_images() -> dict[str, str]:
    """The same as modules say, aliases of processes included."""
    found = {}
    for module in (ROOT / "modules").rglob("main.nf"):
        text = module.read_text()
        process, image = (re.search(rule, text) for rule in (r"process (\w+)", r"container '([^']+)'"))
        assert process and image, module
        found[process[1]] = image[1].replace(":", "_")
    for script in (*(ROOT / "subworkflows").rglob("*.nf"), *(ROOT / "workflows").rglob("*.nf")):
        for process, alias in re.findall(r"(\w+)\s+as\s+(\w+)", script.read_text()):
            if process in found:
                found[alias] = found[process]
    return found
