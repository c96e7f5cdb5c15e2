"""Base pairs as arcs over the sequence: known ones above, predicted ones below, right ones in one colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.labels.structure.pairs import Int64, Structure
from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK, IP, LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN, PANEL_IN = 7.2, 1.9
LETTERS_NT = 110  # longest RNA whose letters are written
POINTS = 40  # of one arc
RIGHT, MISSED, WRONG = GROUPS[0], INK, IP
WHITE = {"fc": "white", "ec": "none", "pad": 0.2}
CROSSING = GROUPS[2]
NESTED = GROUPS[0]


@dataclass(frozen=True)
class Panel:
    """One RNA: its predicted structure, the known one where there is one, and a title."""

    title: str
    predicted: Structure
    known: Structure | None = None


def draw_arcs(path: Path, panels: Sequence[Panel]) -> None:
    """Write the figure as PNG, one RNA below the other."""
    with new_figure(WIDTH_IN, PANEL_IN * len(panels) + 0.4) as figure:
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axis, panel in zip(axes, panels, strict=True):
            _draw_panel(axis, panel)
        figure.legend(handles=_legend(panels), loc="outside lower center", ncols=3)
        save_figure(figure, path)


def arcs(pairs: Int64, below: bool) -> npt.NDArray[np.float64]:
    """Half circles float64 [P, POINTS, 2] over pairs int64 [P, 2]."""
    angle = np.linspace(0, np.pi, POINTS)
    radius = (pairs[:, 1] - pairs[:, 0])[:, None] / 2
    middle = pairs.sum(axis=1)[:, None] / 2
    height = radius * np.sin(angle)
    return np.stack([middle + radius * np.cos(angle), -height if below else height], axis=2)


def crossing(structure: Structure) -> npt.NDArray[np.bool_]:
    """Which pairs of `structure.pairs()` cross another one, bool [P]. Cost: P²."""
    pairs = structure.pairs()
    i, j = pairs[:, 0], pairs[:, 1]
    between = (i[:, None] < i) & (i < j[:, None]) & (j[:, None] < j)
    return np.asarray((between | between.T).any(axis=1))


def _draw_panel(axis: Axes, panel: Panel) -> None:
    from matplotlib.ticker import MaxNLocator

    n = len(panel.predicted)
    axis.axhline(0, color=BACKGROUND, linewidth=0.8)
    if panel.known is None:
        pairs, crosses = panel.predicted.pairs(), crossing(panel.predicted)
        _add(axis, pairs[~crosses], NESTED, below=False)
        _add(axis, pairs[crosses], CROSSING, below=False)
    else:
        known, predicted = (one.pairs() for one in (panel.known, panel.predicted))
        found = panel.predicted.partner[known[:, 0]] == known[:, 1]
        right = panel.known.partner[predicted[:, 0]] == predicted[:, 1]
        _add(axis, known[found], RIGHT, below=False)
        _add(axis, known[~found], MISSED, below=False)
        _add(axis, predicted[right], RIGHT, below=True)
        _add(axis, predicted[~right], WRONG, below=True)
    if n <= LETTERS_NT:
        for at, letter in enumerate(panel.predicted.letters):
            colour = LETTERS.get(letter, INK)
            axis.text(at, 0, letter, ha="center", va="center", fontsize=5, color=colour, bbox=WHITE)
    axis.set_xlim(-1, n)
    axis.autoscale_view(scalex=False)
    axis.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_title(panel.title, fontsize=9)


def _add(axis: Axes, pairs: Int64, colour: str, below: bool) -> None:
    from matplotlib.collections import LineCollection

    if len(pairs):
        lines = list(arcs(pairs, below))
        axis.add_collection(LineCollection(lines, colors=colour, linewidths=0.9))
        axis.update_datalim(np.concatenate(lines))


def _legend(panels: Sequence[Panel]) -> list[object]:
    from matplotlib.lines import Line2D

    if any(panel.known is not None for panel in panels):
        named = {"known (above) and predicted (below)": RIGHT, "known, missed": MISSED, "predicted, not known": WRONG}
    else:
        named = {"predicted": NESTED, "predicted, crosses another pair": CROSSING}
    return [Line2D([], [], color=colour, label=name) for name, colour in named.items()]
