"""Values along a genome as bigWig."""

from collections.abc import Iterator, Mapping
from pathlib import Path


def write_bigwig(path: Path, sizes: Mapping[str, int], runs: Iterator[tuple[str, int, int, float]]) -> None:
    """Write runs (contig, start0, end0, value), sorted by byte order of contigs; without any, one base of value 0."""
    import pybigtools

    first = next(runs, None)
    lengths = dict(sorted(sizes.items()))

    def values() -> Iterator[tuple[str, int, int, float]]:
        yield first or (next(iter(lengths)), 0, 1, 0.0)
        yield from runs

    pybigtools.open(str(path), "w").write(lengths, values())
