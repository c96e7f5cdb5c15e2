"""Precision against recall of single bases: one panel per tolerance, the prevalence as floor, the published point."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK
from ribolm.report.folders.token_folder import PUBLISHED, TokenFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_IN, HEIGHT_IN = 3.1, 3.6
FLOORS = {"rule": INK, "shuffled labels": BACKGROUND}
LEAST = 1e-6  # below the prevalence of any genome


def draw_token_curves(path: Path, folder: TokenFolder) -> None:
    """Write the figure of one genome as PNG; precision on a logarithmic axis, because sites are rare."""
    with new_figure(PANEL_IN * len(folder.tolerances), HEIGHT_IN) as figure:
        panels = figure.subplots(1, len(folder.tolerances), sharey=True, squeeze=False)[0]
        for panel, tolerance in zip(panels, folder.tolerances, strict=True):
            _draw_panel(panel, folder, tolerance)
        # one axis for all: the lowest floor must be seen in each panel
        panels[0].set_ylim(min(_prevalence(row["prevalence"]) for row in folder.methods) / 2, 1.1)
        panels[0].set_ylabel("precision")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
        figure.suptitle(folder.name, x=0.01, ha="left")
        save_figure(figure, path)


def _draw_panel(panel: "Axes", folder: TokenFolder, tolerance: float) -> None:
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    rows = [row for row in folder.methods if row["tolerance_nt"] == tolerance]
    curves, colours = folder.at(tolerance, "pr"), iter(GROUPS * len(rows))
    for row in rows:
        name, kind = str(row["method"]), str(row["kind"])
        colour, style = (FLOORS[kind], ":") if kind in FLOORS else (next(colours), "-")
        points = curves.get(name, [])
        x, y = ([float(point[axis]) for point in points] for axis in ("x", "y"))
        panel.plot(x, y, style, color=colour, linewidth=1.8, label=name)
    panel.axhline(
        _prevalence(rows[0]["prevalence"]),
        color=BACKGROUND,
        linestyle="--",
        linewidth=1.2,
        label="prevalence (no knowledge)",
    )
    if not tolerance:
        point = [PUBLISHED["recall"]], [PUBLISHED["precision"]]
        panel.plot(*point, "D", color=INK, fillstyle="none", label="published, other data")
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # the usual labels are formulas, which are off
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_xlim(0, 1)
    panel.set_title(f"±{tolerance:.0f} nt: n = {rows[0]['n']:,.0f}")
    panel.set_xlabel(f"recall of {rows[0]['n_sites']:,.0f} sites")


def _prevalence(value: float | None) -> float:
    return max(float(value or 0.0), LEAST)
