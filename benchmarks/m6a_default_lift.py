"""Where hg38 sites and windows without coordinates lie in hg19, from the files of RIBOLM_DATA alone.

No chain file is at hand. Offsets between the builds are constant over long stretches: 15,998 poly(A) sites known in
both (pPAS_hg19.bed.gz) give them to some tens of bases; the one offset within that reach that brings most hg38 sites
near by onto hg19 sites of any table is taken. A window of unknown place whose centre is a site is placed where its own
bases fit all other sites within reach: an A, mostly in DRACH, or the five bases that the table's names tell.
"""

import gzip
import re
from collections import defaultdict
from itertools import product
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt

from m6a_default_sequences import CODE, HALF_NT, TABLES, TEST_REGIONS, Pieces, Site
from ribolm.genome.coordinates import Int64

GSE63753 = {"abcam": "abcam.CIMS.m6A.9536", "sysy": "sysy.CITS.m6A.12051"}
FROM_TEST_NT = 1_000_000  # hg38 sites so near a test region are not read
ANCHOR_JUMP_NT = 150  # an anchor that differs so much from its neighbours' median is left out
PAIR_NT, VOTERS_NT, VOTES_FADE_NT = 40, 250_000, 20_000
CLEARLY = 1.2  # votes of the best offset over those of the next
FIVE = 4**5
MISS = -6.0  # for a site on a base that does not fit
SHARE_DRACH = 0.8  # of sites
MIN_FIT, MIN_LEAD = 18.0, 5.0  # log odds; with decoys (reverse complements) 1 of 3,924 passes
Window = tuple[str, bytes]
Float64 = npt.NDArray[np.float64]


def read_gse63753(data: Path) -> dict[Site, tuple[int, str]]:
    """hg38 sites away from the test regions: → (1 abcam, 2 sysy, 3 both; the five bases around, of its name).

    The first megabase of the other chromosomes falls out, too (428 sites): so the published weights were made.
    """
    found: dict[Site, tuple[int, str]] = {}
    for bit, name in enumerate(GSE63753.values()):
        with gzip.open(data / "m6a/sites" / f"GSE63753_hek293.{name}.hg38.bed.gz", "rt") as rows:
            for field in (row.rstrip("\n").split("\t") for row in rows):
                chrom, start0, strand = field[0], int(field[1]), field[5]
                low, high = TEST_REGIONS.get(chrom, (0, 0))
                if not low - FROM_TEST_NT < start0 < high + FROM_TEST_NT:
                    bits = found.get((chrom, start0, strand), (0, ""))[0]
                    found[chrom, start0, strand] = (bits | 1 << bit, field[3].rsplit("_", 1)[1])
    return found


