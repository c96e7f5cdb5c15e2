"""One row of a samplesheet: its values checked alone, without the rows around it."""

import re
from dataclasses import dataclass, field

from ribolm.console import Repairs
from ribolm.errors import bad_value
from ribolm.samplesheet.columns import M6A, Column, check_choice, check_name, harmless, resolve_header
from ribolm.samplesheet.paths import check_path
from ribolm.samplesheet.table import Row, Table

COLUMNS = {column.name: column for column in M6A}
BETWEEN_GROUPS = ";"
FILE_COLUMNS = ("fastq_1", "fastq_2", "bam")
ENDINGS = {**dict.fromkeys(("fastq_1", "fastq_2"), ".fastq.gz, .fq.gz, .fastq or .fq"), "bam": ".bam"}
MEANT_ASSAY = {
    **dict.fromkeys(("rip", "merip", "m6a", "m6a-ip", "m6aip", "eluate", "pulldown", "immunoprecipitation"), "ip"),
    **dict.fromkeys(("in", "control", "total", "rna", "rnaseq", "rna-seq", "inp"), "input"),
}
MEANT_STRAND = {
    **dict.fromkeys(("no", "none", "unstrand", "non-stranded", "nonstranded", "fr-unstranded", "0"), "unstranded"),
    **dict.fromkeys(("fr", "f", "yes", "sense", "fr-secondstrand", "2nd_strand", "stranded", "1"), "forward"),
    **dict.fromkeys(("rf", "r", "antisense", "fr-firststrand", "1st_strand", "rev", "2"), "reverse"),
}
OTHER_FORMATS = {
    ".sam": "Convert it with `samtools sort -o FILE.bam FILE.sam`.",
    ".cram": "Convert it with `samtools view -b -T genome.fa -o FILE.bam FILE.cram`.",
    ".bz2": "Recompress it as .fastq.gz.",
    ".xz": "Recompress it as .fastq.gz.",
    ".zst": "Recompress it as .fastq.gz.",
    ".zip": "Unpack it and give the .fastq.gz inside.",
    ".sra": "Convert it with `fasterq-dump`.",
    ".fasta": "Give reads with qualities (FASTQ).",
    ".fa": "Give reads with qualities (FASTQ).",
}


@dataclass(frozen=True)
class Lane:
    """One row: `replicate` 0 and `strandedness` "" mean "not said"; `row` is its line in the user's sheet.

    `group` of an input may name several, joined by ";".
    """

    sample: str
    group: str
    replicate: int
    assay: str
    fastq_1: str
    fastq_2: str
    bam: str
    strandedness: str
    row: int
    extras: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The files of the row by column."""
        return {name: value for name in FILE_COLUMNS if (value := getattr(self, name))}

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the row: one, or those that share an input."""
        return tuple(self.group.split(BETWEEN_GROUPS))

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What makes a library: sample, group, replicate, assay."""
        return self.sample, self.group, self.replicate, self.assay


def read_lanes(table: Table, repairs: Repairs) -> list[Lane]:
    """Check each row alone and return its lane; raises DataError for the first bad header or value."""
    names = resolve_header(table, M6A, repairs)
    return [_lane(table, row, dict(zip(names, row.cells, strict=True)), repairs) for row in table.rows]


def _lane(table: Table, row: Row, cells: dict[str, str], repairs: Repairs) -> Lane:
    values = {name: cells.get(name, "") for name in COLUMNS}
    check_name(table, row, COLUMNS["sample"], values["sample"])
    _check_word(table, row, COLUMNS["assay"], values["assay"], MEANT_ASSAY)
    assay = check_choice(table, row, COLUMNS["assay"], values["assay"], repairs)
    group = _groups(table, row, values["group"], assay, repairs)
    _check_word(table, row, COLUMNS["strandedness"], values["strandedness"], MEANT_STRAND)
    strandedness = values["strandedness"]
    if strandedness:
        strandedness = check_choice(table, row, COLUMNS["strandedness"], strandedness, repairs)
    replicate = _replicate(table, row, values["replicate"], repairs)
    for name in FILE_COLUMNS:
        check_path(table, row, COLUMNS[name], values[name], ENDINGS[name], OTHER_FORMATS)
    _check_files(table, row, values)
    extras = {name: harmless(cell, repairs) for name, cell in cells.items() if name and name not in COLUMNS}
    files = (values["fastq_1"], values["fastq_2"], values["bam"])
    return Lane(values["sample"], group, replicate, assay, *files, strandedness, row.line, extras)


def _groups(table: Table, row: Row, value: str, assay: str, repairs: Repairs) -> str:
    """The group, or the groups that share an input, checked; in byte order, each once, without spaces around."""
    names = [name.strip() for name in value.split(BETWEEN_GROUPS)]
    for name in names:
        check_name(table, row, COLUMNS["group"], name)
    if assay != "input" and len(names) > 1:
        problem = "names several groups, which only an input can belong to"
        raise bad_value(table.path, row.line, "group", value, problem, "Give every IP one group.")
    group = BETWEEN_GROUPS.join(sorted(set(names)))  # lanes of one library must agree in it
    if group != value:
        repairs.add("values of 'group' written in order, without spaces and repeats", f"line {row.line}")
    return group


def _check_word(table: Table, row: Row, column: Column, value: str, meant: dict[str, str]) -> None:
    """Offer the right word for one that other tools use."""
    word = value.lower()
    if word in meant and word not in column.choices:
        offered = " or ".join([", ".join(column.choices[:-1]), column.choices[-1]])
        raise bad_value(table.path, row.line, column.name, value, f"is not {offered}", f"Write {meant[word]}.")


def _replicate(table: Table, row: Row, value: str, repairs: Repairs) -> int:
    if not value:
        return 0
    plain = re.sub(r"\.0+$", "", value).lstrip("0") if re.fullmatch(r"[0-9]+(\.0+)?", value) else value
    if not re.fullmatch(COLUMNS["replicate"].pattern, plain):
        digits = re.search(r"[1-9][0-9]{0,3}$", value)
        remedy = f"Write {digits.group()}." if digits and value[0] not in "-0." else "Number the replicates 1, 2, 3."
        raise bad_value(table.path, row.line, "replicate", value, "is not a whole number from 1 to 9999", remedy)
    if plain != value:
        repairs.add("values of 'replicate' written as whole numbers", f"line {row.line}")
    return int(plain)


def _check_files(table: Table, row: Row, values: dict[str, str]) -> None:
    if values["bam"] and (values["fastq_1"] or values["fastq_2"]):
        problem = "stands beside FASTQ files in one row"
        raise bad_value(table.path, row.line, "bam", values["bam"], problem, "Give either FASTQ or BAM.")
    if values["fastq_2"] and not values["fastq_1"]:
        problem = "has no first mates in column 'fastq_1'"
        remedy = "Give both mates, or move single-end reads to fastq_1."
        raise bad_value(table.path, row.line, "fastq_2", values["fastq_2"], problem, remedy)
    if not (values["fastq_1"] or values["bam"]):
        remedy = "Give FASTQ files in fastq_1 (and fastq_2), or alignments in bam."
        raise bad_value(table.path, row.line, "fastq_1", "", "is empty, and so is column 'bam'", remedy)
