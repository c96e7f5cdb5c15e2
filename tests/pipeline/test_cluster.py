"""`-profile slurm,singularity,gpu`: what is asked of the scheduler, and what of the card reaches the image."""

import re

from .images import with_engine
from .runs import ROOT, Launcher


def test_models_get_a_card_and_the_rest_gets_none(launcher: Launcher) -> None:
    given = ("--track", "resm", "--input", str(ROOT / "tests" / "data" / "resm" / "mine.fa"))
    run = launcher.run("-stub-run", *given, env=with_engine(), profile="slurm,singularity,gpu")
    assert run.status == 0, run.text
    texts = [path.read_text() for path in (launcher.folder / "work").rglob(".command.run")]
    scripts = {name[1]: text for text in texts if (name := re.search(r"### name: '(?:\w+:)*(\w+)", text))}
    asked = {name: ("--gres=gpu:1" in text, " --nv " in text) for name, text in scripts.items()}
    models = {"PREDICT_EMBED", "PREDICT_STRUCTURE"}
    assert asked == {name: (name in models,) * 2 for name in run.tasks()}
    assert all("#SBATCH --signal=B:USR2@300" in text for text in scripts.values())
    folder = launcher.folder / "work" / "checkpoints"
    assert all(f"--bind {folder}:{folder}" in scripts[name] and "24576M" in scripts[name] for name in models)
