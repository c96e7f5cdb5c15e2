"""A small genome of two contigs, and tables of sites on its adenosines."""

from pathlib import Path

import numpy as np
import pytest

from ribolm.genome.fasta import Genome
from ribolm.labels.families import Families, read_families

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


class World:
    """`letters` of each contig, the adenosines of each strand, and the FASTA."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(4)
        self.letters = {name: "".join(random.choice(list("ACGT"), n)) for name, n in (("c1", 3000), ("c2", 1200))}
        self.letters["c2"] = self.letters["c2"][:1100] + "N" * 100
        self.fasta = folder / "genome.fa"
        self.fasta.write_text("".join(f">{name}\n{text}\n" for name, text in self.letters.items()))

    def adenosines(self, chrom: str = "c1", strand: str = "+") -> list[int]:
        """0-based positions of A on a strand, ends left out."""
        wanted = "A" if strand == "+" else "T"
        return [k for k, base in enumerate(self.letters[chrom]) if base == wanted and 2 <= k < 1090]

    def others(self, chrom: str = "c1") -> list[int]:
        """0-based positions of what is no A on the + strand."""
        return [k for k, base in enumerate(self.letters[chrom]) if base != "A" and k < 1090]

    def context(self, chrom: str, start0: int, strand: str) -> str:
        """Five bases around a place, on its strand."""
        text = self.letters[chrom][start0 - 2 : start0 + 3]
        return text if strand == "+" else "".join(COMPLEMENT[x] for x in reversed(text))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def genome(world: World) -> Genome:
    return Genome.open(world.fasta)


@pytest.fixture(scope="session")
def families() -> Families:
    return read_families()


def write_bed(path: Path, sites: list[tuple[str, int, str]]) -> Path:
    """BED6 of (chrom, start0, strand)."""
    path.write_text("".join(f"{c}\t{p}\t{p + 1}\tx\t1\t{s}\n" for c, p, s in sites))
    return path
