"""What can be chosen about a simulated MeRIP-seq experiment."""

import dataclasses
from typing import Any

from ribolm.errors import UsageError

ASSAYS = ("ip", "input")


STRANDEDNESSES = ("reverse", "forward", "unstranded")


def _option(default: Any, help_text: str, least: float | None = None, most: float | None = None, **more: Any) -> Any:
    """A field with what its command-line option needs: help, limits, and where it differs its `flag` or `choices`."""
    return dataclasses.field(default=default, metadata={"help": help_text, "min": least, "max": most, **more})


@dataclasses.dataclass(frozen=True)
class M6aOptions:
    """Options of one simulated MeRIP-seq experiment; the command line is built from these fields.

    Raises UsageError where two options contradict each other.
    """

    seed: int = _option(1, "Seed of every random stream; the same seed and options give the same bytes.", 0)
    genes: int = _option(60, "Number of genes, 85 % of them coding.", 1, 300_000)
    contigs: int = _option(3, "Number of contigs; where there are several the last has no gene.", 1, 100)
    isoforms: float = _option(0.6, "Mean number of attempts at a further isoform per gene.", 0, 3)
    expression_sigma: float = _option(1.0, "Standard deviation of the natural logarithm of gene expression.", 0, 5)
    methylated_fraction: float = _option(0.8, "Share of the expressed coding genes that are methylated.", 0, 1)
    site_expression_quantile: float = _option(0.3, "Methylated genes lie above this quantile of expression.", 0, 1)
    sites_per_gene: float = _option(3.0, "Mean number of attempts at a site per methylated gene.", 1, 50)
    context_nt: int = _option(
        0, "Length of a U-rich stretch right behind every site and no other DRACH; 0: none.", 0, 60
    )
    lost_fraction: float = _option(0.3, "Share of the sites that each group after the first has lost.", 0, 1)
    groups: int = _option(2, "Number of groups: control, treated, group_3, …", 1, 20)
    replicates: int = _option(2, "Replicates per group, each with an IP and an input library.", 1, 50)
    fragments: int = _option(15_000, "Fragments per library.", 0, 99_999_999)
    enrichment: float = _option(8.0, "Yield of an IP fragment with a site over one without.", 1, 1000)
    null: bool = _option(False, "Plant no site: IP and input come from the same distribution.")
    dispersion: float = _option(
        0.0, "Overdispersion: variance of a gamma factor per library, 500 nt and strand.", 0, 10
    )
    gc_bias: float = _option(0.0, "Change of ln(yield) per 0.1 of a fragment's GC; input libraries 0.4 of it.", -5, 5)
    spikein: int = _option(0, "Number of spike-in contigs, written to spikein.fa.gz.", 0, 99)
    spikein_fraction: float = _option(0.02, "Share of input fragments that come from spike-ins.", 0, 0.9)
    read_length_nt: int = _option(75, "Read length in nt.", 20, 500, flag="--read-length")
    fragment_length_nt: int = _option(150, "Mean fragment length in nt.", 20, 2000, flag="--fragment-length")
    fragment_length_sd_nt: float = _option(
        25.0, "Standard deviation of the fragment length in nt; never shorter than a read.", 0, 500,
        flag="--fragment-length-sd",
    )  # fmt: skip
    single_end: bool = _option(False, "One read per fragment instead of two.")
    strandedness: str = _option("reverse", "reverse (dUTP: R2 is the transcript), forward or unstranded.",
                                choices=STRANDEDNESSES)  # fmt: skip
    error_rate: float = _option(0.001, "Sequencing errors per base, substitutions only.", 0, 0.5)

    def __post_init__(self) -> None:
        if self.fragment_length_nt < self.read_length_nt:
            raise UsageError(
                f"--fragment-length {self.fragment_length_nt} is shorter than --read-length {self.read_length_nt}. "
                "Make the fragments at least as long as the reads."
            )
        if self.genes < self.contigs:
            raise UsageError(f"--genes {self.genes} is less than --contigs {self.contigs}. Ask for more genes.")

    def group_names(self) -> tuple[str, ...]:
        """Names of the groups: control, treated, group_3, …"""
        return tuple(("control", "treated", *(f"group_{k}" for k in range(3, self.groups + 1)))[: self.groups])


@dataclasses.dataclass(frozen=True)
class Library:
    """One sequencing library: its group (index and name), replicate (from 1) and assay (ip or input)."""

    group_index: int
    group: str
    replicate: int
    assay: str

    @property
    def sample(self) -> str:
        """Name of the biological sample that IP and input share."""
        return f"{self.group}_{self.replicate}"

    @property
    def name(self) -> str:
        """Name of the library and stem of its files."""
        return f"{self.sample}.{self.assay}"


def libraries(options: M6aOptions) -> list[Library]:
    """Every library of the experiment, in the order of the samplesheet."""
    return [
        Library(index, group, replicate, assay)
        for index, group in enumerate(options.group_names())
        for replicate in range(1, options.replicates + 1)
        for assay in ASSAYS
    ]
