"""Backbones that know poly(A) signals before they see sites: for --token_causal and --token_bidirectional.

    python benchmarks/polya_token_backbones.py --data ../shared/data/polya --out DIR [--only causal|bidirectional]

Reads the windows of the default model (written first where DIR/human is missing), none of which shares a 51-mer with
chr22. Where the cleavage happened is not known in them, so one base stands for it: the A nearest to 20 nt behind the
first base of the hexamer, 10 to 35 nt behind it. In windows without a site every base is 0; in those with one all other
bases are unknown, and so is all of a window with a site but no such A. Both backbones then learn the same rows. What
they are worth on chr22: results/polya-tokens-chr22.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from commands import command  # noqa: E402
from polya_default_model import DATA, TASK, WINDOW_NT, stored_windows  # noqa: E402
from polya_sets import WindowSet  # noqa: E402
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore  # noqa: E402
from ribolm.sequences.tokenizers import make_tokenizer  # noqa: E402

NEAREST_NT, USUAL_NT, FARTHEST_NT = 10, 20, 35  # of the A behind the first base of the hexamer
SHARED = (
    "--task", TASK, "--level", "token", "--crop-tokens", 160, "--positive-weight", 30, "--learning-rate", "2e-3",
    "--epochs", 1, "--tokens-per-step", 4096, "--floor", "0.02", "--evaluate-every-steps", 873, "--seed", 1,
    "--device", "cpu", "--precision", "fp32",
)  # fmt: skip
BACKBONES: dict[str, tuple[str, tuple[object, ...]]] = {
    "causal": ("hyena", ("--preset", "hyenadna-tiny-1k", "--delay-nt", 50, "--both-strands")),
    "bidirectional": ("nucleotide", ("--preset", "mini")),
}


def labels_of(windows: WindowSet) -> npt.NDArray[np.float32]:
    """Labels float32 [n, width]: 0 without a site, 1 at the base that stands for it, NaN where nothing is known."""
    labels = np.where(windows.is_site[:, None], np.float32(np.nan), np.float32(0)).repeat(WINDOW_NT, axis=1)
    behind = np.arange(NEAREST_NT, FARTHEST_NT + 1)
    from_usual = np.where(windows.letters[:, windows.hexamer0 + behind] == ord("A"), np.abs(behind - USUAL_NT), 99)
    rows = np.flatnonzero(windows.is_site & (from_usual.min(axis=1) < 99))
    labels[rows, windows.hexamer0 + behind[from_usual[rows].argmin(axis=1)]] = 1
    return labels


def write_store(out: Path, windows: WindowSet, folds: Path, kind: str) -> None:
    """The windows with one label per base, and the table of folds of the store that they come from."""
    tokenizer, n = make_tokenizer(kind), len(windows)
    source = {"data": "windows of the default model of poly(A) sites, base by base"}
    options = {"options": {"window_nt": WINDOW_NT, "overlap_nt": 0, "complete_labels": True}}
    with StoreWriter(out, tokenizer, {TASK: LabelSpec("token", 1, (TASK,))}, source | options) as writer:
        names = [f"{name}_{row}" for row, name in enumerate(windows.source)]
        ends = np.arange(n + 1, dtype=np.int64) * WINDOW_NT
        writer.add_batch(
            tokenizer.encode(windows.letters.ravel()), ends, names, None, {TASK: labels_of(windows).ravel()}
        )
    out.with_suffix(".folds.tsv").write_bytes(folds.read_bytes())
    sites = int(np.nansum(TokenStore.open(out).label(TASK)))
    print(f"{out}: {n:,} windows, {sites:,} of {int(windows.is_site.sum()):,} sites stand at an A", file=sys.stderr)


def main() -> None:
    """Write the stores and train what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=tuple(BACKBONES))
    arguments = parser.parse_args()
    out: Path = arguments.out
    if not (out / "human.folds.tsv").exists():
        script = Path(__file__).with_name("polya_default_model.py")
        subprocess.run([sys.executable, script, "stores", "--data", arguments.data, "--out", out], check=True)
    for name in [arguments.only] if arguments.only else BACKBONES:
        kind, words = BACKBONES[name]
        store = out / f"bases_{kind}"
        if not store.exists():
            write_store(store, stored_windows(out / "human"), out / "human.folds.tsv", kind)
        folds = store.with_suffix(".folds.tsv")
        places = ("--store", store, "--folds", folds, "--out", out / name, "--checkpoint-dir", out / f"steps_{name}")
        command("train", "finetune", *places, *SHARED, *words)


if __name__ == "__main__":
    main()
