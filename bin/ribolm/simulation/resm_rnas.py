"""RNAs with planned structures: templates of helices, letters that fit them, relatives that keep the pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ribolm.labels.structure.dot_bracket import parse_brackets
from ribolm.labels.structure.pairs import UNPAIRED, Structure

Random = np.random.Generator
Letters = npt.NDArray[np.uint8]

KINDS = ("hairpin", "tandem", "cloverleaf", "pseudoknot")  # types of RNA, each with shapes of its own
PAIRS = np.frombuffer(b"GCCGAUUAGUUG", dtype=np.uint8).reshape(6, 2)
PAIR_SHARES = (0.30, 0.30, 0.14, 0.14, 0.06, 0.06)
LOOP = np.frombuffer(b"ACGU", dtype=np.uint8)
LOOP_SHARES = (0.55, 0.17, 0.06, 0.22)  # loops of natural RNAs are rich in A
PAIR_CHANGES, LOOP_CHANGES = 0.2, 0.3  # share of what differs between relatives


def draw_structure(random: Random, kind: str, name: str) -> Structure:
    """An RNA of a kind with a structure of its own and letters that fit it."""
    partner = parse_brackets(draw_shape(random, kind))
    return Structure(name, fill(random, partner).tobytes().decode(), partner)


def draw_shape(random: Random, kind: str) -> str:
    """A dot-bracket text of a kind, 25 to about 130 nt."""
    before, behind = _dots(random, 1, 6), _dots(random, 2, 6)
    if kind == "hairpin":
        return before + _arm(random, 6, 10) + behind
    if kind == "tandem":
        arms = [_arm(random, 4, 8) for _ in range(int(random.integers(2, 4)))]
        return before + _dots(random, 3, 8).join(arms) + behind
    if kind == "cloverleaf":
        inner = _dots(random, 1, 3)
        for _ in range(3):
            inner += _arm(random, 4, 7) + _dots(random, 1, 3)
        n = int(random.integers(6, 9))
        return before + "(" * n + inner + ")" * n + behind
    first, second = int(random.integers(6, 9)), int(random.integers(5, 8))
    crossing = "(" * first + _dots(random, 2, 3) + "[" * second + "." + ")" * first + _dots(random, 5, 9) + "]" * second
    return before + crossing + behind


def _dots(random: Random, least: int, most: int) -> str:
    return "." * int(random.integers(least, most + 1))


def _arm(random: Random, least: int, most: int) -> str:
    """A helix with its loop; two in five have an inner loop in the middle."""
    n = int(random.integers(least, most + 1))
    outer = n // 2 if random.random() < 0.4 else 0
    inner = "(" * (n - outer) + _dots(random, 4, 8) + ")" * (n - outer)
    return "(" * outer + _dots(random, 1, 2) + inner + _dots(random, 1, 3) + ")" * outer if outer else inner


def fill(random: Random, partner: npt.NDArray[np.int64]) -> Letters:
    """Letters uint8 [L] for partners int64 [L]: canonical pairs with a few GU, loops rich in A."""
    letters = LOOP[random.choice(4, len(partner), p=LOOP_SHARES)]
    opens = np.flatnonzero(partner > np.arange(len(partner)))
    chosen = PAIRS[random.choice(len(PAIRS), len(opens), p=PAIR_SHARES)]
    letters[opens], letters[partner[opens]] = chosen[:, 0], chosen[:, 1]
    return letters


def relative(random: Random, letters: Letters, partner: npt.NDArray[np.int64]) -> Letters:
    """Letters of a relative: whole pairs change together, so that the structure stays."""
    fresh = fill(random, partner)
    changed = random.random(len(letters)) < np.where(partner == UNPAIRED, LOOP_CHANGES, PAIR_CHANGES)
    opens = partner > np.arange(len(partner))
    changed[partner[opens]] = changed[opens]
    return np.where(changed, fresh, letters).astype(np.uint8)
