"""BED6 and BED12: regions on a strand, spliced or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ribolm.errors import DataError, bad_value
from ribolm.files import atomic_path, open_text
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs
from ribolm.genome.coordinates import STRANDS

BED12_COLUMNS = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand",
    "thickStart", "thickEnd", "itemRgb", "blockCount", "blockSizes", "blockStarts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Region:
    """A BED line: 0-based half-open, `blocks` absolute (start0, end0) ascending; one block where the file had none."""

    chrom: str
    start0: int
    end0: int
    name: str = "."
    score: int = 0
    strand: str = "."
    blocks: tuple[tuple[int, int], ...] = ()
    extra: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.blocks:
            object.__setattr__(self, "blocks", ((self.start0, self.end0),))

    @property
    def length_nt(self) -> int:
        """Bases in the blocks, introns left out."""
        return sum(end0 - start0 for start0, end0 in self.blocks)

    def bed12(self) -> str:
        """The region as a line of BED12, without a newline."""
        sizes = ",".join(str(end0 - start0) for start0, end0 in self.blocks)
        starts = ",".join(str(start0 - self.start0) for start0, _ in self.blocks)
        fields = (self.chrom, self.start0, self.end0, self.name, self.score, self.strand)
        return "\t".join(map(str, (*fields, self.start0, self.end0, 0, len(self.blocks), sizes, starts)))

    def bed6(self) -> str:
        """The region as a line of BED6 with its extra columns, without a newline."""
        fields = (self.chrom, self.start0, self.end0, self.name, self.score, self.strand, *self.extra)
        return "\t".join(map(str, fields))


def read_bed(path: Path | str) -> list[Region]:
    """Read BED3 to BED12, plain or gzip; `#`, `track` and `browser` lines are skipped.

    From column 7 on, a line of exactly twelve columns is BED12, any other carries `extra` columns. A score that is no
    integer is rounded. Raises DataError naming line and column.
    """
    path = Path(path)
    with open_text(path) as handle:
        return [
            _region(path, number, line.rstrip("\n").split("\t"))
            for number, line in enumerate(handle, start=1)
            if line.strip() and not line.startswith(("#", "track", "browser"))
        ]


def require_inside(path: Path, regions: Sequence[Region], lengths: Mapping[str, int], genome_label: str) -> None:
    """Hold the regions of a file against a genome, contig lengths by name.

    Raises DataError for a contig that the genome lacks or calls otherwise, and for an end beyond its contig.
    """
    chroms = tuple(dict.fromkeys(region.chrom for region in regions))
    require_shared_contigs(genome_label, list(lengths), f"BED {path.name}", chroms)
    require_one_naming_style(genome_label, list(lengths), f"BED {path.name}", chroms)
    for region in regions:
        where = f"{path.name}: region '{region.name}' ({region.chrom}:{region.start0}-{region.end0})"
        if region.chrom not in lengths:
            raise DataError(f"{where} lies on a contig that {genome_label} lacks. Use files of the same genome.")
        if region.end0 > lengths[region.chrom]:
            raise DataError(
                f"{where} ends beyond the {lengths[region.chrom]:,} nt of its contig in {genome_label}. "
                "The files belong to different genome builds; use files of one build."
            )


def write_bed12(path: Path | str, regions: Iterable[Region]) -> None:
    """Write regions as BED12, atomically, in the order given."""
    _write(path, (region.bed12() for region in regions))


def write_bed6(path: Path | str, regions: Iterable[Region], header: str = "") -> None:
    """Write regions as BED6 with their extra columns; `header` names them in a line that begins with #."""
    _write(path, ([f"#{header}"] if header else []) + [region.bed6() for region in regions])


def _write(path: Path | str, lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(f"{line}\n" for line in lines)


def _region(path: Path, number: int, fields: list[str]) -> Region:
    if len(fields) < 3:
        raise DataError(
            f"{path.name} line {number}: {len(fields)} columns; a BED line has three or more, tab-separated."
        )
    start0, end0 = _integer(path, number, 1, fields), _integer(path, number, 2, fields)
    if start0 < 0:
        raise bad_value(path, number, "chromStart", fields[1], "is negative", "Positions begin at 0.")
    if start0 >= end0:
        raise bad_value(path, number, "chromEnd", fields[2], f"is not above the start {start0}", "Write start < end.")
    strand = fields[5] if len(fields) > 5 else "."
    if strand not in STRANDS:
        raise bad_value(path, number, "strand", strand, "is not + - or .", "Mend the strand.")
    blocks = _blocks(path, number, fields, start0, end0) if len(fields) == 12 else ()
    name = fields[3] if len(fields) > 3 else "."
    extra = () if len(fields) == 12 else tuple(fields[6:])
    return Region(fields[0], start0, end0, name, _score(fields), strand, blocks, extra)


def _score(fields: list[str]) -> int:
    try:
        return round(float(fields[4])) if len(fields) > 4 else 0
    except (ValueError, OverflowError):
        return 0


def _integer(path: Path, number: int, column: int, fields: list[str]) -> int:
    try:
        return int(fields[column])
    except ValueError:
        name = BED12_COLUMNS[column]
        raise bad_value(path, number, name, fields[column], "is not a whole number", "Mend the position.") from None


def _blocks(path: Path, number: int, fields: list[str], start0: int, end0: int) -> tuple[tuple[int, int], ...]:
    try:
        sizes = [int(x) for x in fields[10].rstrip(",").split(",")]
        starts = [start0 + int(x) for x in fields[11].rstrip(",").split(",")]
        blocks = tuple((a, a + size) for a, size in zip(starts, sizes, strict=True))
        agree = len(blocks) == int(fields[9]) and blocks[0][0] == start0 and blocks[-1][1] == end0
    except ValueError:
        agree = False
    ascending = agree and all(a < b for a, b in blocks) and all(x[1] <= y[0] for x, y in pairwise(blocks))
    if not ascending:
        problem = "does not describe ascending blocks from start to end"
        raise bad_value(path, number, "blockStarts", fields[11], problem, "Mend columns 10 to 12.")
    return blocks
