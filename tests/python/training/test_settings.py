from pathlib import Path

import pytest
from pydantic import ValidationError

from ribolm.training.settings import FORMAT_VERSION, Optimisation, Runtime, Settings


def settings(**changes: object) -> Settings:
    values = {"kind": "pretrain", "data": {"store": "d"}, "network": {"preset": "tiny"}, "objective": {}, **changes}
    return Settings(optimisation=values.pop("optimisation", Optimisation(steps=5)), **values)


def test_the_key_follows_data_settings_and_format(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [
        settings(data={"store": "e"}),
        settings(network={"preset": "small"}),
        settings(objective={"rate": 0.2}),
        settings(optimisation=Optimisation(steps=5, seed=2)),
        settings(kind="finetune"),
    ]
    keys = {settings().key(), *(other.key() for other in others)}
    assert len(keys) == 6 and all(len(key) == 16 for key in keys)
    assert settings().key() == settings().key()
    monkeypatch.setattr("ribolm.training.settings.FORMAT_VERSION", FORMAT_VERSION + 1)
    assert settings().key() not in keys


def test_what_may_change_between_starts_is_not_in_the_key() -> None:
    names = set(Runtime.model_fields)
    assert {"tokens_per_micro_batch", "device", "checkpoint_dir", "keep"} <= names
    assert not names & set(Optimisation.model_fields)


@pytest.mark.parametrize("wrong", [{}, {"steps": 1, "epochs": 1.0}, {"steps": 0}, {"steps": 1, "unknown": 1}])
def test_settings_that_contradict_themselves_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Optimisation(**wrong)


def test_five_minutes_are_the_longest_time_between_checkpoints() -> None:
    with pytest.raises(ValidationError):
        Runtime(checkpoint_dir=Path("c"), checkpoint_every_s=301)


def test_epochs_become_steps() -> None:
    assert Optimisation(epochs=2.5).total_steps(10) == 25
    assert Optimisation(epochs=0.01).total_steps(10) == 1
    assert Optimisation(steps=7).total_steps(10) == 7
