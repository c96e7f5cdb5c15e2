"""How good the labels are: per technique its errors, motif, agreement with every other technique, tissues."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import DRACH, IUPAC
from ribolm.genome.coordinates import Int64
from ribolm.labels.evidence import Evidence
from ribolm.labels.families import SEPARATOR, Families

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class TechniqueQuality:
    """One technique. Shares are None without a site; `shared_with` counts sites by the name of the other technique.

    `not_a` counts rows whose base is no A; `backed` is the share of its sites that another family saw as well.
    """

    technique: str
    family: str
    sites: int
    not_a: int
    drach_share: float | None
    backed_share: float | None
    families_per_site: float | None
    median_level: float | None
    tissues: tuple[str, ...]
    shared_with: dict[str, int]

    @property
    def not_a_share(self) -> float | None:
        """Share of the technique's places that are no A."""
        return self.not_a / (self.sites + self.not_a) if self.sites + self.not_a else None


def is_drach(contexts: "polars.Series") -> npt.NDArray[np.bool_]:
    """Which five-base contexts are DRACH, bool [n]; N matches nothing."""
    pattern = "".join(f"[{IUPAC[code]}]" for code in DRACH)
    return np.asarray(contexts.str.contains(f"^{pattern}$").to_numpy(), dtype=bool)


def measure_quality(evidence: Evidence, families: Families) -> list[TechniqueQuality]:
    """Measure every technique of the tables, sorted by name. Cost: one pass over the sites per pair of techniques."""
    sites = evidence.sites
    not_a: dict[str, int] = {}
    for one in evidence.placed:
        for cell, n in one.not_a.items():
            for name in _split(cell):
                not_a[name] = not_a.get(name, 0) + n
    seen = {name for cell in sites["techniques"].unique() for name in _split(cell)}
    names = sorted(seen | set(not_a))
    cells = f"{SEPARATOR}" + sites["techniques"] + SEPARATOR
    has = {name: cells.str.contains(f"{SEPARATOR}{name}{SEPARATOR}", literal=True).to_numpy() for name in names}
    drach, n_families = is_drach(sites["context"]), sites["n_families"].to_numpy()
    return [
        TechniqueQuality(
            name,
            families.of([name])[0],
            int(has[name].sum()),
            not_a.get(name, 0),
            _mean(drach[has[name]]),
            _mean(n_families[has[name]] > 1),
            _mean(n_families[has[name]]),
            _median(sites.filter(has[name])["level"]),
            _tissues(sites.filter(has[name])["tissues"]),
            {other: int((has[name] & has[other]).sum()) for other in names if other != name},
        )
        for name in names
    ]


def family_histogram(evidence: Evidence) -> dict[int, int]:
    """Number of sites by the number of families that saw them."""
    counts: Int64 = np.bincount(evidence.sites["n_families"].to_numpy()) if len(evidence.sites) else np.zeros(0, int)
    return {k: int(n) for k, n in enumerate(counts) if n}


def _split(cell: str) -> list[str]:
    return [name for name in cell.split(SEPARATOR) if name]


def _mean(values: npt.NDArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _median(levels: "polars.Series") -> float | None:
    found = levels.drop_nulls().to_numpy()
    return float(np.median(found)) if len(found) else None


def _tissues(cells: "polars.Series") -> tuple[str, ...]:
    return tuple(sorted({name for cell in cells.unique() for name in _split(cell or "")}))
