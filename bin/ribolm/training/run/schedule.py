"""Learning rate as a pure function of the step: linear warm-up, then cosine to a floor."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Peak rate, its length in optimiser steps, and the share of the peak that remains at the end."""

    peak: float
    steps: int
    warmup_steps: int
    floor: float = 0.0

    def rate(self, step: int) -> float:
        """Rate of the step that follows `step` finished ones.

        Warm-up rises from peak / warmup_steps to the peak, so no step is wasted at rate 0; cosine follows Loshchilov
        and Hutter (2017, equation 5) without restarts.
        """
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        span = max(1, self.steps - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / span)
        return self.peak * (self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * progress)))
