"""Cross-validation of the teacher and of our own regressions over four parts of hg19, by the rule of the test.

    python benchmarks/m6a_default_blocks.py --work DIR

`--work` is the folder that `m6a_default_model.py stores` wrote. Parts: four blocks of chr22, each with a quarter of the
other chromosomes; every method is fitted on three parts and asked on the fourth. What the baseline of the test is was
decided here, and so was the teacher. Writes benchmarks/results/m6a-sites-small-blocks.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from joblib import load  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

from m6a_default_features import N_SIMPLE, features_of
from m6a_default_score import EVALUATORS, PLAIN, TEACHER, WIDE, Listed, measure, read_adenosines, shown
from m6a_default_teacher import (
    CHR22_BLOCKS_TO0,
    REGRESSIONS,
    Adenosines,
    Bool,
    Float64,
    Regression,
    Teacher,
    fit_regressions,
)
from ribolm.evaluation.sequence_features import features
from ribolm.evaluation.stored_letters import StoredLetters
from ribolm.sequences.store import TokenStore

RESULT = Path(__file__).parent / "results" / "m6a-sites-small-blocks.md"
TREES = "boosted trees alone"
HEAD = """# Cross-validation behind m6a-sites-small

Written by `benchmarks/m6a_default_blocks.py`. Candidates by the rule of the test: DRACH adenosines within 150 nt of a
site of GSE63753 (lifted to hg19) on its strand, windows with at most 60 % N, away from the test regions. Four parts,
each a block of chr22 with a quarter of the other chromosomes; each is asked by methods fitted on the other three.
Average precision and ROC-AUC over all parts; intervals are 95 %, 2,000 draws of stretches.
"""


def by_blocks(store: TokenStore, a: Adenosines, both: Regression) -> dict[str, Float64]:
    """Logits of the candidates of each part by models that saw the other parts only: {method: float64 [n]}."""
    x, own = features_of(store, a.flat), features(StoredLetters.of(store), a.flat)
    found: dict[str, Float64] = {}
    for block in range(len(CHR22_BLOCKS_TO0)):
        inside, asked = a.block != block, a.asked & (a.block == block)
        teacher = Teacher(x, a, inside)
        logits = teacher.logits(x[asked])
        scores = {TEACHER: both.logit(logits), TREES: logits[:, :2].mean(axis=1), WIDE: logits[:, 2]}
        for prefix, seen in ((PLAIN, x[:, :N_SIMPLE]), (EVALUATORS, own)):
            models = fit_regressions(seen, a, inside)
            scores |= {prefix + name: m.logit(seen[asked]) for name, m in zip(REGRESSIONS, models, strict=True)}
        for name, values in scores.items():
            found.setdefault(name, np.full(len(a.flat), np.nan))[asked] = values
        print(f"part {block + 1} of {len(CHR22_BLOCKS_TO0)}", flush=True)
    return found


def section(title: str, a: Adenosines, scores: dict[str, Float64], among: Bool) -> list[str]:
    """One table: the methods, and how far the teacher is above each."""
    gene = np.unique(a.row[among], return_inverse=True)[1]
    listed = Listed([], a.is_target[among], gene)
    draws = measure(listed, {name: values[among] for name, values in scores.items()})
    n, n_sites = int(among.sum()), int(listed.is_site.sum())
    lines = [f"## {title}", "", f"n = {n:,} candidates, {n_sites:,} of them sites.", ""]
    lines += ["| method | average precision | ROC-AUC | teacher minus it (average precision) |", "|---|---|---|---|"]
    for name in scores:
        apart = "" if name == TEACHER else shown(draws.difference(TEACHER, name, "average_precision"))
        both = " | ".join(shown(draws.interval(name, metric)) for metric in ("average_precision", "roc_auc"))
        lines.append(f"| {name} | {both} | {apart} |")
    return [*lines, ""]


def main() -> None:
    """Cross-validate and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    a = read_adenosines(arguments.work)
    scores = by_blocks(TokenStore.open(arguments.work / "whole"), a, load(arguments.work / "both.joblib"))
    lines = [HEAD]
    for title, among in (("All parts", a.asked), ("chr22 alone", a.asked & a.chr22)):
        lines += section(title, a, scores, among)
    arguments.out.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    print(arguments.out)


if __name__ == "__main__":
    main()
