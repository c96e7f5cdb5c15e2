"""Ribolm's commands as steps of a recipe."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def command(verb: str, *words: object) -> None:
    """Run one of ribolm's commands; its failure ends the script."""
    line = [sys.executable, str(REPOSITORY / "bin" / f"ribolm-{verb}"), *map(str, words)]
    print(" ".join(line[1:]), file=sys.stderr, flush=True)
    done = subprocess.run(line, check=False)
    if done.returncode:
        sys.exit(done.returncode)
