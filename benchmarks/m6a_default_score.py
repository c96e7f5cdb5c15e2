"""Scores the default model of m6A sites on the fixed test list and on dev, beside what else could answer.

    python benchmarks/m6a_default_score.py --work DIR --model assets/models/m6a-sites-small

`--work` is the folder that benchmarks/m6a_default_model.py wrote its stores and its test list to. The model answers
through `ribolm-predict sites --sequences`. The regressions are fitted on the training adenosines of the model; which of
the two stands for "our own logistic regression" is decided on dev. Writes benchmarks/results/m6a-sites-small.md.
"""

import argparse
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from m6a_default_sequences import CODE, HALF_NT, candidates0, reverse_complement  # noqa: E402
from m6a_default_teacher import (  # noqa: E402
    REGRESSIONS,
    Adenosines,
    features_of,
    fit_both,
    fit_local,
    logits_of,
    stacked,
)
from ribolm.evaluation.bootstrap import Draws, Interval, bootstrap  # noqa: E402
from ribolm.evaluation.metrics import RankedCounts, average_precision, rank  # noqa: E402
from ribolm.evaluation.motif_rule import motif_scores  # noqa: E402
from ribolm.evaluation.sequence_features import features  # noqa: E402
from ribolm.evaluation.stored_letters import StoredLetters  # noqa: E402
from ribolm.sequences.kmer_hashes import words  # noqa: E402
from ribolm.sequences.store import StoreWriter, TokenStore  # noqa: E402
from ribolm.sequences.tokenizers import make_tokenizer  # noqa: E402
from ribolm.sequences.universes import contexts_array  # noqa: E402

DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data"))
RESULT = Path(__file__).parent / "results" / "m6a-sites-small.md"
MODEL, MOTIF = "m6a-sites-small", "motif rule"
LOGISTIC = tuple(f"logistic regression, {name}" for name in REGRESSIONS)
EVALUATORS = "`ribolm-evaluate`'s k-mer logistic regression, "
OWN = tuple(EVALUATORS + name for name in REGRESSIONS)
WITH_NEIGHBOURS = "the three regressions with the strength of neighbours (the teacher)"
METRICS = {"average_precision": RankedCounts.average_precision, "roc_auc": RankedCounts.roc_auc}
DRAWS = 2_000
BLOCK_NT = 20_000  # candidates on no gene of the GTF that lie so close count as one gene
AUDIT_NT = 51
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Listed:
    """Candidates with their windows (the candidate in the centre), truth and gene number."""

    windows: list[bytes]
    is_site: npt.NDArray[np.bool_]
    gene: Int64


def read_test(work: Path, data: Path) -> Listed:
    """The test list and the genes of ref/'s GTFs."""
    rows = [row.split("\t") for row in (work / "test.tsv").read_text("utf-8").splitlines()[1:]]
    windows = [line.encode() for line in (work / "test.fa").read_text("utf-8").splitlines() if line[0] != ">"]
    genes = read_genes(data)
    names = [gene_of(genes, chrom, int(start0), strand) for _, chrom, start0, strand, _ in rows]
    return Listed(windows, np.array([row[4] == "1" for row in rows]), np.unique(names, return_inverse=True)[1])


def read_genes(data: Path) -> list[tuple[str, str, int, int, str]]:
    """(chrom, strand, start0, end0, gene id) of the genes of both regions."""
    spans: dict[tuple[str, str, str], tuple[int, int]] = {}
    for name in ("hg38_chr1_100-125M.gtf.gz", "hg38_chr22_10.5-26M.gtf.gz"):
        with gzip.open(data / "m6a/ref" / name, "rt") as file:
            for field in (line.split("\t") for line in file if not line.startswith("#")):
                found = re.search(r'gene_id "([^"]+)"', field[8])
                key = (field[0], field[6], found.group(1) if found else "")
                low, high = spans.get(key, (1 << 60, 0))
                spans[key] = (min(low, int(field[3]) - 1), max(high, int(field[4])))
    return sorted((*key[:2], *span, key[2]) for key, span in spans.items())


