"""What folding many RNAs needs, asked before the first one is folded: lengths that are allowed, and memory."""

from collections.abc import Sequence

from ribolm.console import choice
from ribolm.errors import DataError, UsageError
from ribolm.folding.energy import EnergyModel, memory_bytes
from ribolm.free_memory import SPARE_SHARE, free_bytes
from ribolm.sequences.rna import RnaRecord


def require_foldable(
    records: Sequence[RnaRecord],
    remedy: str,
    workers: int = 1,
    models: Sequence[EnergyModel] = (EnergyModel(),),
) -> None:
    """Check what ViennaRNA is to fold, `workers` RNAs at a time; `remedy`: a sentence on what to do with a long one.

    Raises DataError naming a record above the `max_nt` of a model; UsageError where the longest, together, need more
    memory than is free.
    """
    most_nt = min(model.max_nt for model in models)
    beyond = [record for record in records if len(record.letters) > most_nt]
    if beyond:
        longer = f" ({len(beyond):,} records are longer)" if len(beyond) > 1 else ""
        raise DataError(
            f"Record '{beyond[0].name}' has {len(beyond[0].letters):,} nt, and {most_nt:,} nt are the most that are "
            f"folded{longer}. {remedy}"
        )
    if records:
        _require_memory(sorted((len(record.letters) for record in records), reverse=True), workers)


def _require_memory(lengths_nt: Sequence[int], workers: int) -> None:
    """lengths_nt: the longest first."""
    together = lengths_nt[: max(1, workers)]
    need = sum(memory_bytes(n_nt) for n_nt in together)
    free, bound = free_bytes()
    told = f"folding of {len(together):,} at a time, {together[0]:,} nt the longest"
    choice("memory", f"{need / 1e9:.2f} of {free / 1e9:.2f} GB", told)
    if free and need > free * (1 - SPARE_SHARE):
        fewer = "Use fewer --processes, or leave" if len(together) > 1 else "Leave"
        raise UsageError(
            f"Folding {len(together):,} RNAs at a time, the longest of {together[0]:,} nt, needs {need / 1e9:.1f} GB, "
            f"but {free / 1e9:.1f} GB are free ({bound}). {fewer} the longest RNAs out."
        )
