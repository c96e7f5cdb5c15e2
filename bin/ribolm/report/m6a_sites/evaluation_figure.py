"""Average precision with intervals: one panel per universe, one line per method."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import BACKGROUND, INK
from ribolm.report.folders.evaluation_folder import UNIVERSE_NAMES, EvaluationFolder, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN, HEAD_IN, PANEL_IN, NAMES_IN = 0.34, 1.1, 3.4, 2.2
NAME_LETTERS = 34
NUMBER_SHARE = 0.2  # of the width of a panel, for a number beside its interval


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
    rows = [row for row in folder.rows("methods", universe=universe) if row["average_precision"] is not None]
    first = folder.rows("methods", universe=universe)[0]
    prevalence = float(first["prevalence"] or 0.0)
    highest = max([prevalence, 1e-3, *(_interval(row)[1] for row in rows)])
    right = min(1.01 * highest / (1 - NUMBER_SHARE), 1.0)
    for row in rows:
        value, (low, high) = row["average_precision"], _interval(row)
        y, colour = names.index(str(row["method"])), colours[str(row["method"])]
        if low < high:
            panel.plot([low, high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
        panel.plot([value], [y], "o", color=colour, markersize=6)
        _write_number(panel, value, low, high, y, right)
    panel.axvline(prevalence, color=BACKGROUND, linestyle="--", linewidth=1.2, zorder=0)
    panel.set_xlim(0, right)
    panel.set_title(f"{UNIVERSE_NAMES[universe]}\nprevalence {100 * prevalence:.2f} %", color=INK)
    panel.set_xlabel(f"average precision (n = {first['n']:,.0f}, {first['n_sites']:,.0f} sites)")
    panel.tick_params(axis="y", length=0)


def _write_number(panel: "Axes", value: float, low: float, high: float, y: float, right: float) -> None:
    """Write the value beside its interval, right or left of it, or above where it fills the panel."""
    label: dict[str, Any] = {"text": f"{value:.3f}", "textcoords": "offset points", "fontsize": 9}
    if high <= (1 - NUMBER_SHARE) * right:
        panel.annotate(xy=(high, y), xytext=(6, 0), va="center", **label)
    elif low >= NUMBER_SHARE * right:
        panel.annotate(xy=(low, y), xytext=(-6, 0), va="center", ha="right", **label)
    else:
        panel.annotate(xy=(value, y), xytext=(0, 5), ha="right" if value > right / 2 else "left", **label)


def _interval(row: Row) -> tuple[float, float]:
    """Lower and upper end; both the value itself where there is no interval."""
    value = float(row["average_precision"])
    low, high = row["average_precision_low"], row["average_precision_high"]
    return (value, value) if low is None or high is None else (min(low, value), max(high, value))
