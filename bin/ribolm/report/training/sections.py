"""Sections on training: loss, metrics on held-out sequences, learning rate, throughput, choices."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.multiqc import Section, write_html, write_line_tabs, write_table, write_words
from ribolm.report.drawing.palette import GROUPS
from ribolm.report.training.log import Points, TrainingRun

CHAPTER = "ribolm_training"
LOSS = Section(
    "training_loss",
    CHAPTER,
    "Loss",
    "Mean loss per target over the steps since the line before, and on held-out sequences where they were asked. It "
    "should fall and level off; a held-out loss that rises again is over-fitting.",
)
HELD_OUT = Section(
    "training_held_out",
    CHAPTER,
    "Metrics on held-out sequences",
    "From evaluations during training. They steer early stopping and calibration, so that they are no test.",
)
RATE = Section("training_rate", CHAPTER, "Learning rate", "Warm-up and decay as they were really used.")
SPEED = Section(
    "training_speed",
    CHAPTER,
    "Throughput",
    "Tokens per second of each step; a dip is an evaluation, a checkpoint or another program on the machine.",
)
TABLE = Section("training_runs", CHAPTER, "Trainings", "What each training was and cost.")
CHOICES = Section("training_choices", CHAPTER, "Chosen automatically", "Values that nobody gave, and why they are so.")
POINTS = 400
NO_TABS = ("loss", "chance_loss", "prevalence", "n")  # the loss has a section of its own, the others do not change
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "steps": {"title": "Steps", "description": "Optimiser steps", "format": "{:,.0f}"},
    "tokens": {"title": "Tokens", "description": "Trained on, repeats counted", "format": "{:,.0f}"},
    "loss": {"title": "Last loss", "format": "{:.4f}"},
    "held_out": {"title": "Best on held-out", "description": "Of the metric that says most"},
    "tokens_per_s": {"title": "Tokens/s", "description": "Median over steps", "format": "{:,.0f}"},
    "mfu": {"title": "MFU", "description": "Share of the device's peak; 0 if unknown", "format": "{:.3f}"},
    "minutes": {"title": "Minutes", "format": "{:,.1f}"},
    "resumed": {"title": "Resumed (n)", "description": "Times it went on from a checkpoint", "format": "{:,.0f}"},
}  # fmt: skip


def write_training_sections(outdir: Path, runs: Sequence[TrainingRun]) -> None:
    """Write all sections; those without data say so."""
    colours = {run.name: GROUPS[i % len(GROUPS)] for i, run in enumerate(runs)}
    if not any(run.of_kind("step") for run in runs):
        write_words(outdir, LOSS, "No training made a step, so there is no curve to show.")
        return
    _write_loss(outdir, runs, colours)
    _write_held_out(outdir, runs, colours)
    _write_kinds(outdir, RATE, runs, colours, "learning_rate", "Learning rate")
    _write_kinds(outdir, SPEED, runs, colours, "tokens_per_s", "Tokens per second")
    write_table(outdir, TABLE, {run.name: _cells(run) for run in runs}, COLUMNS, "Training")
    _write_choices(outdir, runs)


def kind_of(run: TrainingRun) -> str:
    """Pretraining and fine-tuning have losses on different scales: they stand behind tabs."""
    return "Pretraining" if "pretrain" in run.name.lower() else "Fine-tuning"


def thinned(points: Points, n_points: int = POINTS) -> Points:
    """At most `n_points` points: means over stretches of equal numbers of points, the first and last step kept."""
    if len(points) <= n_points:
        return points
    size = -(-len(points) // n_points)
    parts = [points[i : i + size] for i in range(0, len(points), size)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _write_loss(outdir: Path, runs: Sequence[TrainingRun], colours: Mapping[str, str]) -> None:
    tabs: dict[str, dict[str, Points]] = {}
    shades, dashes = dict(colours), {}
    for run in sorted(runs, key=kind_of, reverse=True):
        lines = tabs.setdefault(kind_of(run), {})
        lines[run.name] = thinned(run.points("loss"))
        if held_out := run.metric("loss"):
            name = f"{run.name}, held out"
            lines[name], shades[name], dashes[name] = held_out, colours[run.name], "dash"
    write_line_tabs(outdir, LOSS, tabs, shades, ("Step", "Loss (nats per target)"), dashes, tt_decimals=4)


def _write_held_out(outdir: Path, runs: Sequence[TrainingRun], colours: Mapping[str, str]) -> None:
    names = [name for name in dict.fromkeys(n for run in runs for n in run.metric_names()) if name not in NO_TABS]
    tabs = {name.replace("_", " "): {run.name: run.metric(name) for run in runs} for name in names}
    if not any(points for lines in tabs.values() for points in lines.values()):
        write_words(outdir, HELD_OUT, "No training was evaluated on held-out sequences.")
        return
    drawn = [name for name, lines in tabs.items() if any(lines.values())]
    # a single tab has no switch that would name its metric
    label = drawn[0] if len(drawn) == 1 else "Value"
    write_line_tabs(outdir, HELD_OUT, tabs, colours, ("Step", label), tt_decimals=4)


def _write_kinds(
    outdir: Path,
    section: Section,
    runs: Sequence[TrainingRun],
    colours: Mapping[str, str],
    column: str,
    label: str,
) -> None:
    tabs: dict[str, dict[str, Points]] = {}
    for run in sorted(runs, key=kind_of, reverse=True):
        tabs.setdefault(kind_of(run), {})[run.name] = thinned(run.points(column))
    write_line_tabs(outdir, section, tabs, colours, ("Step", label))


def _cells(run: TrainingRun) -> dict[str, Any]:
    elapsed_s = run.last("elapsed_s")
    return {
        "steps": run.last("step"),
        "tokens": run.last("tokens"),
        "loss": run.last("loss"),
        "held_out": _best(run),
        "tokens_per_s": run.median_of("tokens_per_s"),
        "mfu": run.median_of("mfu"),
        "minutes": None if elapsed_s is None else elapsed_s / 60,
        "resumed": len(run.of_kind("resume")),
    }


def _best(run: TrainingRun) -> str | None:
    """The best value of the metric that says most: of ranks or pairs where there is one, else the loss."""
    names = run.metric_names()
    name = next((n for n in ("average_precision", "f1", "accuracy", "loss") if n in names), names[0] if names else None)
    if name is None:
        return None
    values = [value for _, value in run.metric(name)]
    if not values:
        return None
    best = min(values) if name in ("loss", "perplexity") else max(values)
    return f"{name.replace('_', ' ')} {best:.4f}"


def _write_choices(outdir: Path, runs: Sequence[TrainingRun]) -> None:
    found: dict[tuple[str, str, str], list[str]] = {}
    for run in runs:
        for event in run.of_kind("choice"):
            key = (str(event.get("what")), str(event.get("value")), str(event.get("reason")))
            if run.name not in found.setdefault(key, []):
                found[key].append(run.name)
    if not found:
        write_words(outdir, CHOICES, "Nothing was chosen automatically.")
        return
    head = "".join(f"<th>{text}</th>" for text in ("What", "Value", "Reason", "Trainings"))
    lines = [
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in (*key, _named(names, len(runs)))) + "</tr>"
        for key, names in found.items()
    ]
    body = "\n".join(lines)
    table = f'<table class="table table-sm">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'
    write_html(outdir, CHOICES, table)


def _named(names: Sequence[str], n_all: int) -> str:
    return "all" if len(names) == n_all else ", ".join(names)
