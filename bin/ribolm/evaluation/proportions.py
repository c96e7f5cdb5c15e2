"""Shares, odds and their 95 % intervals."""

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; all None where nothing was counted."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        return f"{self.value:.3g} (95 % interval {self.low:.3g} to {self.high:.3g}, n = {self.n:,})"


def wilson(hits: int, n: int) -> Estimate:
    """Share of hits among n independent trials with the score interval (Wilson 1927, JASA 22:209)."""
    if n <= 0:
        return Estimate(None, None, None, 0)
    share = hits / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n))
    return Estimate(share, max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)), n)


def ratio_of_shares(hits: int, n: int, other_hits: int, other_n: int) -> Estimate:
    """(hits / n) / (other_hits / other_n), interval on the log scale (Katz et al. 1978, Biometrics 34:469).

    Not defined (None) when a count of hits or trials is zero.
    """
    if min(hits, n, other_hits, other_n) <= 0:
        return Estimate(None, None, None, n + other_n)
    ratio = (hits / n) / (other_hits / other_n)
    error = math.sqrt(max(1 / hits - 1 / n + 1 / other_hits - 1 / other_n, 0.0))
    return Estimate(ratio, ratio * math.exp(-Z_95 * error), ratio * math.exp(Z_95 * error), n + other_n)
