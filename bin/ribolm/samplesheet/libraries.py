"""Rows together: lanes of one library must agree, libraries get names, every IP finds its inputs."""

import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.samplesheet.columns import refuse_case_variants
from ribolm.samplesheet.lanes import BETWEEN_GROUPS, Lane


@dataclass(frozen=True)
class Library:
    """Lanes of one sample, group, replicate and assay, in the order of the sheet, with one strandedness."""

    name: str
    lanes: tuple[Lane, ...]

    @property
    def first(self) -> Lane:
        """The lane that stands for the library: all lanes agree in everything but their files."""
        return self.lanes[0]


@dataclass(frozen=True)
class Pair:
    """The libraries of one replicate: its IP and the inputs it is held against."""

    group: str
    replicate: int
    ip: str
    inputs: tuple[str, ...]


def build_libraries(path: Path, lanes: Sequence[Lane], repairs: Repairs) -> list[Library]:
    """Join lanes into libraries; raises DataError where rows contradict each other."""
    _refuse_repeated_rows(path, lanes)
    _refuse_repeated_files(path, lanes)
    refuse_case_variants(path, "sample", ((lane.row, lane.sample) for lane in lanes))
    refuse_case_variants(path, "group", ((lane.row, group) for lane in lanes for group in lane.groups))
    lanes = _number_replicates(path, lanes, repairs)
    grouped: dict[tuple[str, str, int, str], list[Lane]] = {}
    for lane in lanes:
        grouped.setdefault(lane.key, []).append(lane)
    agreed = [_agree(path, members) for members in grouped.values()]
    _refuse_two_samples(path, [members[0] for members in agreed])
    names = _names(path, [members[0] for members in agreed])
    return [Library(name, tuple(members)) for name, members in zip(names, agreed, strict=True)]


def pair_libraries(path: Path, libraries: Sequence[Library], repairs: Repairs) -> list[Pair]:
    """Hold each IP against the input of its replicate, else against the shared inputs of its group.

    Shared inputs are those of replicates without an IP; where there are none, all inputs of the group. An input that no
    IP uses is told of. Raises DataError for an IP without input in its group and for an input whose group has no IP.
    """
    pairs = []
    for group in _groups(library.first for library in libraries):
        members = [library for library in libraries if group in library.first.groups]
        ips = [library for library in members if library.first.assay == "ip"]
        inputs = [library for library in members if library.first.assay == "input"]
        _refuse_lonely(path, group, ips, inputs, libraries)
        taken = {library.first.replicate for library in ips}
        shared = [library for library in inputs if library.first.replicate not in taken] or inputs
        for ip in ips:
            own = [library for library in inputs if library.first.replicate == ip.first.replicate]
            if not own:
                names = ", ".join(library.name for library in shared)
                repairs.add(
                    "replicates without an input of their own use the inputs of their group", f"{ip.name}: {names}"
                )
            chosen = tuple(library.name for library in own or shared)
            pairs.append(Pair(group, ip.first.replicate, ip.name, chosen))
    _tell_unused(libraries, pairs, repairs)
    return pairs


def _groups(lanes: Iterable[Lane]) -> list[str]:
    """All groups in the order of the sheet."""
    return list(dict.fromkeys(group for lane in lanes for group in lane.groups))


def _tell_unused(libraries: Sequence[Library], pairs: Sequence[Pair], repairs: Repairs) -> None:
    used = {name for pair in pairs for name in (pair.ip, *pair.inputs)}
    unused = [library for library in libraries if library.name not in used]
    repairs.add(
        "input libraries are in no call of peaks, because every IP of their group has an input of its own replicate",
        ", ".join(f"line {library.first.row} ({library.name})" for library in unused),
        len(unused),
    )


