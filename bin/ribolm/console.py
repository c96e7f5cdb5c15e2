"""What a command tells the person who runs it: notices, automatic choices, progress. All of it on stderr."""

import sys
import time
from pathlib import Path

_hushed = False


def hush() -> None:
    """Say nothing more of notices and choices: this is one of several processes, and the first one speaks."""
    global _hushed
    _hushed = True


def notice(text: str) -> None:
    """Tell of an input that was repaired or left out."""
    if _hushed:
        return
    print(f"notice: {text}", file=sys.stderr, flush=True)


def choice(what: str, value: object, reason: str) -> None:
    """Tell of a value that ribolm chose by itself, and why."""
    if _hushed:
        return
    print(f"chosen: {what} = {value} ({reason})", file=sys.stderr, flush=True)


class Repairs:
    """What was repaired in one file: counted, and told once per kind instead of once per place."""

    def __init__(self, path: Path | str) -> None:
        self.name = Path(path).name
        self.counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, kind: str, place: str = "", n: int = 1) -> None:
        """Count n repairs of a kind ("spaces around values removed"); the first `place` is remembered."""
        if n:
            self.counts[kind] = self.counts.get(kind, 0) + n
            self._first.setdefault(kind, place)

    def tell(self) -> None:
        """Give one notice per kind."""
        for kind, n in self.counts.items():
            place = f", first at {self._first[kind]}" if self._first[kind] else ""
            notice(f"{self.name}: {kind} ({n:,}{place}).")


class Progress:
    """A progress line for long work: rewritten in place on a terminal, one line per 30 s in a log.

    Use as a context manager; `advance(n)` adds n units. `total` may be 0 where it is unknown.
    """

    log_interval_s = 30.0
    terminal_interval_s = 0.2

    def __init__(self, what: str, total: int = 0, unit: str = "") -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._terminal = sys.stderr.isatty()
        self._started_s = self._shown_s = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._terminal and self.done:
            self._show()
            print(file=sys.stderr)

    def advance(self, n: int = 1) -> None:
        """Add n finished units and show the line when it is due."""
        self.done += n
        now_s = time.monotonic()
        if now_s - self._shown_s >= (self.terminal_interval_s if self._terminal else self.log_interval_s):
            self._shown_s = now_s
            self._show()

    def _show(self) -> None:
        elapsed_s = max(time.monotonic() - self._started_s, 1e-9)
        share = f" of {self.total:,} ({100 * self.done / self.total:.0f} %)" if self.total else ""
        line = f"{self.what}: {self.done:,}{share} {self.unit}, {self.done / elapsed_s:,.0f}/s"
        print(f"\r{line}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr, flush=True)
