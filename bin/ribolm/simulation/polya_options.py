"""What can be chosen about a simulated genome with poly(A) sites."""

import dataclasses
from typing import Any

from ribolm.errors import UsageError

LEAST_CONTIG_NT = 20_000


def _option(default: Any, help_text: str, least: float | None = None, most: float | None = None, **more: Any) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text, "min": least, "max": most, **more})


@dataclasses.dataclass(frozen=True)
class PolyaOptions:
    """Options of one simulated genome; the command line is built from these fields.

    Raises UsageError for contigs too short to hold a gene.
    """

    seed: int = _option(1, "Seed of every random stream; the same seed and options give the same bytes.", 0)
    contigs: int = _option(3, "Number of contigs with genes; one of 60 nt without is added.", 1, 100)
    contig_nt: int = _option(800_000, "Length of a contig in nt.", LEAST_CONTIG_NT, 100_000_000)
    long_genes: int = _option(1, "Genes of 40 kb on every contig.", 0, 100)
    extra_sites: float = _option(0.7, "Mean number of further sites in the last exon of a gene.", 0, 3)
    known_fraction: float = _option(0.85, "Share of the true sites that the list of known sites holds.", 0, 1)
    shifted_fraction: float = _option(0.03, "Share of the listed sites that lie a few bases beside the true one.", 0, 1)
    primed_fraction: float = _option(0.05, "Listed places before an A-rich stretch that are no sites, per gene.", 0, 1)
    canonical_fraction: float = _option(0.75, "Share of the sites with AATAAA or ATTAAA.", 0, 1)
    downstream_fraction: float = _option(0.97, "Share of the sites with a GU-rich element downstream.", 0, 1)
    gc: float = _option(0.42, "Share of G and C.", 0.1, 0.9)

    def __post_init__(self) -> None:
        if self.long_genes * 60_000 > self.contig_nt:
            raise UsageError(
                f"--long-genes {self.long_genes} do not fit on contigs of {self.contig_nt:,} nt. Ask for fewer."
            )
