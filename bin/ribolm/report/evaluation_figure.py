"""Average precision with intervals: one panel per universe, one line per method."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.report.evaluation_folder import UNIVERSE_NAMES, EvaluationFolder
from ribolm.report.figures import new_figure, save_figure
from ribolm.report.palette import BACKGROUND, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN, HEAD_IN, PANEL_IN, NAMES_IN = 0.34, 1.1, 3.4, 2.2
NAME_LETTERS = 34


def draw_intervals(path: Path, folder: EvaluationFolder) -> None:
    """Write the figure as PNG; methods stand in the order of the first universe, the reference on top."""
    names = list(dict.fromkeys(str(row["method"]) for row in folder.tables["methods"]))
    width, height = NAMES_IN + PANEL_IN * len(folder.universes), HEAD_IN + ROW_IN * len(names)
    with new_figure(width, height) as figure:
        panels = figure.subplots(1, len(folder.universes), sharey=True, squeeze=False)[0]
        for panel, universe in zip(panels, folder.universes, strict=True):
            _draw_panel(panel, folder, universe, names)
        labels = [name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…" for name in names]
        panels[0].set_yticks(range(len(names)), labels)
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        save_figure(figure, path)


def _draw_panel(panel: "Axes", folder: EvaluationFolder, universe: str, names: list[str]) -> None:
    colours, _ = folder.styles()
    rows = folder.rows("methods", universe=universe)
    highest = 0.0
    for row in rows:
        value, y = row["average_precision"], names.index(str(row["method"]))
        if value is None:
            continue
        low, high = row["average_precision_low"], row["average_precision_high"]
        colour = colours[str(row["method"])]
        if low is not None and high is not None:
            panel.plot([low, high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
        panel.plot([value], [y], "o", color=colour, markersize=6)
        end = (max(value, high or value), y)
        panel.annotate(f"{value:.3f}", end, (6, 0), textcoords="offset points", va="center", fontsize=9)
        highest = max(highest, value, high or value)
    prevalence = float(rows[0]["prevalence"] or 0.0)
    panel.axvline(prevalence, color=BACKGROUND, linestyle="--", linewidth=1.2, zorder=0)
    panel.set_xlim(0, min(1.3 * max(highest, prevalence, 1e-3), 1.25))
    first = rows[0]
    panel.set_title(f"{UNIVERSE_NAMES[universe]}\nprevalence {100 * prevalence:.2f} %", color=INK)
    panel.set_xlabel(f"average precision (n = {first['n']:,.0f}, {first['n_sites']:,.0f} sites)")
    panel.tick_params(axis="y", length=0)
