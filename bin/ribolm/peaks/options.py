"""Parameters of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.reads.alignments import ReadFilter
from ribolm.reads.libraries import Library

AUTO = "auto"
FRAGMENT_NT = 100


@dataclass(frozen=True)
class CallOptions:
    """Parameters of `ribolm-peaks call`; see its help."""

    libraries: tuple[Library, ...]
    gtf: Path
    outdir: Path
    name: str
    fasta: Path | None = None
    gc_correction: bool = True
    test: str = "poisson"
    p_cutoff: float = 1e-10
    fragment_length: int = FRAGMENT_NT
    bin_size: int = 25
    step_size: int = 25
    strandedness: str = AUTO
    library_strandedness: Mapping[str, str] = field(default_factory=dict)
    read_filter: ReadFilter = field(default_factory=ReadFilter)
    size_factors: Path | None = None
    threads: int = 1
    bins_tsv: bool = False

    def __post_init__(self) -> None:
        if self.fragment_length != FRAGMENT_NT and not self.corrects_gc:
            notice("--fragment-length is not used: GC is not corrected for (no --fasta, or --no-gc).")

    @property
    def corrects_gc(self) -> bool:
        """Whether offsets follow GC: asked for, and a genome is there."""
        return self.gc_correction and self.fasta is not None

    def parameters(self) -> dict[str, Any]:
        """What decides the result, for the summary: file names without folders, no number of threads."""
        files = {"gtf": self.gtf, "fasta": self.fasta, "size_factors": self.size_factors}
        plain = ("test", "p_cutoff", "fragment_length", "bin_size", "step_size", "strandedness")
        return {
            "gc_correction": self.corrects_gc,
            **{key: getattr(self, key) for key in plain},
            **vars(self.read_filter),
            **{key: path.name if path else None for key, path in files.items()},
        }