def read_anchors(data: Path) -> dict[str, Int64]:
    """Per chromosome: hg38 places and about how far hg19 is from them, int64 [n, 2], ascending."""
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    with gzip.open(data / "polya/pPAS_hg19.bed.gz", "rt") as rows:
        for field in (row.split("\t") for row in rows):
            chrom38, place38, _ = field[3].split(":")
            if f"chr{chrom38}" == field[0]:
                pairs[field[0]].append((int(place38), (int(field[1]) + int(field[2])) // 2 - int(place38)))
    found = {}
    for chrom, rows_of in pairs.items():
        table = np.array(sorted(rows_of), dtype=np.int64)
        median = np.array([np.median(table[max(0, i - 2) : i + 3, 1]) for i in range(len(table))])
        found[chrom] = table[np.abs(table[:, 1] - median) < ANCHOR_JUMP_NT]
    return found


def lift(data: Path, sites38: dict[Site, tuple[int, str]], sites19: dict[Site, int]) -> dict[Site, tuple[int, str]]:
    """The hg38 sites in hg19, where one offset is clearly best supported."""
    anchors = read_anchors(data)
    of_chrom: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for chrom, start0, strand in sites38:
        of_chrom[chrom].append((start0, strand))
    places19: dict[tuple[str, str], list[int]] = defaultdict(list)
    for chrom, start0, strand in sites19:
        places19[chrom, strand].append(start0)
    found = {}
    for chrom in of_chrom.keys() & anchors.keys():
        known = {strand: np.array(sorted(places19[chrom, strand]), dtype=np.int64) for strand in "+-"}
        asked = sorted(of_chrom[chrom])
        pairs = _pairs(asked, anchors[chrom], known)
        for start0, strand in asked:
            offset = _best_offset(pairs, start0)
            if offset is not None:
                found[chrom, start0 + offset, strand] = sites38[chrom, start0, strand]
    print(f"{len(found):,} of {len(sites38):,} hg38 sites have a place in hg19")
    return found


def _pairs(asked: list[tuple[int, str]], anchors: Int64, known: dict[str, Int64]) -> Int64:
    """(hg38 place, offset to an hg19 site within reach of what the anchors say), int64 [n, 2], ascending."""
    pairs: set[tuple[int, int]] = set()
    for start0, strand in asked:
        at = int(np.searchsorted(anchors[:, 0], start0))
        for offset in set(anchors[max(0, at - 3) : at + 3, 1].tolist()):
            low, high = np.searchsorted(known[strand], (start0 + offset - PAIR_NT, start0 + offset + PAIR_NT + 1))
            pairs.update((start0, place - start0) for place in known[strand][low:high].tolist())
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _best_offset(pairs: Int64, start0: int) -> int | None:
    low, high = np.searchsorted(pairs[:, 0], (start0 - VOTERS_NT, start0 + VOTERS_NT + 1))
    if low == high:
        return None
    weight = np.exp(-np.abs(pairs[low:high, 0] - start0) / VOTES_FADE_NT) + 1e-3
    offsets, which = np.unique(pairs[low:high, 1], return_inverse=True)
    votes = np.bincount(which, weight)
    order = np.argsort(-votes, kind="stable")
    best, second = order[0], votes[order[1]] if len(order) > 1 else 0.0
    return int(offsets[best]) if (which == best).sum() > 1 and votes[best] >= CLEARLY * second else None


def read_contexts(data: Path, lifted: dict[Site, tuple[int, str]]) -> dict[Site, str]:
    """The five bases around hg19 sites whose names tell them."""
    found = {}
    with gzip.open(data / "m6a" / TABLES["molm13"], "rt") as rows:
        for field in (row.rstrip("\n").split("\t") for row in rows):
            found[field[0], int(field[1]), field[5]] = field[3].rsplit("_", 1)[1]
    return found | {site: bases for site, (_, bases) in lifted.items()}


class SitePattern:
    """All sites in order, with what is known of their bases: where does a window fit?"""

    def __init__(self, sites: dict[Site, int], contexts: dict[Site, str]) -> None:
        self.sites = sorted(sites, key=lambda site: (site[0], site[2], site[1]))
        self.place = np.array([site[1] for site in self.sites])
        self.is_minus = np.array([site[2] == "-" for site in self.sites])
        self.code = np.array([_five(contexts.get(site, "")) for site in self.sites])
        strands = sorted({(site[0], site[2]) for site in self.sites})
        number = {key: at for at, key in enumerate(strands)}
        far = np.array([number[site[0], site[2]] for site in self.sites]) * (1 << 34) + self.place
        self.low = np.searchsorted(far, far - HALF_NT)
        self.high = np.searchsorted(far, far + HALF_NT, side="right")

    def place_windows(self, windows: list[Window], pieces: Pieces) -> tuple[list[Window], list[Site]]:
        """Adds the windows that fit clearly to `pieces`; returns the others, and the sites at the centres."""
        gain = self._gains([letters for _, letters in windows])
        alone: list[Window] = []
        centres: list[Site] = []
        for name, letters in windows:
            codes, ends = _codes(letters), {HALF_NT, len(letters) - 1 - HALF_NT}
            fits = [(*self._best(codes, at, gain), at) for at in ends if at > 0]
            fit, lead, number, at = max(fits)
            if fit <= MIN_FIT or lead <= MIN_LEAD:
                alone.append((name, letters))
                continue
            chrom, place, strand = self.sites[number]
            pieces.add(chrom, strand, place - at if strand == "+" else place - (len(letters) - 1 - at), letters)
            centres.append(self.sites[number])
        return alone, centres

    def _best(self, codes: Int64, at: int, gain: tuple[Float64, Float64]) -> tuple[float, float, int]:
        if at >= len(codes):
            return -np.inf, 0.0, -1
        best, second, number = _fit(codes, at, self.place, self.is_minus, self.code, self.low, self.high, *gain)
        return best, best - second, number

    @staticmethod
    def _gains(letters: list[bytes]) -> tuple[Float64, Float64]:
        """Log odds of five bases at a site of known, of unknown bases, against anywhere; float64 [1024]."""
        counts = np.ones(FIVE)
        for one in letters:
            codes = _codes(one)
            np.add.at(counts, codes[codes >= 0], 1)
        share = counts / counts.sum()
        names = ["".join(bases) for bases in product("ACGT", repeat=5)]
        is_drach = np.array([bool(re.fullmatch("[AGT][AG]AC[ACT]", name)) for name in names])
        other_a = np.array([name[2] == "A" for name in names]) & ~is_drach
        unknown = np.full(FIVE, MISS)
        unknown[is_drach] = np.log(SHARE_DRACH / share[is_drach].sum())
        unknown[other_a] = np.log((1 - SHARE_DRACH) / share[other_a].sum())
        return -np.log(share), unknown


def _five(bases: str) -> int:
    codes = CODE[np.frombuffer(bases.encode(), np.uint8)].astype(np.int64)
    return int((codes * (256, 64, 16, 4, 1)).sum()) if len(codes) == 5 and (codes < 4).all() else -1


def _codes(letters: bytes) -> Int64:
    """Number of the five bases around each base, −1 where one is unknown."""
    codes = CODE[np.frombuffer(letters, np.uint8)].astype(np.int64)
    found = np.full(len(codes), -1)
    around = np.lib.stride_tricks.sliding_window_view(codes, 5)
    found[2:-2] = np.where((around < 4).all(axis=1), (around * (256, 64, 16, 4, 1)).sum(axis=1), -1)
    return found


@numba.njit(cache=True)
def _fit(codes, at, place, is_minus, code, low, high, known_gain, unknown_gain):  # type: ignore[no-untyped-def]
    """Best and second best summed log odds of a window whose base `at` is one of the sites, and which site."""
    best, second, which = -1e9, -1e9, -1
    for i in range(len(place)):
        own = codes[at]
        if own < 0 or (own >> 4) & 3 != 0 or (code[i] >= 0 and code[i] != own):
            continue
        fit = 0.0
        for j in range(low[i], high[i]):
            apart = place[j] - place[i]
            here = at - apart if is_minus[i] else at + apart
            if here < 2 or here >= len(codes) - 2 or codes[here] < 0:
                continue
            if code[j] < 0:
                fit += unknown_gain[codes[here]]
            else:
                fit += known_gain[code[j]] if code[j] == codes[here] else MISS
        if fit > best:
            best, second, which = fit, best, i
        elif fit > second:
            second = fit
    return best, second, which
