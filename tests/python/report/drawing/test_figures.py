"""Figures take every name as it is."""

from pathlib import Path

import pytest

from ribolm.report.drawing.figures import new_figure, save_figure


@pytest.mark.parametrize("name", ["a$x_{$", "tRNA$5_$3"])
def test_dollar_signs_of_names_are_letters(tmp_path: Path, name: str) -> None:
    with new_figure(3.0, 2.0) as figure:
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], label=name)
        axis.set_title(name)
        figure.legend()
        save_figure(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
