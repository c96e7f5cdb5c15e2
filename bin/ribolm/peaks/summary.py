"""What a call did, in numbers: summary.json and the section of the MultiQC report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ribolm.console import choice
from ribolm.files import write_json
from ribolm.peaks.dispersion import ESTIMATOR, DispersionTrend
from ribolm.version import __version__

SECTION_ID = "ribolm_peak_calls"


@dataclass
class Choices:
    """Automatic choices, told on stderr and kept for the summary."""

    made: list[dict[str, Any]] = field(default_factory=list)

    def add(self, what: str, value: object, reason: str) -> None:
        """Tell and keep one choice."""
        choice(what, value, reason)
        self.made.append({"what": what, "value": value, "reason": reason})


@dataclass(frozen=True)
class Summary:
    """Content of summary.json; `libraries` by name, `bins` and `calls` as counts, `dispersion` None for Poisson."""

    name: str
    caller: str
    parameters: Mapping[str, Any]
    choices: Sequence[Mapping[str, Any]]
    libraries: Mapping[str, Mapping[str, Any]]
    bins: Mapping[str, Any]
    calls: Mapping[str, Any]
    dispersion: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Write summary.json and <name>.peaks_mqc.json."""
        write_json(folder / "summary.json", {"version": __version__, **vars(self)})
        write_json(folder / f"{file_name(self.name)}.peaks_mqc.json", self.multiqc())

    def multiqc(self) -> dict[str, Any]:
        """Custom content of MultiQC: one row per group; files of several groups join into one table."""
        row = {
            "caller": self.caller,
            "tested": self.bins.get("with_counts"),
            "background": self.bins.get("background"),
            "called": self.calls.get("bins"),
            "peaks": self.calls["peaks"],
            "median_length_nt": self.calls.get("median_length_nt"),
        }
        return {
            "id": SECTION_ID,
            "parent_id": "ribolm_peaks",  # the chapter of the report's other sections about peaks
            "parent_name": "m6A peaks",
            "parent_description": "How many peaks were called, how long they are, and where in transcripts they lie.",
            "section_name": "Peak calls",
            "description": (
                "Bins with at least one fragment, background bins that set the size factors, bins at or below the "
                "p-value cutoff, and the peaks they join into. The cutoff is on raw p-values; a peak's p-value is the "
                "plain mean over its bins, not a combined test."
            ),
            "plot_type": "table",
            "pconfig": {"id": f"{SECTION_ID}_table", "title": "Peak calls", "col1_header": "Group"},
            "headers": {
                "caller": {"title": "Caller"},
                "tested": {"title": "Bins tested", "format": "{:,.0f}", "scale": False},
                "background": {"title": "Background bins", "format": "{:,.0f}", "scale": False},
                "called": {"title": "Bins called", "format": "{:,.0f}", "scale": False},
                "peaks": {"title": "Peaks", "format": "{:,.0f}", "scale": "Blues"},
                "median_length_nt": {"title": "Median length", "suffix": " nt", "format": "{:,.0f}", "scale": False},
            },
            "data": {self.name: {column: value for column, value in row.items() if value is not None}},
        }


def file_name(name: str) -> str:
    """A group's name as part of a file name."""
    return name.replace("/", "_")


def describe_dispersion(trend: DispersionTrend | None) -> dict[str, Any] | None:
    """The dispersion entry of the summary."""
    if trend is None:
        return None
    strata = zip(trend.log_abundance.tolist(), trend.dispersion.tolist(), trend.bins.tolist(), strict=True)
    return {
        "estimator": ESTIMATOR,
        "strata": [{"log_abundance": a, "dispersion": phi, "bins": n} for a, phi, n in strata],
    }