def _refuse_repeated_rows(path: Path, lanes: Sequence[Lane]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for lane in lanes:
        row = seen.setdefault((lane.key, lane.strandedness, *lane.files.items(), *lane.extras.items()), lane.row)
        if row != lane.row:
            raise DataError(f"{path.name} line {lane.row}: repeats line {row}. Remove one of the two.")


def _refuse_repeated_files(path: Path, lanes: Sequence[Lane]) -> None:
    seen: dict[str, tuple[int, str]] = {}
    firsts = {lane.row: lane for lane in lanes}
    folder = Path(path).resolve().parent
    for lane in lanes:
        for column, value in lane.files.items():
            row, other = seen.setdefault(_identity(folder, value), (lane.row, column))
            if (row, other) != (lane.row, column):
                problem = f"is named already in line {row}, column '{other}'"
                remedy = "Every file belongs to one row and one column; correct one of them."
                if (
                    row != lane.row
                    and {lane.assay, firsts[row].assay} == {"input"}
                    and set(lane.groups) != set(firsts[row].groups)
                ):
                    together = BETWEEN_GROUPS.join(_groups((firsts[row], lane)))
                    remedy = f"An input of several groups is one row: write the group '{together}' in line {row} alone."
                raise bad_value(path, lane.row, column, value, problem, remedy)


def _identity(folder: Path, value: str) -> str:
    """The same text for the same file, links followed where the file is at hand; URLs as they are."""
    if "://" in value:
        return value
    try:
        return str((folder / value).resolve())
    except OSError:  # a path longer than the system allows, or a circle of links
        return posixpath.normpath(value)


def _number_replicates(path: Path, lanes: Sequence[Lane], repairs: Repairs) -> list[Lane]:
    """Replicate 1 for groups that name none and have one sample per assay; DataError for other gaps."""
    for lane in lanes:
        if lane.replicate:
            continue
        others = [other for other in lanes if set(other.groups) & set(lane.groups)]
        samples = dict.fromkeys(other.sample for other in others if other.assay == lane.assay)
        if any(other.replicate for other in others):
            problem = f"is empty, but other rows of group '{lane.group}' name their replicate"
            raise bad_value(path, lane.row, "replicate", "", problem, "Number every row of the group.")
        if len(samples) > 1:
            problem = f"is empty, but group '{lane.group}' has {len(samples)} {lane.assay} samples ({_few(samples)})"
            raise bad_value(path, lane.row, "replicate", "", problem, "Number the replicates 1, 2, 3.")
        repairs.add("rows without replicate given replicate 1", f"line {lane.row}")
    return [lane if lane.replicate else replace(lane, replicate=1) for lane in lanes]


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (", …" if len(listed) > 5 else "")


def _agree(path: Path, lanes: list[Lane]) -> list[Lane]:
    """Give all lanes of a library one strandedness; DataError where they contradict each other in kind or strand."""
    first = lanes[0]
    said = next((lane for lane in lanes if lane.strandedness), None)
    for lane in lanes[1:]:
        if bool(lane.bam) != bool(first.bam):
            kinds = ("BAM", "FASTQ") if lane.bam else ("FASTQ", "BAM")
            column = "bam" if lane.bam else "fastq_1"
            problem = f"is {kinds[0]}, but line {first.row} of the same library is {kinds[1]}"
            raise bad_value(path, lane.row, column, lane.files[column], problem, "Give either FASTQ or BAM.")
        if lane.bam:
            problem = f"is a second BAM of the library of line {first.row}"
            raise bad_value(path, lane.row, "bam", lane.bam, problem, "Join the two with `samtools merge`.")
        if bool(lane.fastq_2) != bool(first.fastq_2):
            ends = ("paired-end", "single-end") if lane.fastq_2 else ("single-end", "paired-end")
            problem = f"makes a {ends[0]} lane, but line {first.row} of the same library is {ends[1]}"
            remedy = "Give all lanes of a library alike, or make them two libraries."
            raise bad_value(path, lane.row, "fastq_2", lane.fastq_2, problem, remedy)
        if said and lane.strandedness not in ("", said.strandedness):
            problem = f"contradicts '{said.strandedness}' in line {said.row} of the same library"
            remedy = "Write the same in all rows of a library."
            raise bad_value(path, lane.row, "strandedness", lane.strandedness, problem, remedy)
    return [replace(lane, strandedness=said.strandedness if said else "auto") for lane in lanes]


def _refuse_two_samples(path: Path, firsts: Sequence[Lane]) -> None:
    seen: dict[tuple[str, int, str], Lane] = {}
    for lane, group in [(first, name) for first in firsts for name in first.groups]:
        other = seen.setdefault((group, lane.replicate, lane.assay), lane)
        if other is not lane:
            problem = f"is {lane.assay} of group '{group}' also for sample '{other.sample}' in line {other.row}"
            remedy = "Give the samples different replicate numbers, or lanes of one library the same sample name."
            raise bad_value(path, lane.row, "replicate", lane.replicate, problem, remedy)


def _names(path: Path, firsts: Sequence[Lane]) -> list[str]:
    """`<sample>_<assay>`, with `_rep<replicate>`, then `_<group>`, only where needed to be unique."""
    names = [f"{lane.sample}_{lane.assay}" for lane in firsts]
    for suffixes in ([f"_rep{lane.replicate}" for lane in firsts], [f"_{'_'.join(lane.groups)}" for lane in firsts]):
        count = Counter(names)
        names = [name + suffix if count[name] > 1 else name for name, suffix in zip(names, suffixes, strict=True)]
    for index, name in enumerate(names):
        if name in names[:index]:
            problem = f"leads to the library name '{name}' of line {firsts[names.index(name)].row} again"
            raise bad_value(path, firsts[index].row, "sample", firsts[index].sample, problem, "Choose another name.")
    return names


def _refuse_lonely(
    path: Path, group: str, ips: list[Library], inputs: list[Library], libraries: Sequence[Library]
) -> None:
    if ips and inputs:
        return
    lane = (ips or inputs)[0].first
    others = [g for g in _groups(library.first for library in libraries) if g != group]
    elsewhere = f", or correct the group (others: {_few(others)})" if others else ""
    if ips:
        remedy = f"Add a row with assay input and group {group}{elsewhere}."
        raise bad_value(path, lane.row, "group", group, "has an IP library but no input", remedy)
    remedy = f"Add its IP library, remove the row{elsewhere}."
    raise bad_value(path, lane.row, "group", group, "has an input library but no IP", remedy)
