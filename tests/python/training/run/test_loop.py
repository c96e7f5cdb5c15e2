import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.errors import DataError, OutOfMemory, UsageError
from ribolm.training import faults
from ribolm.training.checkpoints.lease import Lease
from ribolm.training.checkpoints.provenance import code_digest
from ribolm.training.run.session import open_session
from ribolm.training.settings import Runtime

_spec = importlib.util.spec_from_file_location("lessons", Path(__file__).with_name("lessons.py"))
assert _spec and _spec.loader
lessons = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lessons)
SHORT = {"steps": 6, "evaluate_every_steps": 3}


@pytest.fixture(autouse=True)
def no_faults_are_left() -> object:
    yield
    faults.plan("")


def events(folder: Path, kind: str) -> list[dict]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def network_after(folder: Path, changes: dict, **runtime: object) -> dict[str, torch.Tensor]:
    lesson = lessons.make_lesson(**changes)
    with open_session(Runtime(checkpoint_dir=folder, device="cpu", **runtime), "fp32", "L1") as session:
        session.train(lesson)
    return lesson.network.state_dict()


def test_a_loss_of_nan_stops_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    whole = lessons.train(tmp_path / "whole", changes=SHORT)
    faults.plan("step.forward@5=nan")
    with pytest.raises(
        DataError, match=r"loss of step 4 is no finite number. The state after step 3 is kept"
    ) as refusal:
        lessons.train(tmp_path / "cut", changes={**SHORT, "tokens_per_step": 200})
    assert refusal.value.exit_code == 65
    faults.plan("")
    assert lessons.train(tmp_path / "cut", changes=SHORT) == whole


def test_a_gradient_that_explodes_stops_too(tmp_path: Path) -> None:
    lesson = lessons.make_lesson(**SHORT)
    lesson.network.esm.embeddings.word_embeddings.weight.register_hook(lambda gradient: gradient * math.inf)
    with open_session(Runtime(checkpoint_dir=tmp_path, device="cpu"), "fp32", "L1") as session:
        with pytest.raises(DataError, match="gradient of step 1"):
            session.train(lesson)
    assert all(torch.isfinite(value).all() for value in lesson.network.state_dict().values())


def test_out_of_memory_halves_the_micro_batch_and_nothing_else(tmp_path: Path) -> None:
    faults.plan("step.backward@3=oom")
    with pytest.raises(OutOfMemory, match="100 are taken then") as refusal:
        lessons.train(tmp_path, changes=SHORT)
    assert refusal.value.exit_code == 75
    assert json.loads((tmp_path / "fitting.json").read_text())["tokens_per_micro_batch"] == 100
    before = json.loads((tmp_path / "identity.json").read_text())
    faults.plan("")
    lessons.train(tmp_path, changes=SHORT)
    assert json.loads((tmp_path / "identity.json").read_text()) == before
    lessons.train(tmp_path / "whole", changes=SHORT)
    tokens = [[event["tokens"] for event in events(folder, "step")] for folder in (tmp_path, tmp_path / "whole")]
    assert tokens[0] == tokens[1] and len(tokens[0]) == 6


def test_out_of_memory_in_an_evaluation_saves_and_halves_too(tmp_path: Path) -> None:
    faults.plan("evaluation.batch@1=oom")
    with pytest.raises(OutOfMemory, match="100 are taken then") as refusal:
        lessons.train(tmp_path, changes=SHORT)
    assert refusal.value.exit_code == 75 and list(tmp_path.glob("step-*3"))
    faults.plan("")
    lessons.train(tmp_path, changes=SHORT)
    assert [event["step"] for event in events(tmp_path, "evaluation")] == [3, 6]


def test_decisions_are_made_on_answers_in_fp32_like_those_of_prediction(tmp_path: Path) -> None:
    lesson = lessons.make_lesson("finetune", **SHORT)
    with open_session(Runtime(checkpoint_dir=tmp_path, device="cpu"), "bf16", "L1") as session:
        loop, _ = session.train(lesson)
        lesson.network.eval()
        found = loop.ask_held_out(lambda batch: lesson.network(batch.sequences, batch.selected))
        batch = loop.judge.prepare(next(iter(loop.validation.once(loop.at.fitting.tokens))))
    with torch.no_grad():
        torch.testing.assert_close(found[0], lesson.network(batch.sequences, batch.selected), rtol=0, atol=0)


def test_one_sequence_that_does_not_fit_is_not_tried_again(tmp_path: Path) -> None:
    faults.plan("step.forward@1=oom")
    with pytest.raises(DataError, match=r"single sequence of 41 tokens.*--lora"):
        lessons.train(tmp_path, changes=SHORT, tokens_per_micro_batch=41)


