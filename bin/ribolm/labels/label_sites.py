"""From tables of sites to evidence: read, lifted, placed, united. The order of the steps and nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.labels.chains import Chain, read_chain
from ribolm.labels.evidence import Evidence, combine
from ribolm.labels.families import Families
from ribolm.labels.placing import Limits, Placed, place_sites
from ribolm.labels.sites import SiteSource, read_sites


def gather_evidence(
    sources: Sequence[SiteSource],
    genome: Genome,
    build: str,
    chain_files: Mapping[str, Path],
    families: Families,
    min_families: str,
    limits: Limits,
) -> Evidence:
    """Read every table, lift those of another build, keep adenosines, unite.

    Raises DataError for a table of another build without a chain, and for whatever reading and placing refuse. Chains
    that no table needs are told.
    """
    for source in sources:
        if source.build != build and source.build not in chain_files:
            raise DataError(
                f"{source.path.name}: is of build {source.build}, the genome of {build}. Give a chain from one to the "
                f"other: --chain {source.build}=FILE."
            )
    needed = {source.build for source in sources} - {build}
    chains: dict[str, Chain] = {name: read_chain(chain_files[name]) for name in sorted(needed)}
    for name in sorted(set(chain_files) - needed):
        notice(f"--chain {name}: no table is of that build; the chain is not used.")
    placed: list[Placed] = []
    for source in sources:
        placed.append(place_sites(read_sites(source, families), genome, chains.get(source.build), limits))
    return combine(placed, families, min_families)
