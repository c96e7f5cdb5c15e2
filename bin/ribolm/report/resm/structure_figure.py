"""F1 by length and by family: one mark per method and bin, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK
from ribolm.report.folders.assessed_folder import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {"length_nt": "Length (nt)", "family": "Family"}
WIDTH_IN, PANEL_IN = 7.6, 2.8
FLOORS = {"RNAfold MFE": INK, "RNAfold MEA": BACKGROUND, "LinearPartition": "#8a6d3b"}
MOST_BINS = 16  # the largest families; more would not be read


def draw_strata(path: Path, name: str, strata: Sequence[Row]) -> None:
    """Write the figure of one set as PNG: a panel for lengths and, where families are known, one for them."""
    kinds = [kind for kind in KINDS if any(row["stratum"] == kind for row in strata)]
    methods = list(dict.fromkeys(str(row["method"]) for row in strata))
    free = [colour for colour in GROUPS if colour not in FLOORS.values()]
    models = [method for method in methods if method not in FLOORS]
    colours = {**FLOORS, **{method: free[at % len(free)] for at, method in enumerate(models)}}
    with new_figure(WIDTH_IN, PANEL_IN * len(kinds) + 0.5) as figure:
        panels = figure.subplots(len(kinds), 1, squeeze=False)[:, 0]
        for panel, kind in zip(panels, kinds, strict=True):
            rows = [row for row in strata if row["stratum"] == kind]
            _draw_panel(panel, rows, methods, colours)
            n_bins = len({str(row["name"]) for row in rows})
            cut = f" (the {MOST_BINS} largest of {n_bins:,})" if n_bins > MOST_BINS else ""
            panel.set_xlabel(f"{KINDS[kind]}{cut}")
        panels[0].set_title(name)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3), fontsize=9)
        save_figure(figure, path)


def _draw_panel(panel: Axes, rows: Sequence[Row], methods: Sequence[str], colours: dict[str, str]) -> None:
    sizes = {str(row["name"]): int(row["n"]) for row in rows}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:MOST_BINS]
    names = [name for name in sizes if name in largest]
    step = 0.8 / max(len(methods), 1)
    for at, method in enumerate(methods):
        own = {str(row["name"]): row for row in rows if row["method"] == method}
        found = [own[name] for name in names if name in own]
        x = np.array([names.index(str(row["name"])) for row in found]) - 0.4 + step * (at + 0.5)
        y = np.array([row["f1"] for row in found], dtype=float)
        low = np.array([row["f1"] if row["f1_low"] is None else row["f1_low"] for row in found], dtype=float)
        high = np.array([row["f1"] if row["f1_high"] is None else row["f1_high"] for row in found], dtype=float)
        error = np.clip(np.stack([y - low, high - y]), 0, None)
        panel.errorbar(x, y, error, fmt="o", markersize=4, color=colours[method], linewidth=1.2, label=method)
    panel.set_xticks(range(len(names)), [f"{name}\n{sizes[name]:,}" for name in names], fontsize=8)
    panel.set_xlim(-0.6, len(names) - 0.4)
    panel.set_ylim(-0.03, 1.03)  # marks at the ends stay whole
    panel.set_ylabel("F1 per RNA")
    panel.grid(axis="y", color=BACKGROUND, alpha=0.3, linewidth=0.6)