def test_the_size_of_micro_batches_changes_nothing_but_the_order_of_sums(tmp_path: Path) -> None:
    without_dropout = {**SHORT, "steps": 3}
    found = []
    for tokens in (400, 60):
        lesson = lessons.make_lesson(**without_dropout, tokens_per_step=400)
        lesson.network.eval()
        lesson.network.train = lambda mode=True, network=lesson.network: network
        runtime = Runtime(checkpoint_dir=tmp_path / str(tokens), device="cpu", tokens_per_micro_batch=tokens)
        with open_session(runtime, "fp32", "L1") as session:
            session.train(lesson)
        found.append(lesson.network.state_dict())
    for name, tensor in found[0].items():
        torch.testing.assert_close(tensor, found[1][name], rtol=1e-4, atol=2e-5, msg=name)


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    lessons.train(tmp_path, changes=SHORT)
    with pytest.raises(DataError, match=r"another configuration \(optimisation.learning_rate: 0.003, not 0.01\)"):
        lessons.train(tmp_path, changes={**SHORT, "learning_rate": 0.01})


@pytest.mark.parametrize("name", ["identity.json", "fitting.json"])
def test_a_damaged_file_of_the_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[1")
    with pytest.raises(DataError, match=name):
        lessons.train(tmp_path, changes=SHORT)


def test_never_begins_anew_and_require_insists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no checkpoint"):
        lessons.train(tmp_path, changes=SHORT, resume="require")
    first = lessons.train(tmp_path, changes=SHORT)
    assert lessons.train(tmp_path, changes=SHORT, resume="require") == first
    assert len(events(tmp_path, "resume")) == 1
    lessons.train(tmp_path, changes={**SHORT, "seed": 2}, resume="never")
    assert not events(tmp_path, "resume") and len(events(tmp_path, "step")) == 6


def test_training_ends_early_and_keeps_the_best_weights(tmp_path: Path) -> None:
    changes = {"steps": 30, "evaluate_every_steps": 2, "patience": 2, "learning_rate": 0.5, "warmup_share": 0.0}
    lesson = lessons.make_lesson(**changes)
    with open_session(Runtime(checkpoint_dir=tmp_path, device="cpu"), "fp32", "L1") as session:
        loop, state = session.train(lesson)
        again = loop.evaluate()
    assert state.stopped_early and state.step < 30
    values = {event["step"]: event["metrics"]["loss"] for event in events(tmp_path, "evaluation")}
    assert state.best_step == min(values, key=values.get) and state.step == state.best_step + 4
    assert again["loss"] == values[state.best_step]


def test_the_log_says_what_reports_read(tmp_path: Path) -> None:
    lessons.train(tmp_path, "finetune", changes=SHORT)
    keys = {"step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_s", "mfu", "elapsed_s"}
    assert all(keys <= event.keys() for event in events(tmp_path, "step"))
    assert events(tmp_path, "evaluation")[0]["metrics"].keys() >= {"loss", "average_precision", "roc_auc"}
    assert {"what", "value", "reason"} <= events(tmp_path, "choice")[0].keys()


def test_other_code_is_told_and_continued(tmp_path: Path, monkeypatch, capsys) -> None:
    faults.plan("step.update@4=full")
    with pytest.raises(OSError, match="No space"):
        lessons.train(tmp_path, changes=SHORT)
    faults.plan("")
    monkeypatch.setattr("ribolm.training.checkpoints.provenance.code_digest", lambda: "another")
    lessons.train(tmp_path, changes=SHORT)
    assert (
        f"code was {code_digest()[:12]} when the checkpoint was written and is another now" in capsys.readouterr().err
    )


def test_a_card_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"no CUDA device is seen.*--device cpu") as refusal:
        lessons.train(tmp_path, changes=SHORT, device="cuda")
    assert refusal.value.exit_code == 2


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    with Lease(tmp_path), pytest.raises(Exception, match=r"trains in .*--if-busy wait"):
        lessons.train(tmp_path, changes=SHORT, if_busy="refuse")
    assert not list(tmp_path.glob("step-*"))


def test_global_generators_are_functions_of_the_step(tmp_path: Path) -> None:
    import random

    drawn: dict[str, list[float]] = {"whole": [], "cut": []}

    def noisy(name: str) -> object:
        lesson = lessons.make_lesson(**SHORT)
        loss = lesson.objective.loss

        def draw(network: torch.nn.Module, batch: object) -> object:
            drawn[name].append(random.random() + float(np.random.rand()) + float(torch.rand(())))
            return loss(network, batch)

        object.__setattr__(lesson.objective, "loss", draw)
        return lesson

    for name, plan in (("whole", ""), ("cut", "step.update@4=full"), ("cut", "")):
        faults.plan(plan)
        runtime = Runtime(checkpoint_dir=tmp_path / name, device="cpu", checkpoint_every_steps=1)
        with open_session(runtime, "fp32", "L1") as session:
            try:
                session.train(noisy(name))
            except OSError:
                drawn["cut"].pop()  # the step that failed is repeated
    assert len(set(drawn["whole"])) == len(drawn["whole"])
    assert drawn["cut"][-3:] == drawn["whole"][-3:]
