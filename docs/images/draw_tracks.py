"""Draw docs/images/tracks.svg, the picture at the head of README:  python docs/images/draw_tracks.py"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 1280, 500
INK, PALE, PAPER = "#1f2933", "#7b8794", "#ffffff"
INPUT_X, FIRST_X, LAST_X = 330, 480, 1150
FONT = "font-family='Helvetica, Arial, sans-serif'"


@dataclass(frozen=True)
class Track:
    """One line of the map: its stations are (name, what does it), its input stands left of them."""

    name: str
    subtitle: str
    start: tuple[str, str]
    stations: tuple[tuple[str, str], ...]
    colour: str
    y: int


TRACKS = (
    Track(
        "m6A",
        "sites from MeRIP-seq",
        ("FASTQ or BAM", "genome + genes"),
        (
            ("preprocess", "fastp | cutadapt"),
            ("align", "HISAT2, samtools"),
            ("peaks", "ribolm-peaks | MACS3"),
            ("quality", "motif, metagene"),
            ("report", "MultiQC, IGV"),
        ),
        "#0b7285",
        80,
    ),
    Track(
        "poly(A)",
        "sites from genomes",
        ("genome", "genes, sites"),
        (
            ("labels", "site lists → windows"),
            ("finetune", "folds × seeds"),
            ("evaluate", "with baselines"),
            ("scan", "calls with FDR"),
            ("report", "MultiQC, IGV"),
        ),
        "#b7791f",
        320,
    ),
    Track(
        "RNA language model",
        "from ESM-2",
        ("RNA FASTA", "tasks"),
        (
            ("pretrain", "masked LM"),
            ("zeroshot", "families, contacts"),
            ("finetune", "structures, values"),
            ("evaluate", "with baselines"),
            ("report", "MultiQC"),
        ),
        "#9c36b5",
        430,
    ),
)
# The m6A track goes on from its peaks to single sites.
BRANCH = (
    ("corpus", "peaks → tokens"),
    ("pretrain", "masked LM"),
    ("labels", "site tables"),
    ("finetune", "folds × seeds"),
    ("predict", "every adenosine"),
    ("evaluate", "with baselines"),
)


def text(
    x: float, y: float, words: str, size: int, colour: str = INK, weight: int = 400, anchor: str = "middle"
) -> str:
    style = f"font-size='{size}' font-weight='{weight}' fill='{colour}' text-anchor='{anchor}'"
    return f"<text x='{x:.0f}' y='{y:.0f}' {style}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f"<path d='M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}' stroke='{colour}' stroke-width='8'"
        " stroke-linecap='round' fill='none'/>"
    )


def station(x: float, y: float, colour: str) -> str:
    return f"<circle cx='{x:.0f}' cy='{y:.0f}' r='12' fill='{PAPER}' stroke='{colour}' stroke-width='5'/>"


def station_xs(track: Track) -> list[float]:
    step = (LAST_X - FIRST_X) / (len(track.stations) - 1)
    return [FIRST_X + step * index for index in range(len(track.stations))]


def draw(track: Track) -> list[str]:
    y = track.y
    parts = [
        text(36, y - 2, track.name, 19, track.colour, 700, "start"),
        text(36, y + 20, track.subtitle, 14, INK, 400, "start"),
        line(INPUT_X, y, LAST_X, y, track.colour),
        f"<rect x='{INPUT_X - 62}' y='{y - 24}' width='124' height='48' rx='10' fill='{PAPER}'"
        f" stroke='{track.colour}' stroke-width='3'/>",
        text(INPUT_X, y - 3, track.start[0], 14, INK),
        text(INPUT_X, y + 15, track.start[1], 12, PALE),
    ]
    for x, (name, detail) in zip(station_xs(track), track.stations, strict=True):
        parts.append(station(x, y, track.colour))
        parts.append(text(x, y - 24, name, 17, INK, 700))
        parts.append(text(x, y + 36, detail, 13, PALE))
    return parts


def draw_branch() -> list[str]:
    track = TRACKS[0]
    x, row = station_xs(track)[2], track.y + 130
    step = (LAST_X - FIRST_X) / (len(BRANCH) - 1)
    xs = [FIRST_X + step * index for index in range(len(BRANCH))]
    parts = [
        line(x, track.y + 50, x, row, track.colour),
        line(xs[0], row, xs[-1], row, track.colour),
    ]
    for place, (name, detail) in zip(xs, BRANCH, strict=True):
        parts += [station(place, row, track.colour), text(place, row - 24, name, 17, INK, 700)]
        parts.append(text(place, row + 36, detail, 13, PALE))
    return parts


def picture() -> str:
    """The whole SVG."""
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' {FONT} role='img'>",
        "<title>The tracks of ribolm: m6A from reads to sites, poly(A) from genomes to calls; "
        "RNAs to structures</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' rx='16' fill='{PAPER}'/>",
        *draw_branch(),
    ]
    for track in TRACKS:
        parts += draw(track)
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    Path(__file__).with_name("tracks.svg").write_text(picture(), encoding="utf-8")
