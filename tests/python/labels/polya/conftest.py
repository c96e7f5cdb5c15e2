"""A small simulated genome with known poly(A) sites, as it is and mirrored."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import pytest

from ribolm.alphabet import reverse_complement
from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.build import PolyaData, PolyaInputs, SearchOptions, build_polya
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import SiteRules
from ribolm.labels.polya.sets import SetRules
from ribolm.simulation.polya import simulate_polya
from ribolm.simulation.polya_options import PolyaOptions

OTHER = {"+": "-", "-": "+"}


@dataclass(frozen=True)
class World:
    """Files of one genome and the true sites as (chrom, anchor0, strand)."""

    fasta: Path
    gtf: Path
    sites: Path
    truth: tuple[tuple[str, int, str], ...]

    def build(self, **changes: object) -> PolyaData:
        """All sets with the given site list."""
        inputs = PolyaInputs(self.fasta, self.gtf, changes.pop("sites", self.sites))  # type: ignore[arg-type]
        width = changes.pop("width", 101)
        rules = SetRules(width_nt=width, **changes)  # type: ignore[arg-type]
        return build_polya(inputs, SiteRules(width_nt=width), SearchOptions(), rules)  # type: ignore[arg-type]


def read_bed(path: Path) -> tuple[tuple[str, int, str], ...]:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return tuple((cells[0], int(cells[1]), cells[5]) for cells in rows)


@pytest.fixture(scope="session")
def polya_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("polya") / "world"
    simulate_polya(PolyaOptions(contigs=2, contig_nt=90_000, long_genes=0, primed_fraction=0.2), folder)
    truth = read_bed(folder / "truth" / "sites.bed")
    return World(folder / "genome.fa.gz", folder / "genes.gtf.gz", folder / "sites.polyasite.bed", truth)


@pytest.fixture(scope="session")
def polya_genome(polya_world: World) -> Genome:
    return Genome.open(polya_world.fasta)


@pytest.fixture(scope="session")
def polya_genes(polya_world: World, polya_genome: Genome) -> Genes:
    return Genes.of(read_gtf(polya_world.gtf), polya_genome)


@pytest.fixture(scope="session")
def polya_data(polya_world: World) -> PolyaData:
    return polya_world.build()


@pytest.fixture(scope="session")
def mirrored(polya_world: World, polya_genome: Genome, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The reverse complement of every contig, with genes and sites where they lie then."""
    folder, lengths = tmp_path_factory.mktemp("mirror"), polya_genome.lengths
    with (folder / "genome.fa").open("w") as handle:
        for name, n in lengths.items():
            handle.write(f">{name}\n{reverse_complement(polya_genome.fetch(name, 0, n)).tobytes().decode()}\n")
    with gzip.open(polya_world.gtf, "rt") as source, (folder / "genes.gtf").open("w") as handle:
        for line in source:
            cells = line.split("\t")
            n = lengths[cells[0]]
            cells[3], cells[4] = str(n - int(cells[4]) + 1), str(n - int(cells[3]) + 1)
            cells[6] = OTHER[cells[6]]
            handle.write("\t".join(cells))
    with (folder / "sites.bed").open("w") as handle:
        for line in polya_world.sites.read_text().splitlines():
            cells = line.split("\t")
            n, strand = lengths[cells[0]], OTHER[cells[5]]
            place1 = n - int(cells[3].split(":")[1]) + 1
            cells[1], cells[2] = str(n - int(cells[2])), str(n - int(cells[1]))
            cells[3], cells[5] = f"{cells[0]}:{place1}:{strand}", strand
            handle.write("\t".join(cells) + "\n")
    truth = tuple((chrom, lengths[chrom] - 1 - at0, OTHER[strand]) for chrom, at0, strand in polya_world.truth)
    return World(folder / "genome.fa", folder / "genes.gtf", folder / "sites.bed", truth)
