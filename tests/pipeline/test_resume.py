"""What -resume does again and what it does not: after success, after an edit of the code, after a kill."""

import shutil
from collections.abc import Callable
from pathlib import Path

from .runs import Launcher, Run, reads

RESULTS = ("peaks.bed", "peaks.tsv", "bins.parquet")


def resumed(demo: Run, nextflow: Path, pipeline_copy: Path) -> Run:
    """The demo once more, in its own folder."""
    return Launcher(nextflow, pipeline_copy, demo.outdir.parent).run("-resume")


def test_second_run_is_all_cached(demo: Run, nextflow: Path, pipeline_copy: Path) -> None:
    run = resumed(demo, nextflow, pipeline_copy)
    assert run.status == 0, run.text
    assert run.tasks("CACHED") == demo.tasks()
    assert run.tasks("COMPLETED") == {}


def test_an_edit_runs_the_commands_that_import_it_again_and_nothing_else(
    demo: Run, nextflow: Path, pipeline_copy: Path
) -> None:
    again = {"PEAKS_CALL": 2, "REPORT_TRACKS": 2}
    package = pipeline_copy / "bin" / "ribolm"
    before = {path: path.read_text() for path in (package / "peaks" / "call.py", package / "reads" / "coverage.py")}
    try:
        for path, text in before.items():
            path.write_text(text + "\n# an edit\n")
        run = resumed(demo, nextflow, pipeline_copy)
    finally:
        for path, text in before.items():
            path.write_text(text)
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED") == again
    assert run.tasks("CACHED").total() == demo.tasks().total() - sum(again.values())


def test_killed_run_resumes_to_identical_results(demo: Run, launcher: Launcher, sheet: Callable[..., Path]) -> None:
    path = sheet(
        *(
            f"control_{number},control,{number},{assay},{reads(f'control_{number}.{assay}', 1)},"
            f"{reads(f'control_{number}.{assay}', 2)},,"
            for number in (1, 2)
            for assay in ("ip", "input")
        )
    )
    options = ("--input", str(path), "--steps", "preprocess,align,peaks")
    launcher.run_until("PEAKS_CALL", *options)
    shutil.rmtree(launcher.folder / "results", ignore_errors=True)
    run = launcher.run("-resume", *options)
    assert run.status == 0, run.text
    assert run.tasks("CACHED").total() > 8
    for name in RESULTS:
        ours, theirs = (folder / "peaks" / "control" / name for folder in (run.outdir, demo.outdir))
        assert ours.read_bytes() == theirs.read_bytes(), name
