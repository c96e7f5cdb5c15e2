"""Energy models that ViennaRNA ships, and what folding one RNA costs in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from ribolm.errors import DataError, UsageError

PARAMETERS = ("rna_turner2004", "rna_turner1999", "rna_andronescu2007", "rna_langdon2018")
MAX_NT = 10_000
# triangular matrices of energies (int32), partition functions and probabilities (float64), and the dense result;
# measured at 1,000 and 2,000 nt as growth of the resident set
BYTES_PER_NT_SQUARED = 48


@dataclass(frozen=True)
class EnergyModel:
    """Which energies: `parameters` (one of `PARAMETERS`), temperature in °C, and the longest RNA in nt.

    Raises UsageError for another name or a temperature outside 0 to 100 °C.
    """

    parameters: str = PARAMETERS[0]
    temperature_c: float = 37.0
    max_nt: int = MAX_NT

    def __post_init__(self) -> None:
        if self.parameters not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise UsageError(f"Energy parameters '{self.parameters}' are not known. Choose one of {known}.")
        if not 0 <= self.temperature_c <= 100:
            raise UsageError(
                f"A temperature of {self.temperature_c:g} °C is not between 0 and 100. Choose another one."
            )

    def require_length(self, n_nt: int) -> None:
        """Raise DataError, with the memory it would take, for an RNA longer than `max_nt`."""
        if n_nt > self.max_nt:
            needed = f"about {memory_bytes(n_nt) / 1e9:.1f} GB of memory"
            raise DataError(f"an RNA of {n_nt:,} nt needs {needed} to fold, and {self.max_nt:,} nt is the limit.")


def energy_models(parameters: str | Sequence[str], temperature_c: float = 37.0) -> tuple[EnergyModel, ...]:
    """Models by the names of their parameters, in a list or with commas between; UsageError for none or one twice."""
    names = [name.strip() for name in parameters.split(",")] if isinstance(parameters, str) else list(parameters)
    if not names or len(set(names)) != len(names):
        raise UsageError(f"Energy parameters '{','.join(names)}' must be one or more different names.")
    return tuple(EnergyModel(name, temperature_c) for name in names)


def memory_bytes(n_nt: int) -> int:
    """Estimate of what minimum free energy and partition function of one RNA hold at once, in bytes."""
    return BYTES_PER_NT_SQUARED * n_nt**2
