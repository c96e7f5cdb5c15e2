"""What a result was made by: digest of the code, versions, machine."""

import functools
import hashlib
import platform
from pathlib import Path
from typing import Any

from ribolm.version import __version__

PACKAGE = Path(__file__).resolve().parents[2]


@functools.cache
def code_digest(package: Path = PACKAGE) -> str:
    """sha256 over names and contents of the package's Python files, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def surroundings_record(device: str, world_size: int) -> dict[str, Any]:
    """What a bitwise equal continuation needs to be the same: recorded with each checkpoint, a difference is told."""
    import torch

    card = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {
        "code": code_digest(),
        "ribolm": __version__,
        "torch": torch.__version__,
        "device": card,
        "processes": world_size,
        "threads": torch.get_num_threads(),
    }
