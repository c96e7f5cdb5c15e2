"""All RNA the default model learns from, with the tables that call each base.

Sequence comes from chr22 and the CLIP tiles (m6a_default_sequences.py), the windows of m6A-BERT-Deg and of two sets
of poly(A) sites as far as they can be placed; sites from ten hg19 tables and from both GSE63753 files, lifted to hg19
(m6a_default_lift.py).
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from m6a_default_lift import SitePattern, lift, read_contexts, read_gse63753
from m6a_default_sequences import (
    CHR22_FROM0,
    HALF_NT,
    NEAR_NT,
    TABLES,
    TARGET_BIT,
    Forbidden,
    Pieces,
    Site,
    SiteIndex,
    Stretch,
    candidates0,
    near_test,
    read_records,
    read_sites,
)
from ribolm.genome.fasta import Genome

FLANK_NT = NEAR_NT + HALF_NT + 20  # of chr22 around a site: whole windows of all candidates near it


def load_stretches(data: Path) -> list[Stretch]:
    """Everything there is to learn from: placed stretches with a site, chr22 around its sites, windows without a place.

    About four minutes and 4 GB.
    """
    sites = read_sites(data)
    lifted = lift(data, read_gse63753(data), sites)
    contexts = read_contexts(data, lifted)
    chr22 = bytes(Genome.open(data / "polya/chr22.hg19.maf_partial.fa.gz").data)
    pieces, alone = place_all(data, sites, contexts)
    for site, (bits, _) in lifted.items():
        sites[site] = sites.get(site, 0) | bits << TARGET_BIT
    index, forbidden = SiteIndex(sites), Forbidden(data, chr22)
    found = [index.stretch(*place) for place in pieces.stretches() if not near_test(place[0], place[2])
             and place[0] != "chr22"]  # fmt: skip
    found += [index.stretch(*place) for place in _chr22_places(index, chr22)]
    kept = [s for s in found if s.support.any() and s.letters not in forbidden]
    lone = [s for s in (_window(name, letters) for name, letters in alone) if s and s.letters not in forbidden]
    n_sites = sum(int((stretch.support > 0).sum()) for stretch in kept)
    n_target = sum(int((stretch.support >> TARGET_BIT > 0).sum()) for stretch in kept)
    print(f"{len(kept):,} stretches with {n_sites:,} sites, {n_target:,} of them GSE63753's; "
          f"{len(lone):,} windows of unknown place")  # fmt: skip
    return kept + lone


def place_all(data: Path, sites: dict[Site, int], contexts: dict[Site, str]) -> tuple[Pieces, list[tuple[str, bytes]]]:
    """The tiles with all windows that can be placed; the m6A-BERT-Deg windows that cannot. Marks centres in `sites`."""
    windows = [(f"{part}:{name}", letters) for part in ("pos", "neg")
               for name, letters in read_records(data / "m6a/m6A-BERT-Deg" / f"{part}.fa.gz")]  # fmt: skip
    pieces = Pieces.of_tiles(data)
    alone = pieces.place(windows, sites)
    n_by_words = len(windows) - len(alone)
    alone, centres = SitePattern(sites, contexts).place_windows(alone, pieces)
    for site in centres:
        sites[site] |= 1 << len(TABLES)
    n_polya = pieces.place_overlapping(read_polya_windows(data))
    print(f"placed {n_by_words:,} windows by words, {len(centres):,} by sites, {n_polya:,} poly(A) windows by words")
    return pieces, alone


def read_polya_windows(data: Path) -> set[bytes]:
    """Human windows of HybPAS (606 nt) and Omni-PolyA (206 nt), without place."""
    found = {letters for path in sorted((data / "polya/hybpas_train").glob("*.fa.gz"))
             for _, letters in read_records(path)}  # fmt: skip
    for path in sorted((data / "polya/omni_human").rglob("*.txt.gz")):
        with gzip.open(path, "rt") as rows:
            found |= {row.strip().upper().encode("ascii") for row in rows if row.strip()}
    return found


def _chr22_places(index: SiteIndex, chr22: bytes) -> Iterator[tuple[str, str, int, bytes]]:
    for strand in "+-":
        places = index.places0("chr22", strand)
        places = places[places >= CHR22_FROM0]
        for group in np.split(places, np.flatnonzero(np.diff(places) > 2 * FLANK_NT) + 1):
            low0, high0 = max(CHR22_FROM0, int(group[0]) - FLANK_NT), int(group[-1]) + FLANK_NT + 1
            yield "chr22", strand, low0, chr22[low0:high0]


def _window(name: str, letters: bytes) -> Stretch | None:
    """A window alone; of cut windows the site lies 250 nt from one end, where there is a DRACH."""
    drach = set(candidates0(letters).tolist())
    places = [p for p in (HALF_NT, len(letters) - 1 - HALF_NT) if p in drach]
    if not places:
        return None
    support = np.zeros(len(letters), dtype=np.uint16)
    support[places[0]] = 1 << len(TABLES)
    return Stretch(name, "+", 0, letters, support, complete=False)
