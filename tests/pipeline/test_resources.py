"""What tasks ask for by their labels: memory by device, the same again after a stop, more after a kill for memory."""

import pytest

from .runs import Launcher

SCRIPT = """
process TRAINING {
    label 'process_medium'
    label 'process_gpu'
    output:
    stdout
    script:
    \"\"\"
    echo "attempt ${task.attempt} asks for ${task.memory}, ${task.accelerator ? 'a card' : 'no card'}"
    [ ${task.attempt} -gt 2 ] || exit ${task.attempt == 1 ? 143 : 137}
    \"\"\"
}
workflow {
    TRAINING().view()
}
"""


@pytest.mark.parametrize(("use_gpu", "asked"), [("false", "36 GB, no card"), ("true", "72 GB, a card")])
def test_memory_fits_the_device_and_grows_only_after_a_kill_for_memory(
    launcher: Launcher, use_gpu: str, asked: str
) -> None:
    base = launcher.pipeline / "conf" / "base.config"
    folder = launcher.folder / "labels"
    folder.mkdir()
    (folder / "main.nf").write_text(SCRIPT)
    more = "executor { cpus = 64; memory = '512 GB' }\nparams { gpu_container_options = null; checkpoint_dir = null }\n"
    (folder / "nextflow.config").write_text(
        f"params.use_gpu = {use_gpu}\n{more}includeConfig '{base}'\n" + "profiles { none {} }\n"
    )
    run = Launcher(launcher.nextflow, folder, launcher.folder).run(profile="none")
    assert run.status == 0, run.text
    assert f"attempt 3 asks for {asked}" in run.text
    asked_before = [path.read_text() for path in sorted((launcher.folder / "work").rglob(".command.out"))]
    first = "12 GB" if use_gpu == "false" else "24 GB"
    assert sum(f"attempt 1 asks for {first}" in text for text in asked_before) == 1
    assert sum(f"attempt 2 asks for {first}" in text for text in asked_before) == 1, "a stop is no lack of memory"
