"""House style for matplotlib: one look, no screen, files that are the same for the same data."""

import base64
import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.report.drawing.palette import INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 160
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,  # names of RNAs may hold dollar signs
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "ribolm",
    "figure.facecolor": "white",
}


@contextmanager
def new_figure(width_in: float, height_in: float) -> Iterator["Figure"]:
    """Yield an empty figure in the house style; it is closed at the end, so save it inside the block."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(width_in, height_in), layout="constrained")
        try:
            yield figure
        finally:
            plt.close(figure)


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a PNG without date or program name, so that equal data give equal bytes."""
    figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})


def embed(path: Path, alternative_text: str) -> str:
    """A PNG as an HTML image that needs no file beside the report."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    text = html.escape(alternative_text, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{text}" style="max-width:100%;height:auto" />'


def captioned(path: Path, caption: str) -> str:
    """The same with what it shows below it, where a section holds several."""
    return f"<figure>{embed(path, caption)}<figcaption>{html.escape(caption)}</figcaption></figure>"
