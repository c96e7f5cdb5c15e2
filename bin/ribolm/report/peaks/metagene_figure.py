"""The picture of peaks along transcripts: density above, a scaled transcript below."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.report.drawing.figures import new_figure, save_figure
from ribolm.report.drawing.palette import BACKGROUND, INK, REGIONS, group_colours
from ribolm.report.peaks.metagene import CODING, Float64, MetageneAxis

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_metagene(
    path: Path, axis: MetageneAxis, densities: Mapping[str, tuple[Float64, Float64]], n_peaks: Mapping[str, int]
) -> None:
    """Write a PNG. `densities[group]` = (peaks, expected), each float64 [bins]; `n_peaks` for the legend."""
    colours = group_colours(list(densities))
    with new_figure(9.0, 4.2) as figure:
        plot, model = figure.subplots(2, 1, sharex=True, height_ratios=[8, 1])
        expected = sum(d[1] * n_peaks[name] for name, d in densities.items()) / max(sum(n_peaks.values()), 1)
        plot.stairs(
            expected, axis.edges, fill=True, color=BACKGROUND, alpha=0.35, label="anywhere on the same transcripts"
        )
        for name, (density, _expected) in densities.items():
            label = f"{name} (n = {n_peaks[name]:,})"
            plot.stairs(density, axis.edges, color=colours[name], linewidth=2, label=label, baseline=None)
        plot.set_ylabel("relative density of peaks")
        plot.set_ylim(bottom=0)
        plot.set_xlim(0, 1)
        plot.legend(loc="lower left", bbox_to_anchor=(0, 1.06), ncols=3)
        if axis.lengths_nt:
            plot.axvline(axis.borders[2], color=REGIONS["stop codon"], linewidth=1, linestyle="--")
            plot.annotate(
                "stop codon",
                (axis.borders[2], 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, 2),
                textcoords="offset points",
                color=REGIONS["stop codon"],
                fontsize=9,
            )
        _draw_transcript(model, axis)
        save_figure(figure, path)


def _draw_transcript(model: "Axes", axis: MetageneAxis) -> None:
    model.set_ylim(-1.6, 1)
    model.set_axis_off()
    if not axis.lengths_nt:
        model.barh(0, 1, 0.7, 0, color=REGIONS["exon"])
        for x, text, side in ((0, "5' end", "left"), (0.5, "spliced transcript", "center"), (1, "3' end", "right")):
            model.text(x, -1.3, text, ha=side, va="center", color=INK)
        return
    for name, low, high, length_nt in zip(CODING, axis.borders[:-1], axis.borders[1:], axis.lengths_nt, strict=True):
        model.barh(0, high - low, 1.4 if name == "CDS" else 0.7, low, color=REGIONS[name])
        text = f"{name}\n{length_nt:,.0f} nt" if high - low < 0.2 else f"{name}, median {length_nt:,.0f} nt"
        model.text((low + high) / 2, -1.3, text, ha="center", va="center", color=INK, fontsize=9)
