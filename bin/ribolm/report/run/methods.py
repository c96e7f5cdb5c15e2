"""Methods text and limits of a run, filled with the versions and parameters that were really used."""

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.files import atomic_directory
from ribolm.report.drawing.multiqc import CHAPTERS
from ribolm.report.run.methods_paragraphs import REFERENCES, limits, paragraphs
from ribolm.report.run.record import Run

SHOWN_LIBRARIES = 200


def write_methods(outdir: Path, run: Run) -> None:
    """Write methods_mqc.html and limits_mqc.html."""
    text = paragraphs(run)
    cited = list(dict.fromkeys(key for key in re.findall(r"\[(\w+)\]", " ".join(text)) if key in REFERENCES))
    numbers = {key: i for i, key in enumerate(cited, start=1)}
    body = "\n".join(f"<p>{_cite(paragraph, numbers)}</p>" for paragraph in text)
    references = "\n".join(f"<li>{REFERENCES[key]}</li>" for key in cited)
    parts = [body, f"<h4>References</h4>\n<ol>\n{references}\n</ol>", _choices(run), _parameters(run)]
    with atomic_directory(outdir) as folder:
        about = (
            "Text for a methods section, with the versions and parameters of this run. Check it before you publish it."
        )
        _write_html(folder / "methods_mqc.html", "ribolm_methods_text", "Methods", about, "\n".join(parts))
        items = "\n".join(f"<li>{item}</li>" for item in limits(run))
        about = "What this report does not show, in plain words."
        _write_html(folder / "limits_mqc.html", "ribolm_limits", "Limits", about, f"<ul>\n{items}\n</ul>")


def _cite(paragraph: str, numbers: Mapping[str, int]) -> str:
    for key, number in numbers.items():
        paragraph = paragraph.replace(f"[{key}]", f"[{number}]")
    return paragraph


def _choices(run: Run) -> str:
    """What was chosen automatically, as a table."""
    rows = [
        (str(summary.get("name")), choice.get("what"), choice.get("value"), choice.get("reason"))
        for summary in run.summaries
        for choice in summary.get("choices") or []
    ]
    if not rows:
        return ""
    return "<h4>Chosen automatically</h4>\n" + _table(("Group", "What", "Value", "Reason"), rows[:SHOWN_LIBRARIES])


def _parameters(run: Run) -> str:
    """All parameters of the run, as a table that opens on a click."""
    rows = [(name, value) for name, value in sorted(run.parameters.items()) if value is not None]
    table = _table(("Parameter", "Value"), rows)
    return f"<details><summary>All parameters of the run</summary>\n{table}\n</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    lines = ["<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    body = "\n".join(lines)
    return f'<table class="table table-sm">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _write_html(path: Path, identifier: str, title: str, description: str, body: str) -> None:
    chapter = "ribolm_methods"
    name, about = CHAPTERS[chapter]
    header = {
        "id": identifier,
        "parent_id": chapter,
        "parent_name": name,
        "parent_description": about,
        "section_name": title,
        "description": description,
        "plot_type": "html",
    }
    lines = "\n".join(f'{key}: "{value}"' for key, value in header.items())
    path.write_text(f"<!--\n{lines}\n-->\n{body}\n", encoding="utf-8")
