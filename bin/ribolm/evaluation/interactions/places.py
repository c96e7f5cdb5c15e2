"""One predicted place on a target held against the known one."""

from __future__ import annotations

from dataclasses import dataclass

HIT, RECALL, PRECISION, F1 = "site_recall", "position_recall", "position_precision", "position_f1"
BY_CHANCE, WIDTH = "site_recall_by_chance", "width_nt"
METRICS = (HIT, RECALL, PRECISION, F1)


@dataclass(frozen=True)
class Place:
    """A half-open 0-based range of a target, and the score of what pairs there (higher is better)."""

    start0: int
    end0: int
    score: float = 0.0


def measured(place: Place | None, site0: tuple[int, int], target_nt: int) -> dict[str, float]:
    """Agreement of a predicted place with a known site; without a place all is 0.

    `site_recall`: 1 where they share a base; `position_…`: recall, precision and F1 over the bases of the target.
    `site_recall_by_chance`: how often a place as wide, put anywhere on the target, would share a base with the site.
    """
    if place is None:
        return {**dict.fromkeys(METRICS, 0.0), BY_CHANCE: 0.0, WIDTH: 0.0}
    start0, end0 = site0
    width, site_nt = place.end0 - place.start0, end0 - start0
    shared = max(0, min(place.end0, end0) - max(place.start0, start0))
    first, last = max(start0 - width + 1, 0), min(end0 - 1, target_nt - width)
    return {
        HIT: float(shared > 0),
        RECALL: shared / site_nt,
        PRECISION: shared / width,
        F1: 2 * shared / (site_nt + width),
        BY_CHANCE: (last - first + 1) / (target_nt - width + 1),
        WIDTH: float(width),
    }
