"""Random streams by name."""

from hypothesis import given
from hypothesis import strategies as st

from ribolm.simulation.streams import stream


def test_a_stream_is_a_function_of_seed_and_purpose() -> None:
    assert (stream(3, "library", "a").random(5) == stream(3, "library", "a").random(5)).all()


@given(st.tuples(st.integers(0, 2**40), st.text("abc", max_size=3)), st.tuples(st.integers(0, 9), st.text("ab")))
def test_other_names_and_seeds_give_other_numbers(one: tuple[int, str], other: tuple[int, str]) -> None:
    same = stream(one[0], one[1]).random() == stream(other[0], other[1]).random()
    assert same == (one == other)


def test_the_first_numbers_stay_what_they_are() -> None:
    # A change here changes every simulated file.
    assert stream(1, "genes").integers(1000, size=4).tolist() == FIRST_NUMBERS


FIRST_NUMBERS = [473, 506, 266, 973]
