"""A store may say that its zeros are meant: unknown labels of its tokens are then left out and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ribolm.training.recipes.finetuning import _Finetuning


@pytest.mark.parametrize("level, options, incomplete", [
    ("token", {}, True),
    ("token", {"complete_labels": True}, False),
    ("sequence", {}, False),
])  # fmt: skip
def test_zeros_of_a_complete_store_are_meant(level: str, options: dict[str, Any], incomplete: bool) -> None:
    store = SimpleNamespace(manifest={"source": {"options": options}}, tokenizer=SimpleNamespace(base_ids=[4, 5]))
    nothing = cast(Any, None)
    made = _Finetuning(
        cast(Any, SimpleNamespace(level=level)), cast(Any, SimpleNamespace(store=store)), nothing, nothing, nothing
    )
    assert made.incomplete is incomplete
