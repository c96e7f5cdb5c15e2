"""From the sheet as written to the two tables that the pipeline reads: lanes.csv and pairs.csv."""

from collections.abc import Sequence
from pathlib import Path

from ribolm.console import Repairs
from ribolm.files import atomic_directory
from ribolm.samplesheet.lanes import read_lanes
from ribolm.samplesheet.libraries import Library, Pair, build_libraries, pair_libraries
from ribolm.samplesheet.table import read_table

LANE_COLUMNS = (
    "library",
    "sample",
    "group",
    "replicate",
    "assay",
    "fastq_1",
    "fastq_2",
    "bam",
    "strandedness",
    "row",
)
PAIR_COLUMNS = ("group", "replicate", "ip", "input")


def read_m6a_sheet(path: Path, repairs: Repairs) -> tuple[list[Library], list[Pair]]:
    """Read and check a samplesheet of the m6A track; raises DataError for the first fault."""
    table = read_table(path, repairs)
    libraries = build_libraries(path, read_lanes(table, repairs), repairs)
    return libraries, pair_libraries(path, libraries, repairs)


def normalise_m6a(path: Path, outdir: Path) -> tuple[list[Library], list[Pair]]:
    """Check the sheet and write `outdir/lanes.csv` (one row per lane) and `outdir/pairs.csv` (one per IP).

    No value needs quoting, so that a plain split at commas reads the tables. File paths stay as written.
    """
    repairs = Repairs(path)
    libraries, pairs = read_m6a_sheet(path, repairs)
    with atomic_directory(outdir) as folder:
        (folder / "lanes.csv").write_text(lanes_csv(libraries), "utf-8")
        (folder / "pairs.csv").write_text(pairs_csv(pairs), "utf-8")
    repairs.tell()
    return libraries, pairs


def lanes_csv(libraries: Sequence[Library]) -> str:
    """The lanes table in the order of the user's sheet; extra columns follow `row`."""
    lanes = sorted((lane.row, library.name, lane) for library in libraries for lane in library.lanes)
    extras = list(lanes[0][2].extras)
    lines = [",".join([*LANE_COLUMNS, *extras])]
    for row, name, lane in lanes:
        values = [name, lane.sample, lane.group, str(lane.replicate), lane.assay, lane.fastq_1, lane.fastq_2, lane.bam]
        lines.append(",".join([*values, lane.strandedness, str(row), *lane.extras.values()]))
    return "\n".join(lines) + "\n"


def pairs_csv(pairs: Sequence[Pair]) -> str:
    """The pairs table: one row per IP library, shared inputs joined by ';'."""
    lines = [",".join(PAIR_COLUMNS)]
    lines += [f"{pair.group},{pair.replicate},{pair.ip},{';'.join(pair.inputs)}" for pair in pairs]
    return "\n".join(lines) + "\n"
