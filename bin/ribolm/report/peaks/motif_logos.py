"""Sequence logos around DRACH, of peaks and of their matched background side by side."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.letter_stacks import RNA, information_bits
from ribolm.report.drawing.palette import INK, LETTERS
from ribolm.report.peaks.motif import FLANK_NT


def draw_logos(path: Path, name: str, peaks: npt.NDArray[np.int64], background: npt.NDArray[np.int64]) -> None:
    """Write a PNG with two logos, bits per place, place 0 = the A of DRACH. Counts: [2 * FLANK_NT + 1, 4]."""
    import logomaker
    import pandas as pd

    with new_figure(8.0, 3.6) as figure:
        axes = figure.subplots(2, 1, sharex=True, sharey=True)
        for axis, counts, title in (
            (axes[0], peaks, f"{name}: DRACH nearest to the middle of a peak"),
            (axes[1], background, "the same in matched background windows"),
        ):
            places = np.arange(-FLANK_NT, FLANK_NT + 1)
            table = pd.DataFrame(information_bits(counts), index=places, columns=list(RNA))
            logomaker.Logo(table, ax=axis, color_scheme=LETTERS, font_name="DejaVu Sans", vpad=0.02)
            axis.set_title(f"{title} (n = {int(counts[0].sum()):,})")
            axis.set_ylim(0, 2)
            axis.set_yticks([0, 1, 2])
            axis.set_ylabel("bits")
            axis.axvline(0, color=INK, linewidth=0.6, linestyle=":", zorder=0)
        axes[1].set_xticks(range(-FLANK_NT, FLANK_NT + 1, 2))
        axes[1].set_xlabel("distance from the A of DRACH (nt)")
        save_figure(figure, path)
