"""When evaluations are due: often enough to find the best step, never most of the time."""

from hypothesis import given
from hypothesis import strategies as st

from ribolm.training.run.schedule import evaluation_interval


def share_of_evaluations(every: int, tokens_per_step: float, held_out_tokens: int) -> float:
    return held_out_tokens / (held_out_tokens + 3 * every * tokens_per_step)


def test_a_small_dev_is_scored_twenty_times() -> None:
    assert evaluation_interval(2000, 4000, 4096, 1000) == 100


def test_many_epochs_are_scored_once_each() -> None:
    assert evaluation_interval(2000, 40, 4096, 1000) == 40


def test_a_dev_as_large_as_the_lesson_is_scored_less_often() -> None:
    every = evaluation_interval(364, 364, 1536, 170_000)
    assert every == 91
    assert share_of_evaluations(18, 1536, 170_000) > 0.6


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(1, 1e6), st.integers(0, 10**9))
def test_evaluations_take_a_fifth_of_the_time_or_are_few(
    steps: int, per_epoch: int, tokens_per_step: float, held_out: int
) -> None:
    every = evaluation_interval(steps, per_epoch, tokens_per_step, held_out)
    assert 1 <= every <= steps
    assert every >= steps // 4 or share_of_evaluations(every, tokens_per_step, held_out) <= 0.2 + 1e-9
