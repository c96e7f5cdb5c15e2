"""log.jsonl: one JSON object per line, kept free of steps that a resumed run repeats."""

import contextlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from ribolm.console import choice, notice
from ribolm.files import atomic_path, finite


class TrainingLog:
    """Appends events to a file and tells a person the important ones; silent on all ranks but the first.

    Events before the file is known (`path` None) wait for `open`. A line is flushed at once; at most the last line is
    torn by a kill, and dropped by `rewind`.
    """

    say_every_s = 30.0

    def __init__(self, path: Path | None, first_rank: bool = True) -> None:
        self.path = path if first_rank else None
        self.first_rank = first_rank
        self._waiting: list[str] = []
        self._said_s = -math.inf

    def write(self, event: str, **values: Any) -> None:
        """Append one event; floats that are not finite become null."""
        if not self.first_rank:
            return
        self._waiting.append(json.dumps({"event": event, **finite(values)}, allow_nan=False) + "\n")
        if self.path is not None:
            with contextlib.suppress(OSError):  # a full disk must not end the training; the lines wait for the next
                with self.path.open("a", encoding="utf-8") as handle:
                    handle.write("".join(self._waiting))
                self._waiting.clear()

    def open(self, path: Path, anew: bool = False) -> None:
        """From now on write to a file, after what is in it or (`anew`) in its place."""
        self.path = path if self.first_rank else None
        if self.path is not None and anew:
            self.path.unlink(missing_ok=True)

    def choice(self, what: str, value: Any, reason: str) -> None:
        """Tell and record a value that was chosen automatically."""
        if self.first_rank:
            choice(what, value, reason)
        self.write("choice", what=what, value=value, reason=reason)

    def notice(self, text: str) -> None:
        """Tell and record something out of the ordinary."""
        if self.first_rank:
            notice(text)
        self.write("notice", text=text)

    def step(self, **values: Any) -> None:
        """Record a step; tell it where 30 s have passed since the last one told."""
        self.write("step", **values)
        if self.first_rank and time.monotonic() - self._said_s >= self.say_every_s:
            self._said_s = time.monotonic()
            print(
                f"step {values['step']:,} of {values['steps']:,}: loss {values['loss']:.4f}, "
                f"rate {values['learning_rate']:.3g}, {values['tokens_per_s']:,.0f} tokens/s",
                file=sys.stderr,
                flush=True,
            )

    def rewind(self, step: int) -> None:
        """Drop torn lines and all that was recorded after `step`: the resumed run will record it again."""
        if self.path is None or not self.path.exists():
            return
        kept = []
        for line in self.path.read_text("utf-8", errors="replace").splitlines():
            try:
                if int(json.loads(line).get("step", 0)) <= step:
                    kept.append(line + "\n")
            except ValueError:
                continue
        with atomic_path(self.path) as temporary:
            temporary.write_text("".join(kept), "utf-8")
