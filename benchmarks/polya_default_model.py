"""What the default model of poly(A) sites is made from; `assets/models/polya-small/recipe.sh` runs it.

    python benchmarks/polya_default_model.py stores --data ../shared/data/polya --out DIR
    python benchmarks/polya_default_model.py mouse  --data ../shared/data/polya --out DIR

`stores` writes DIR/human (windows of 206 nt around the hexamers of omni_human and hybpas_train, each once and of one
class, none that shares a 51-mer with either strand of chr22) and DIR/human.folds.tsv (families dealt to folds; fold 0
is dev, by which everything is chosen). `mouse` writes DIR/mouse: bl_mouse without windows that occur in both classes
or that share a 51-mer with a window of DIR/human. benchmarks/polya_default_score.py scores models on both.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from polya_sets import HEXAMER_NT, WindowSet, distinct, joined, read_set  # noqa: E402
from ribolm.alphabet import Letters, reverse_complement  # noqa: E402
from ribolm.genome.fasta import Genome  # noqa: E402
from ribolm.labels.folds import Folds, assign_folds, write_folds  # noqa: E402
from ribolm.sequences.kmer_hashes import words  # noqa: E402
from ribolm.sequences.similarity import EXACT_NT, shares_word  # noqa: E402
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore  # noqa: E402
from ribolm.sequences.tokenizers import make_tokenizer  # noqa: E402

DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "polya"
CHR22 = "chr22.hg19.maf_partial.fa.gz"
TASK, FLANK_NT, N_FOLDS, SEED = "polya", 100, 10, 1
WINDOW_NT = 2 * FLANK_NT + HEXAMER_NT
ANCHOR0 = FLANK_NT + 3
PIECE_NT, SIEVE_BITS = 4_000_000, 26
Int64 = npt.NDArray[np.int64]


def codes_of(letters: Letters) -> npt.NDArray[np.uint8]:
    """ACGT as 0 to 3, anything else 4."""
    table = np.full(256, 4, dtype=np.uint8)
    table[list(b"ACGT")] = np.arange(4)
    return np.asarray(table[letters])


def ends_of(windows: WindowSet) -> Int64:
    """Bounds of the windows laid end to end."""
    n, width = windows.letters.shape
    return np.arange(n + 1, dtype=np.int64) * width


def on_genome(windows: WindowSet, genome: Genome) -> npt.NDArray[np.bool_]:
    """Windows that share an exact 51-mer with either strand of a genome, bool [n]."""
    number, row = words(codes_of(windows.letters.ravel()), ends_of(windows), EXACT_NT)
    known, place = np.unique(number, return_inverse=True)
    met, seen = np.zeros(len(known), dtype=bool), np.zeros(1 << SIEVE_BITS, dtype=bool)
    seen[known >> np.uint64(64 - SIEVE_BITS)] = True  # numbers of long words are hashes: their upper bits sieve
    for name, length in genome.lengths.items():
        for strand in "+-":
            contig = genome.fetch(name, 0, length, "+")
            contig = reverse_complement(contig) if strand == "-" else contig
            for begin in range(0, length, PIECE_NT):
                piece = codes_of(np.asarray(contig[begin : begin + PIECE_NT + EXACT_NT - 1]))
                found, _ = words(piece, np.array([0, len(piece)]), EXACT_NT)
                found = found[seen[found >> np.uint64(64 - SIEVE_BITS)]]
                at = np.minimum(np.searchsorted(known, found), len(known) - 1)
                met[at[known[at] == found]] = True
    held = np.zeros(len(windows), dtype=bool)
    held[row[met[place]]] = True
    return held


def human_windows(data: Path) -> tuple[WindowSet, dict[str, int]]:
    """All windows of both sets that may be trained on, and an account of those left out."""
    both = joined(read_set("omni_human", data), read_set("hybpas_train", data).cut(FLANK_NT, FLANK_NT))
    apart = distinct(both)
    held = on_genome(apart, Genome.open(data / CHR22))
    kept = apart.take(np.flatnonzero(~held))
    account = {"given": len(both), "repeated_or_in_both_classes": len(both) - len(apart)}
    return kept, {**account, "on_chr22": int(held.sum()), "kept": len(kept), "positives": int(kept.is_site.sum())}


def write_store(out: Path, windows: WindowSet, account: dict[str, int], families: Int64 | None = None) -> None:
    """Windows as a store with one label each; with families, the table of folds beside it."""
    tokenizer = make_tokenizer("nucleotide")
    window = {"window_nt": WINDOW_NT, "anchor": "hexamer", "anchor_offset0": ANCHOR0, "padding": "N"}
    source = {"data": f"default model of poly(A) sites, {out.name}", "options": window, "account": account}
    with StoreWriter(out, tokenizer, {TASK: LabelSpec("sequence", 1, (TASK,))}, source) as writer:
        names = [f"{name}_{row}" for row, name in enumerate(windows.source)]
        labels = {TASK: windows.is_site.astype(np.float32)}
        writer.add_batch(tokenizer.encode(windows.letters.ravel()), ends_of(windows), names, None, labels)
    (out.with_suffix(".fa")).write_text(
        "".join(f">{n}\n{row.tobytes().decode()}\n" for n, row in zip(names, windows.letters, strict=True)), "ascii"
    )
    if families is not None:
        fold = assign_folds(families, np.ones(len(families), dtype=np.int64), N_FOLDS, SEED)
        table = TokenStore.open(out).names(("name", "chrom"))
        write_folds(out.with_suffix(".folds.tsv"), table, Folds(fold, families))
    print(f"{out}: {json.dumps(account)}")


def stored_windows(directory: Path) -> WindowSet:
    """The windows of a store that `write_store` wrote."""
    store = TokenStore.open(directory)
    letters = store.tokenizer.middle_letters()[np.asarray(store.tokens)].reshape(len(store), WINDOW_NT)
    return WindowSet(letters, np.asarray(store.label(TASK)) == 1, FLANK_NT, np.full(len(store), directory.name))


def main() -> None:
    """Write a store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("stores", "mouse"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.what == "stores":
        human, account = human_windows(arguments.data)
        write_store(arguments.out / "human", human, account, human.clusters())
        return
    windows = stored_windows(arguments.out / "human")
    mouse = read_set("bl_mouse", arguments.data)
    apart = distinct(mouse)
    shared = shares_word(apart.letters.ravel(), ends_of(apart), windows.letters.ravel(), ends_of(windows))
    kept = apart.take(np.setdiff1d(np.arange(len(apart)), shared))
    left = {"given": len(mouse), "repeated_or_in_both_classes": len(mouse) - len(apart), "shared": len(shared)}
    write_store(arguments.out / "mouse", kept, {**left, "kept": len(kept), "positives": int(kept.is_site.sum())})


if __name__ == "__main__":
    main()
