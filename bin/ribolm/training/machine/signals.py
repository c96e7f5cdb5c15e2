"""SIGTERM, SIGUSR2 and Ctrl-C become a flag that the loop reads at the next step boundary."""

import signal
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT)


class StopFlag:
    """Context manager: while it is open, the first signal only sets `name`; a second Ctrl-C stops at once.

    SIGUSR2 is what Slurm sends before the end of the time it allots.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopFlag":
        self._before = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.name == "SIGINT":
            raise KeyboardInterrupt
        self.name = signal.Signals(number).name
