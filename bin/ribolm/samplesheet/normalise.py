"""From the sheet as written to the tables that the pipeline reads: lanes.csv and pairs.csv, or datasets.csv."""

from collections.abc import Sequence
from pathlib import Path

from ribolm.console import Repairs
from ribolm.files import atomic_directory
from ribolm.samplesheet.data_sets import HEADINGS, DataSet, read_data_sets
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
DATA_COLUMNS = ("sample", "task", "split", "path", "format", *HEADINGS, "transform", "row")
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


def normalise_resm(path: Path, outdir: Path) -> list[DataSet]:
    """Check the sheet of track resm and write `outdir/datasets.csv`, one row per file; DataError for the first fault.

    No value needs quoting. File paths stay as written.
    """
    repairs = Repairs(path)
    found = read_data_sets(read_table(path, repairs), repairs)
    with atomic_directory(outdir) as folder:
        (folder / "datasets.csv").write_text(datasets_csv(found), "utf-8")
    repairs.tell()
    return found


def datasets_csv(found: Sequence[DataSet]) -> str:
    """The table of data sets in the order of the user's sheet."""
    lines = [",".join(DATA_COLUMNS)]
    for one in found:
        values = {**vars(one), **one.headings}
        lines.append(",".join(str(values[name]) for name in DATA_COLUMNS))
    return "\n".join(lines) + "\n"


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
