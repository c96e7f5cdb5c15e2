"""How much memory the machine has left, asked before long work needs it; nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

SPARE_SHARE = 0.05  # of what is free, left to everything that is not foreseen


def free_bytes(root: Path | str = "/") -> tuple[int, str]:
    """Free memory of the machine in bytes, and what bounds it. `root`: where /proc and /sys are looked for.

    MemAvailable, or what the control group leaves, page cache counted as free; 0 ("unknown") where neither can be read.
    """
    root = Path(root)
    bounds = [(size, "memory of the machine") for size in _machine_bytes(root)]
    bounds += [(size, "memory limit of the container") for size in _group_bytes(root)]
    return min(bounds, default=(0, "unknown"))


def _machine_bytes(root: Path) -> list[int]:
    try:
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]


def _group_bytes(root: Path) -> list[int]:
    """What every control group above this process leaves, of version 2 and 1."""
    places = [
        (root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        (root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ]
    own = _own_groups(root)
    found = []
    for base, limit_file, usage_file, cache_name in places:
        for folder in dict.fromkeys([base, *(path for group in own for path in _folders(base, group))]):
            try:
                limit, usage = (
                    (folder / limit_file).read_text("ascii").strip(),
                    (folder / usage_file).read_text("ascii"),
                )
                cached = [line.split()[1] for line in (folder / "memory.stat").read_text("ascii").splitlines()
                          if line.startswith(cache_name + " ")]  # fmt: skip
            except OSError:
                continue
            if limit.isdigit() and int(limit) < 1 << 60:  # version 1 writes a huge number for none
                found.append(max(0, int(limit) - int(usage) + sum(int(size) for size in cached)))
    return found


def _own_groups(root: Path) -> list[str]:
    try:
        lines = (root / "proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return []
    return [parts[2].strip("/") for parts in (line.split(":", 2) for line in lines) if parts[1] in ("", "memory")]


def _folders(base: Path, group: str) -> list[Path]:
    parts = [part for part in group.split("/") if part not in ("", "..")]
    return [base.joinpath(*parts[:n]) for n in range(1, len(parts) + 1)]
