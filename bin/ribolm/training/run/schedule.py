"""What is due at a step, as a pure function of its number: the learning rate, and when to evaluate."""

import math
from dataclasses import dataclass

EVALUATIONS = 20  # of a run, where dev is small
FEWEST_EVALUATIONS = 4
LARGEST_EVALUATED_SHARE = 0.2  # of the time that a run takes
STEP_PER_FORWARD = 3  # a step goes forward once and backward for twice that


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


def evaluation_interval(steps: int, steps_per_epoch: int, tokens_per_step: float, held_out_tokens: int) -> int:
    """Steps between two evaluations: a twentieth of the run, an epoch at most, more where dev would take the time.

    Time goes by tokens, so that evaluating every k steps takes held_out / (held_out + 3 · k · tokens_per_step) of it.
    Four evaluations are made however long they take, or the best step would be the last.
    """
    usual = min(steps_per_epoch, steps // EVALUATIONS)
    room = STEP_PER_FORWARD * tokens_per_step * LARGEST_EVALUATED_SHARE / (1 - LARGEST_EVALUATED_SHARE)
    return max(1, min(max(usual, math.ceil(held_out_tokens / room)), max(usual, steps // FEWEST_EVALUATIONS)))
