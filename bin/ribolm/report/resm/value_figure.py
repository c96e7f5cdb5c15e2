"""Predicted against measured values: one panel per method, density where points would hide each other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import GROUPS, INK
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.method_table import shown_name

Float64 = npt.NDArray[np.float64]
PANEL_IN = 3.6
MANY = 800  # points from which on density is drawn


def draw_scatter(path: Path, folder: AssessedFolder, methods: Sequence[str]) -> None:
    """Write the figure of one set as PNG; all panels have the same axes."""
    rows = folder.tables["predictions"]
    measured = np.array([row["measured"] for row in rows], dtype=float)
    predicted = {name: np.array([row[name] for row in rows], dtype=float) for name in methods}
    low = min(measured.min(), *(values.min() for values in predicted.values()))
    high = max(measured.max(), *(values.max() for values in predicted.values()))
    margin = 0.03 * max(high - low, 1e-9)
    with new_figure(PANEL_IN * len(methods), PANEL_IN) as figure:
        panels = figure.subplots(1, len(methods), sharex=True, sharey=True, squeeze=False)[0]
        for panel, name in zip(panels, methods, strict=True):
            panel.plot([low, high], [low, high], color=INK, linewidth=0.8)
            if len(rows) > MANY:
                panel.hexbin(measured, predicted[name], gridsize=50, mincnt=1, bins="log", cmap="YlGnBu", linewidths=0)
            else:
                panel.plot(measured, predicted[name], ".", color=GROUPS[0], markersize=4, alpha=0.6)
            r2 = _r2(measured, predicted[name])
            shown = shown_name(name)
            panel.set_title(shown if r2 is None else f"{shown}: R² = {r2:.3f}")
            panel.set_xlabel(f"measured {folder.content.get('scale', '')}".strip())
            panel.set_xlim(low - margin, high + margin)
            panel.set_ylim(low - margin, high + margin)
        panels[0].set_ylabel("predicted")
        figure.suptitle(f"{folder.name}: {len(rows):,} sequences", x=0.01, ha="left")
        save_figure(figure, path)


def _r2(measured: Float64, predicted: Float64) -> float | None:
    """Share of the variance of the points that is explained, None where they have none; float64 [n] each."""
    spread = float(((measured - measured.mean()) ** 2).sum())
    return 1 - float(((measured - predicted) ** 2).sum()) / spread if spread > 0 else None
