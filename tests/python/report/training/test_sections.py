"""Sections on training: thinned curves, words where nothing is to show, logs that are torn or damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def section(outdir: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((outdir / f"{name}_mqc.json").read_text())
    return found


def test_training_curves_are_thinned_and_choices_escaped(
    command: Callable[..., int], write_log: Callable[..., Path], tmp_path: Path
) -> None:
    log = write_log(tmp_path / "a.jsonl")
    assert command("training", "--log", f"fold0={log}", "--outdir", tmp_path / "q") == 0
    loss = section(tmp_path / "q", "training_loss")
    assert len(loss["data"]["fold0"]) == 300 and loss["data"]["fold0"][-1][0] == 900
    assert loss["data"]["fold0, held out"] == [[900.0, 0.4]] and loss["pconfig"]["dash_styles"] == {
        "fold0, held out": "dash"
    }
    assert section(tmp_path / "q", "training_held_out")["pconfig"]["ylab"] == "average precision"
    row = section(tmp_path / "q", "training_runs")["data"]["fold0"]
    assert row == {
        **{"steps": 900.0, "tokens": 90000.0, "loss": 1 / 900, "held_out": "average precision 0.3000"},
        **{"tokens_per_s": 500.0, "mfu": 0.0, "minutes": 30.0, "resumed": 1},
    }
    assert "device &lt;x&gt;" in section(tmp_path / "q", "training_choices")["data"]


def test_a_training_without_steps_says_so(command: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    assert command("training", "--log", f"a={tmp_path / 'a.jsonl'}", "--outdir", tmp_path / "q") == 0
    assert "no curve" in section(tmp_path / "q", "training_loss")["data"]


def test_a_torn_last_line_is_left_out(
    command: Callable[..., int], write_log: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_log(tmp_path / "a.jsonl", 5)
    log.write_text(log.read_text() + '{"event": "st')
    assert command("training", "--log", f"a={log}", "--outdir", tmp_path / "q") == 0
    assert "torn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{", '{"event": "step", "step": 1}'], "line 1: is no JSON"),
        (["[1]"], "line 1: is no event"),
        (['{"event": "step"}'], "line 1: is no event"),
    ],
)
def test_a_damaged_log_is_refused(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str], message: str
) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    assert command("training", "--log", f"a={tmp_path / 'a.jsonl'}", "--outdir", tmp_path / "q") == 65
    assert message in capsys.readouterr().err and not (tmp_path / "q").exists()
