"""A store may say that its zeros are meant: unknown labels of its tokens are then left out and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
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


@pytest.mark.parametrize("complete", [False, True])
def test_balanced_weights_count_the_tokens_of_the_rows_that_are_learnt(complete: bool) -> None:
    labels = np.zeros(40, dtype=np.float32)
    labels[[3, 25, 35]] = 1  # the first lies in a row that is not learnt
    store = SimpleNamespace(
        manifest={"source": {"options": {"complete_labels": complete}}},
        tokenizer=SimpleNamespace(base_ids=[4, 5]),
        offsets=np.arange(0, 41, 10),
    )
    options = SimpleNamespace(level="token", positive_weight=0, focal_gamma=0.0, label_smoothing=0.0)
    data = SimpleNamespace(store=store, spec=SimpleNamespace(width=1))
    session = SimpleNamespace(log=SimpleNamespace(choice=lambda *_: None))
    nothing = cast(Any, None)
    made = _Finetuning(cast(Any, options), cast(Any, data), nothing, nothing, cast(Any, session))
    assert made._loss(labels, np.array([2, 3])).class_weights == pytest.approx((20 / 36, 20 / 4))
