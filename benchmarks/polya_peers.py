"""What others reach on the published sets of poly(A) signals: the 4-mer regression and APARENT2, ROC-AUC.

    python benchmarks/polya_peers.py --data ../shared/data/polya [--windows N] [--out TABLE.md]

Raw lists, each window once per class, and without windows that occur in both classes. The regression is the mean of
three random folds (StratifiedKFold(3, shuffle, random_state 0)), which keeps no families together; `to mouse` is
trained on omni_human. `--windows`: APARENT2 on so many drawn windows only (a pass over a set takes two minutes).
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from polya_aparent2 import Aparent2
from polya_sets import DATA, WindowSet, distinct, read_set, without_both_classes

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from ribolm.evaluation.metrics import roc_auc  # noqa: E402
from ribolm.evaluation.sequence_level.binned_kmers import fit  # noqa: E402

FORMS = {
    "as published": lambda windows: windows,
    "each once per class": lambda windows: distinct(windows, across=False),
    "each once, in one class": distinct,
    "repeats kept, in one class": without_both_classes,
}


def three_folds(windows: WindowSet) -> float:
    """Mean ROC-AUC of the regression over three random folds."""
    from sklearn.model_selection import StratifiedKFold

    found = []
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    for train, test in folds.split(windows.is_site, windows.is_site):
        model = fit(windows.letters[train], windows.is_site[train])
        found.append(roc_auc(windows.is_site[test], model.logits(windows.letters[test])))
    return float(np.mean(found))


def aparent2(model: Aparent2, windows: WindowSet, n: int | None) -> float:
    """ROC-AUC of the peer, on all windows or on n drawn ones."""
    if n is not None and n < len(windows):
        rng = np.random.Generator(np.random.Philox(0))
        windows = windows.take(np.sort(rng.choice(len(windows), n, replace=False)))
    return roc_auc(windows.is_site, model.scores(windows.letters, windows.hexamer0))


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--windows", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    model = Aparent2(arguments.data / "peers" / "aparent2_nodrop.h5")
    human = read_set("omni_human", arguments.data)
    lines = ["| set | windows | 4-mer regression | trained on omni_human | APARENT2 |", "|---|---|---|---|---|"]
    for name in ("omni_human", "bl_mouse"):
        whole = read_set(name, arguments.data)
        for form, choose in FORMS.items():
            windows, own = choose(whole), distinct(human)
            across = "" if name == "omni_human" else f"{_transferred(own, windows):.3f}"
            peer = f"{aparent2(model, windows, arguments.windows):.3f}"
            lines.append(f"| {name}, {form} | {len(windows):,} | {three_folds(windows):.3f} | {across} | {peer} |")
            print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join([*lines, ""]), "utf-8")


def _transferred(train: WindowSet, test: WindowSet) -> float:
    return roc_auc(test.is_site, fit(train.letters, train.is_site).logits(test.letters))


if __name__ == "__main__":
    main()
