"""The numbers to read first of a run or a step, as framed boxes beside each other and as JSON."""

import html
from collections.abc import Sequence
from pathlib import Path

from ribolm.files import write_json

Number = dict[str, str]
SEPARATOR = " · "


def write_headline(out: Path, numbers: Sequence[Number]) -> None:
    """Write {"numbers": [{"label", "value", "note"}]}."""
    write_json(out, {"numbers": list(numbers)})


def cards(numbers: Sequence[Number]) -> str:
    """Numbers as framed boxes beside each other, HTML."""
    boxes = "".join(map(_card, numbers))
    grid = "display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.8rem"
    return f'<div style="{grid}">{boxes}</div>'


def _card(number: Number) -> str:
    """One number as a framed box; values of several groups stand below each other."""
    values = "<br>".join(html.escape(value) for value in number["value"].split(SEPARATOR))
    return (
        '<div style="border:1px solid rgba(128,128,128,.35);border-radius:8px;padding:.8rem 1rem">'
        f'<div style="opacity:.8">{html.escape(number["label"])}</div>'
        f'<div style="font-size:1.25rem;font-weight:600;margin:.2rem 0 .4rem">{values}</div>'
        f'<div style="font-size:.8rem;opacity:.75">{html.escape(number["note"])}</div></div>'
    )
