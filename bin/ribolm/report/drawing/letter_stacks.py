"""Letters stacked to the height of their information: a logo of hundreds of places in a tenth of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.report.drawing.palette import LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 0.92
LEAST_BITS = 0.002  # lower letters would be thinner than a line
RNA = "ACGU"  # columns of counts and heights


def information_bits(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Letter heights [places, 4] in bits against even bases, with the small-sample correction.

    Schneider and Stephens 1990 (Nucleic Acids Res 18:6097): 2 - (entropy + 3 / (2 ln 2 n)), not below 0, times share.
    """
    n = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(n, 1)
    entropy = -np.sum(share * np.log2(np.where(share > 0, share, 1.0)), axis=1, keepdims=True)
    correction = (len(RNA) - 1) / (2 * np.log(2) * np.maximum(n, 1))
    bits: npt.NDArray[np.float64] = np.maximum(2 - entropy - correction, 0.0) * share
    return bits


def draw_stacks(axis: Axes, heights: npt.NDArray[np.float64], places: npt.NDArray[np.int64], letters: str) -> None:
    """Draw letters (columns of `heights` [places, letters], the highest on top) at each place of an axis.

    One collection of outlines per letter, each outline made once and stretched.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextPath

    order = np.argsort(heights, axis=1, kind="stable")
    ranked = np.take_along_axis(heights, order, axis=1)
    bottom = np.empty_like(heights)
    np.put_along_axis(bottom, order, np.cumsum(ranked, axis=1) - ranked, axis=1)
    bold = FontProperties(family="DejaVu Sans", weight="bold")
    for column, letter in enumerate(letters):
        outline = TextPath((0, 0), letter, size=1, prop=bold)
        low, high = outline.vertices.min(axis=0), outline.vertices.max(axis=0)
        unit = (outline.vertices - low) / (high - low)
        shown = np.flatnonzero(heights[:, column] > LEAST_BITS)
        corners = np.stack([places[shown] - WIDTH / 2, bottom[shown, column]], axis=1)
        sizes = np.stack([np.full(len(shown), WIDTH), heights[shown, column]], axis=1)
        stretched = (unit * size + corner for size, corner in zip(sizes, corners, strict=True))
        patches = [PathPatch(Outline(vertices, outline.codes)) for vertices in stretched]
        axis.add_collection(PatchCollection(patches, facecolor=LETTERS[letter], edgecolor="none"))
    axis.set_xlim(float(places[0]) - 0.6, float(places[-1]) + 0.6)
