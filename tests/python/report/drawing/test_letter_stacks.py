"""Heights of letters."""

import numpy as np
import pytest

from ribolm.report.drawing.letter_stacks import information_bits


def test_information_is_two_bits_for_one_letter_and_none_for_even_letters() -> None:
    bits = information_bits(np.array([[1000, 0, 0, 0], [250, 250, 250, 250]]))
    assert bits[0, 0] == pytest.approx(2 - 3 / (2 * np.log(2) * 1000))
    assert bits[1].sum() == 0
