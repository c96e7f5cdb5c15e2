"""Published sets of poly(A) signals as windows of letters: read, deduplicated, clustered; nothing of them is committed.

    python benchmarks/polya_sets.py --data ../shared/data/polya        prints what each set holds

`omni_human` (Magana-Mora et al. 2017), `bl_mouse` (Xia et al. 2019): one sequence of 206 nt per line, hexamer at
[100, 106). `hybpas_train` (Albalawi et al. 2019): FASTA records of 606 nt, hexamer at [300, 306).
"""

import argparse
import gzip
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from ribolm.alphabet import NORMAL, Letters  # noqa: E402
from ribolm.sequences.similarity import similarity_clusters  # noqa: E402

DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "polya"
SETS = {"omni_human": 206, "bl_mouse": 206, "hybpas_train": 606}
HEXAMER_NT = 6
Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WindowSet:
    """Windows uint8 [n, width] with the hexamer's first base at `hexamer0`; `is_site` bool [n]; `source` of each."""

    letters: Letters
    is_site: Bool
    hexamer0: int
    source: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.letters)

    def take(self, rows: npt.NDArray[np.generic]) -> "WindowSet":
        """Some of the windows."""
        return WindowSet(self.letters[rows], self.is_site[rows], self.hexamer0, self.source[rows])

    def cut(self, before_nt: int, after_nt: int) -> "WindowSet":
        """Narrower windows: so many bases before the hexamer, so many behind its end."""
        low, high = self.hexamer0 - before_nt, self.hexamer0 + HEXAMER_NT + after_nt
        assert 0 <= low and high <= self.letters.shape[1], "the windows are too narrow"
        return WindowSet(np.ascontiguousarray(self.letters[:, low:high]), self.is_site, before_nt, self.source)

    def hexamers(self) -> npt.NDArray[np.bytes_]:
        """The six letters of each window's signal, S6 [n]."""
        middle = np.ascontiguousarray(self.letters[:, self.hexamer0 : self.hexamer0 + HEXAMER_NT])
        return middle.view(f"S{HEXAMER_NT}").ravel()

    def clusters(self) -> Int64:
        """Families of windows that share a 51-mer or are about 90 % identical."""
        n, width = self.letters.shape
        return similarity_clusters(self.letters.ravel(), np.arange(n + 1, dtype=np.int64) * width)


def joined(*sets: WindowSet) -> WindowSet:
    """Sets of one width and one place of the hexamer as one."""
    assert len({(one.letters.shape[1], one.hexamer0) for one in sets}) == 1
    columns = [np.concatenate([getattr(one, name) for one in sets]) for name in ("letters", "is_site", "source")]
    return WindowSet(columns[0], columns[1], sets[0].hexamer0, columns[2])


def read_set(name: str, data: Path = DATA) -> WindowSet:
    """A set as published: positives first, files sorted by name, in the order of the files, nothing left out."""
    width, rows, is_site = SETS[name], [], []
    for path, positive in _files(data / name):
        with gzip.open(path, "rt", encoding="ascii") as handle:
            found = _records(handle.read().lstrip())
        rows += [sequence for sequence in found if sequence]
        is_site += [positive] * (len(rows) - len(is_site))
    letters = NORMAL[np.frombuffer("".join(rows).encode("ascii"), dtype=np.uint8)].reshape(len(rows), width)
    return WindowSet(letters, np.array(is_site), (width - HEXAMER_NT) // 2, np.full(len(rows), name))


def _files(folder: Path) -> list[tuple[Path, bool]]:
    if (folder / "positive").is_dir():
        return [(path, kind == "positive") for kind in ("positive", "negative") for path in _sorted(folder / kind)]
    names = _sorted(folder)
    return [(path, sign == "_pos") for sign in ("_pos", "_neg") for path in names if sign in path.name]


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.gz"), key=lambda path: path.name)


def _records(text: str) -> list[str]:
    if text.startswith(">"):
        return ["".join(record.split("\n")[1:]) for record in text.split(">")[1:]]
    return text.split()


def distinct(windows: WindowSet, across: bool = True) -> WindowSet:
    """The first of identical windows of a class; `across`: windows that occur in both classes are left out of both."""
    names = _names(windows)
    kept = np.zeros(len(windows), dtype=bool)
    for of_class in (windows.is_site, ~windows.is_site):
        rows = np.flatnonzero(of_class)
        kept[rows[np.unique(names[rows], return_index=True)[1]]] = True
    if across:
        kept &= ~np.isin(names, np.intersect1d(names[windows.is_site], names[~windows.is_site]))
    return windows.take(np.flatnonzero(kept))


def without_both_classes(windows: WindowSet) -> WindowSet:
    """The windows whose sequence occurs in one class only, repeats kept."""
    names = _names(windows)
    return windows.take(~np.isin(names, np.intersect1d(names[windows.is_site], names[~windows.is_site])))


def _names(windows: WindowSet) -> npt.NDArray[np.void]:
    return np.ascontiguousarray(windows.letters).view(f"V{windows.letters.shape[1]}").ravel()


def main() -> None:
    """Print the sizes of the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    for name in SETS:
        whole = read_set(name, arguments.data)
        per_class, apart = distinct(whole, across=False), distinct(whole)
        families = apart.clusters()
        sizes = np.bincount(families)
        print(f"{name}: {whole.is_site.sum():,} + {(~whole.is_site).sum():,} windows of {whole.letters.shape[1]} nt;")
        print(f"  distinct per class {per_class.is_site.sum():,} + {(~per_class.is_site).sum():,}, and in one class")
        print(
            f"  {apart.is_site.sum():,} + {(~apart.is_site).sum():,}; {len(sizes):,} families, largest {sizes.max():,}"
        )


if __name__ == "__main__":
    main()