def gene_of(genes: Sequence[tuple[str, str, int, int, str]], chrom: str, start0: int, strand: str) -> str:
    """The first gene that spans a place on its strand, else a block of the chromosome."""
    for at in genes:
        if at[0] == chrom and at[1] == strand and at[2] <= start0 < at[3]:
            return at[4]
    return f"{chrom}{strand}{start0 // BLOCK_NT}"


def read_dev(store: TokenStore, a: Adenosines) -> Listed:
    """Dev by the rule of the test: DRACH within 150 nt of a site of HEK293 miCLIP; a stretch stands for a gene."""
    use = a.dev & a.near_hek
    windows = StoredLetters.of(store).windows(a.flat[use], HALF_NT)
    keep = (windows == ord("N")).mean(axis=1) <= 0.6
    gene = np.unique(a.row[use][keep], return_inverse=True)[1]
    return Listed([bytes(w) for w in windows[keep]], a.in_hek[use][keep], gene)


def model_scores(model: Path, listed: Listed, folder: Path) -> Float64:
    """Logit of every centre by `ribolm-predict sites --sequences`."""
    fasta, bed = folder / "windows.fa", folder / "windows.bed"
    fasta.write_text("".join(f">{i}\n{w.decode()}\n" for i, w in enumerate(listed.windows)), "ascii")
    command = [str(REPOSITORY / "bin/ribolm-predict"), "sites", "--model", str(model), "--sequences", str(fasta)]
    command += ["--out", str(bed)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = np.full(len(listed.windows), np.nan)
    for row in bed.read_text("utf-8").splitlines():
        field = row.split("\t")
        if not row.startswith("#") and int(field[1]) == HALF_NT:
            found[int(field[0])] = float(field[7])
    if np.isnan(found).any():
        raise SystemExit(f"{int(np.isnan(found).sum())} candidates have no score")
    return found


class Regressions:
    """The regressions, fitted on all training adenosines."""

    def __init__(self, store: TokenStore, a: Adenosines) -> None:
        x = features_of(store, a.flat)
        self.local = fit_local(x, a, np.ones(len(a.flat), dtype=bool))
        self.own = fit_local(features(StoredLetters.of(store), a.flat), a, np.ones(len(a.flat), dtype=bool))
        unseen = np.zeros((len(a.flat), len(REGRESSIONS)))
        for half in (0, 1):
            part = a.row % 2 == half
            unseen[part] = logits_of(fit_local(x, a, ~part), x[part])
        self.both = fit_both(unseen, a)

    def scores(self, listed: Listed, folder: Path) -> dict[str, Float64]:
        """Logits of the centres by each regression; neighbours are those inside the window."""
        with StoreWriter(folder / "windows", make_tokenizer("nucleotide")) as writer:
            for number, window in enumerate(listed.windows):
                writer.add(writer.tokenizer.encode(np.frombuffer(window, np.uint8)), str(number))
        store = TokenStore.open(folder / "windows")
        places = [candidates0(window) for window in listed.windows]
        row = np.repeat(np.arange(len(places)), [len(p) for p in places])
        flat = store.offsets[row] + np.concatenate(places)
        centre = np.concatenate(places) == HALF_NT
        local = logits_of(self.local, features_of(store, flat))
        both = logits_of((self.both,), stacked(local, flat, row))[:, 0]
        own = logits_of(self.own, features(StoredLetters.of(store), flat[centre]))
        named = dict(zip(LOGISTIC + OWN, np.hstack([local[centre], own]).T, strict=True))
        return {WITH_NEIGHBOURS: both[centre], **named}


def measure(listed: Listed, scores: dict[str, Float64]) -> Draws:
    """Average precision and ROC-AUC with draws over genes."""
    rankings = {name: [rank(listed.is_site, values, listed.gene)] for name, values in scores.items()}
    return bootstrap(rankings, int(listed.gene.max()) + 1, METRICS, DRAWS)


def shared_words(store: TokenStore, windows: Sequence[bytes]) -> int:
    """51-mers that training stretches share with test windows, on either strand."""
    letters = StoredLetters.of(store).table[store.tokens]
    codes = CODE[letters]
    train = np.unique(words(codes, store.offsets, AUDIT_NT)[0])
    both = [w for window in windows for w in (window, reverse_complement(window))]
    test = CODE[np.frombuffer(b"".join(both), np.uint8)]
    offsets = np.r_[0, np.cumsum([len(w) for w in both])].astype(np.int64)
    return int(np.isin(np.unique(words(test, offsets, AUDIT_NT)[0]), train).sum())


def shown(found: Interval) -> str:
    """value (low to high)."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def table(title: str, listed: Listed, draws: Draws, baseline: str, extra: Sequence[str] = ()) -> list[str]:
    """A list's section: one row per method, then the paired differences to the model."""
    n, n_sites, share = len(listed.windows), int(listed.is_site.sum()), listed.is_site.mean()
    lines = [f"## {title}", "", f"n = {n:,} candidates, {n_sites} of them sites: prevalence {share:.3f}. "
             f"{int(listed.gene.max()) + 1} genes; intervals are 95 %, {DRAWS:,} draws of genes.", "",
             "| method | average precision | ROC-AUC |", "|---|---|---|"]  # fmt: skip
    for name in draws.values:
        lines.append(f"| {name} | " + " | ".join(shown(draws.interval(name, metric)) for metric in METRICS) + " |")
    lines += [*extra, "", f"Paired differences of {MODEL} (average precision; ROC-AUC):", ""]
    for name in draws.values:
        if name != MODEL:
            both = "; ".join(shown(draws.difference(MODEL, name, metric)) for metric in METRICS)
            lines.append(f"- to {name}{' (the baseline, chosen on dev)' if name == baseline else ''}: {both}")
    return [*lines, ""]


PEER = "| deepSRAMP `seqonly_400_mature` (measured elsewhere, 191 sites and 900 others) | 0.364 | 0.782 |"
HEAD = """# m6a-sites-small on its test list

Written by `benchmarks/m6a_default_score.py`. Test: sites of both GSE63753 files (HEK293 miCLIP, hg38) in the regions of
`ref/`, candidates are the DRACH adenosines within 150 nt of one; the rule is fixed, nothing was chosen on it. Dev: the
same rule on hg19 chr22:28–38 Mb, the block on which the model is watched and calibrated. The regressions are fitted on
the training adenosines of the model, on its teacher's features and on those of `ribolm-evaluate`. Their version with
neighbours, which knows how strong the other candidates within 150 nt are, shows what that is worth where every
candidate lies near a site. Dev is easier in this: its table (HEK293 miCLIP, hg19) holds sites in DRACH only, while a
quarter of the test's sites lie outside DRACH, so that some of its candidates have no methylated neighbour in the list.
"""


def main() -> None:
    """Score and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--dev-only", action="store_true", help="Leave the test list alone.")
    arguments = parser.parse_args()
    work = arguments.work
    with np.load(work / "whole.npz") as saved:
        a = Adenosines(**saved)
    store = TokenStore.open(work / "whole")
    regressions = Regressions(store, a)
    lists = {"Dev": read_dev(store, a)}
    if not arguments.dev_only:
        lists["Test"] = read_test(work, arguments.data)
        print(f"51-mers shared by training stretches and test windows: {shared_words(store, lists['Test'].windows)}")
    lines, baseline = [HEAD], ""
    for title, listed in lists.items():
        folder = work / f"scored.{title}"
        folder.mkdir(exist_ok=True)
        contexts = contexts_array(np.array([w[HALF_NT - 2 : HALF_NT + 3] for w in listed.windows], dtype="S5"))
        scores = {MODEL: model_scores(arguments.model, listed, folder), **regressions.scores(listed, folder),
                  MOTIF: motif_scores(contexts)}  # fmt: skip
        baseline = baseline or max(LOGISTIC + OWN, key=lambda name: average_precision(listed.is_site, scores[name]))
        lines += table(title, listed, measure(listed, scores), baseline, [PEER] if title == "Test" else [])
    if arguments.dev_only:
        print("\n".join(lines))
    else:
        arguments.out.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
        print(arguments.out)


if __name__ == "__main__":
    main()
