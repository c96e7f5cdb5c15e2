"""A map of RNAs: one colour per type."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.report.drawing.figures import new_figure, save_figure

WIDTH_IN, HEIGHT_IN = 6.4, 4.4
MANY = 2_000  # points from which on they are drawn smaller


def draw_map(
    path: Path,
    name: str,
    places: npt.NDArray[np.float64],
    types: Sequence[str],
    colours: Mapping[str, str],
    explained: tuple[float, float],
) -> None:
    """Write the figure as PNG; `places` [n, 2], a type per point, the most frequent drawn first."""
    kinds = np.array(types)
    size = 6 if len(types) > MANY else 18
    with new_figure(WIDTH_IN, HEIGHT_IN) as figure:
        axis = figure.subplots()
        for kind, colour in colours.items():
            own = kinds == kind
            first, second = places[own].T
            label = f"{kind} ({own.sum():,})"
            axis.scatter(first, second, s=size, color=colour, alpha=0.75, linewidths=0, label=label)
        axis.set_xlabel(f"first component ({explained[0]:.0%} of the variance)")
        axis.set_ylabel(f"second component ({explained[1]:.0%})")
        axis.set_title(f"{name}: {len(types):,} RNAs")
        figure.legend(loc="outside right center")
        save_figure(figure, path)
