"""Hooks of the whole test run: which worker runs what, and the table of suites and seconds before the closing line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

# a time limit for single examples says more about the load of a machine than about the code
settings.register_profile("ribolm", deadline=None)
settings.load_profile("ribolm")

# files that read the results of one run of the demo: they stay on one worker, so that it runs once
DEMO = ("test_demo.py", "test_options.py", "test_resume.py")
# they compile the kernels, which whole runs take over
COMPILING = ("python/reads", "python/peaks")
COUNTED = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped", "xfailed": "skipped"}


def scope_of(nodeid: str) -> str:
    """What stays together when several workers share the tests: a file, and the files that need the demo."""
    path = nodeid.split("::")[0]
    return "demo" if PurePosixPath(path).name in DEMO else path


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give their argument's name, for compressed ones hold the second of their making and workers must agree."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the tests: what compiles, whole runs (the longest must not begin last), then the rest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank_of(suite_of(item.nodeid)))


def rank_of(suite: str) -> int:
    """Place of a suite in a run that several workers share."""
    return 0 if suite in COMPILING else 1 if suite.startswith("pipeline/") else 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Hand out tests by `scope_of`, in the order of the collection."""
    from xdist.scheduler import LoadFileScheduling

    class ByScope(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return ByScope(config, log)


def suite_of(nodeid: str) -> str:
    """Name of a test's row: its room for package tests, its file for whole runs of the pipeline."""
    path = PurePosixPath(nodeid.split("::")[0])
    if path.parts[:2] == ("tests", "pipeline"):
        return f"pipeline/{path.stem.removeprefix('test_')}"
    return "/".join(path.parts[1:-1])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Print the table after every other section, so that only pytest's closing line follows it."""
    yield
    write_table(terminalreporter)


def write_table(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one row for each suite: seconds (set-up and tear-down included) and what became of its tests."""
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("passed", "failed", "skipped"), 0))
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            suite = suite_of(report.nodeid)
            seconds[suite] += report.duration
            if outcome in COUNTED:
                counts[suite][COUNTED[outcome]] += 1
    if not seconds:
        return
    terminalreporter.section("suites and seconds")
    width = max(len(suite) for suite in seconds)
    terminalreporter.write_line(f"{'suite':<{width}}  seconds  passed  failed  skipped")
    for suite in sorted(seconds):
        row = counts[suite]
        terminalreporter.write_line(
            f"{suite:<{width}}  {seconds[suite]:7.1f}  {row['passed']:6d}  {row['failed']:6d}  {row['skipped']:7d}"
        )
    terminalreporter.write_line(f"{'all':<{width}}  {sum(seconds.values()):7.1f}")
