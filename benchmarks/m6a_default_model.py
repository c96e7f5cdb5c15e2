"""What the default model of m6A sites is made from, and how it is scored; `assets/models/m6a-sites-small/recipe.sh`
runs it from data to model card.

    python benchmarks/m6a_default_model.py stores --data ../shared/data --out DIR
    python benchmarks/m6a_default_model.py network --store DIR/taught --out DIR/initial
    python benchmarks/m6a_default_model.py test-list --data ../shared/data --out DIR

`stores` writes a token store with folds (fold 0 = dev): `taught` holds the answers of the teacher for every DRACH
adenosine (m6a_default_teacher.py); `whole`, uncut, is what regressions are fitted on. Dev are the sites of GSE63753,
lifted to hg19, on chr22:28–38 Mb. `test-list` applies the fixed rule of the test; nothing is chosen on it.
m6a_default_score.py scores the model.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import dump  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from m6a_default_features import ROWS_AT_A_TIME, features_of  # noqa: E402
from m6a_default_lift import GSE63753  # noqa: E402
from m6a_default_sequences import (  # noqa: E402
    CHR22_FROM0,
    HALF_NT,
    NEAR_NT,
    TARGET_BIT,
    TEST_REGIONS,
    Stretch,
    candidates0,
    read_bed_sites,
    read_reference,
    reverse_complement,
)
from m6a_default_stretches import load_stretches  # noqa: E402
from m6a_default_teacher import MAX_N_SHARE, Adenosines, block_of, cross_fitted  # noqa: E402
from ribolm.evaluation.stored_letters import StoredLetters  # noqa: E402
from ribolm.models.configuration import EncoderConfig  # noqa: E402
from ribolm.models.network import MASKED_LM, new_network  # noqa: E402
from ribolm.models.weights import save_model  # noqa: E402
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore  # noqa: E402
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer  # noqa: E402

DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data"))
TASK = "m6a"
WINDOW_NT, OVERLAP_NT = 510, 128
ROW_NT, ROW_OVERLAP_NT = 480, 180
DEV_TO0 = 38_000_000
TEST_INSIDE_NT = 700
LABEL_SHARE = 0.2  # of the target of a candidate near a site of GSE63753; the rest is the teacher's
OTHER_TABLES_TARGET = 0.3  # a site outside DRACH
SHARE_A, SHARE_OTHER = 0.1, 0.03  # of the adenosines outside DRACH, and of all bases, that are labelled 0
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def is_dev(stretch: Stretch) -> bool:
    """Whether a stretch begins in the dev block."""
    return stretch.chrom == "chr22" and CHR22_FROM0 <= stretch.start0 < DEV_TO0


def near(marked: Bool) -> Bool:
    """Places within `NEAR_NT` of a marked one."""
    edges = np.zeros(len(marked) + 1, dtype=np.int64)
    for place in np.flatnonzero(marked).tolist():
        edges[max(0, place - NEAR_NT)] += 1
        edges[min(len(marked), place + NEAR_NT + 1)] -= 1
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def is_target(stretch: Stretch) -> Bool:
    """Sites of GSE63753."""
    return np.asarray(stretch.support >> TARGET_BIT > 0)


def labels_taught(stretch: Stretch, taught: Float32, rng: np.random.Generator) -> Float32:
    """The teacher's probability for DRACH adenosines, with a share of the label near a site of GSE63753.

    `taught`: [n], NaN elsewhere. Other bases: a sample is labelled 0, sites outside DRACH as certain as tables agree.
    """
    letters = np.frombuffer(stretch.letters, np.uint8)
    found, chance = np.full(len(letters), np.nan, dtype=np.float32), rng.random(len(letters))
    found[(chance < SHARE_OTHER) & (letters != ord("N"))] = 0
    found[(chance < SHARE_A) & (letters == ord("A"))] = 0
    is_drach = np.isfinite(taught)
    found[is_drach] = taught[is_drach]
    found[(stretch.support > 0) & ~is_drach] = OTHER_TABLES_TARGET
    asked = is_drach & near(is_target(stretch)) & stretch.complete
    found[asked] = LABEL_SHARE * is_target(stretch)[asked] + (1 - LABEL_SHARE) * taught[asked]
    return found


def labels_dev(stretch: Stretch) -> Float32:
    """Every base asked, so that dev is judged as it is: 1 site of GSE63753, 0 any other base."""
    found = is_target(stretch).astype(np.float32)
    found[np.frombuffer(stretch.letters, np.uint8) == ord("N")] = np.nan
    return found


def rows(n: int) -> Iterator[tuple[int, int]]:
    """Pieces of at most `ROW_NT` of a stretch of n bases."""
    step = ROW_NT - ROW_OVERLAP_NT
    for low in range(0, max(1, n - ROW_OVERLAP_NT), step):
        yield low, min(n, low + ROW_NT)


def dev_rows(stretch: Stretch) -> Iterator[tuple[int, int]]:
    """Pieces around sites of GSE63753, with what is within reach of one."""
    inside = np.diff(np.r_[0, near(is_target(stretch)).astype(np.int8), 0])
    yield from zip(np.flatnonzero(inside > 0).tolist(), np.flatnonzero(inside < 0).tolist(), strict=True)


def write_store(out: Path, stretches: list[Stretch], labels: list[Float32], tokenizer: Tokenizer) -> None:
    """Stretches in rows, with the folds beside them; rows without a label above 0 are left out."""
    tiling = {"window_nt": WINDOW_NT, "overlap_nt": OVERLAP_NT}
    source = {"data": f"default model of m6A sites, {out.name}", "options": tiling}
    folds, units = [], []
    with StoreWriter(out, tokenizer, {TASK: LabelSpec("token")}, source) as writer:
        for unit, (stretch, label) in enumerate(zip(stretches, labels, strict=True)):
            tokens = tokenizer.encode(np.frombuffer(stretch.letters, np.uint8))
            for low, high in dev_rows(stretch) if is_dev(stretch) else rows(len(label)):
                if np.nansum(label[low:high]) > 0:
                    name = f"{stretch.chrom}:{stretch.start0}:{stretch.strand}:{low}"
                    writer.add(tokens[low:high], name, None, {TASK: label[low:high]})
                    folds.append(0 if is_dev(stretch) else 1)
                    units.append(unit)
    lines = [f"{row}\t{unit}\t{fold}\n" for row, (unit, fold) in enumerate(zip(units, folds, strict=True))]
    out.with_suffix(".folds.tsv").write_text("row\tcluster\tfold\n" + "".join(lines), "utf-8")
    print(f"{out}: {len(folds):,} rows, {folds.count(0):,} of them dev")


def write_whole(out: Path, stretches: list[Stretch], tokenizer: Tokenizer) -> Adenosines:
    """A store of uncut stretches, from which features are read, and its candidates (saved beside it)."""
    with StoreWriter(out, tokenizer) as writer:
        for number, stretch in enumerate(stretches):
            writer.add(tokenizer.encode(np.frombuffer(stretch.letters, np.uint8)), str(number))
    names = [field.name for field in fields(Adenosines) if field.name != "known"]
    columns: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in names}
    before = 0
    for number, stretch in enumerate(stretches):
        at, n = candidates0(stretch.letters), len(stretch.letters)
        of_stretch = {
            "flat": before + at,
            "row": np.full(len(at), number),
            "support": stretch.support[at].astype(np.int64),
            "near_site": near(stretch.support > 0)[at],
            "near_target": near(is_target(stretch))[at],
            "complete": np.full(len(at), stretch.complete),
            "dev": np.full(len(at), is_dev(stretch)),
            "block": np.full(len(at), block_of(stretch)),
            "chr22": np.full(len(at), stretch.chrom == "chr22"),
        }
        for name, values in of_stretch.items():
            columns[name].append(values)
        before += n
    found = {name: np.concatenate(parts) for name, parts in columns.items()}
    found["known"] = known_around(TokenStore.open(out), found["flat"].astype(np.int64))
    np.savez(out.with_suffix(".npz"), **found)  # type: ignore[arg-type]
    return Adenosines(**found)


def known_around(store: TokenStore, flat: npt.NDArray[np.int64]) -> Bool:
    """Whether at most `MAX_N_SHARE` of the window around each place is N."""
    stored = StoredLetters.of(store)
    parts = [(stored.windows(flat[at : at + ROWS_AT_A_TIME], HALF_NT) == ord("N")).mean(axis=1) <= MAX_N_SHARE
             for at in range(0, len(flat), ROWS_AT_A_TIME)]  # fmt: skip
    return np.concatenate(parts)


def make_stores(arguments: argparse.Namespace) -> None:
    """Sub-command `stores`."""
    stretches, tokenizer = load_stretches(arguments.data), make_tokenizer("kmer", k=5)
    arguments.out.mkdir(parents=True, exist_ok=True)
    adenosines = write_whole(arguments.out / "whole", stretches, tokenizer)
    x = features_of(TokenStore.open(arguments.out / "whole"), adenosines.flat)
    logit, both = cross_fitted(x, adenosines, arguments.seed)
    dump(both, arguments.out / "both.joblib")
    taught = np.full(sum(len(s.letters) for s in stretches), np.nan, dtype=np.float32)
    taught[adenosines.flat] = 1 / (1 + np.exp(-logit))
    per_stretch = np.split(taught, np.cumsum([len(s.letters) for s in stretches])[:-1])
    rng = np.random.Generator(np.random.Philox(arguments.seed))
    labels = [labels_dev(s) if is_dev(s) else labels_taught(s, t, rng)
              for s, t in zip(stretches, per_stretch, strict=True)]  # fmt: skip
    write_store(arguments.out / "taught", stretches, labels, tokenizer)


def make_network(arguments: argparse.Namespace) -> None:
    """Sub-command `network`: random weights of the shape of the default model."""
    tokenizer = TokenStore.open(arguments.store).tokenizer
    config = EncoderConfig(
        tokenizer.vocab_size,
        pad_token_id=tokenizer.pad_id,
        mask_token_id=tokenizer.mask_id,
        bos_token_id=tokenizer.cls_id,
        eos_token_id=tokenizer.eos_id,
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=512,
        hidden_dropout_prob=0.05,
    )
    network = new_network(config, MASKED_LM, arguments.seed)
    save_model(arguments.out, network, tokenizer, manifest={"parent": None, "seeds": {"init": arguments.seed}})
    print(f"{arguments.out}: {network.n_parameters():,} random weights")


def test_candidates(data: Path) -> list[tuple[str, int, str, bool, bytes]]:
    """(chrom, start0, strand, is a site, window) by the fixed rule, hg38.

    Sites of both GSE63753 files with an A ≥ 700 nt inside a region; candidates: DRACH adenosines within 150 nt of one
    on its strand, windows of ± 250 nt with ≤ 60 % N.
    """
    found = {}
    for chrom, (low0, high0) in TEST_REGIONS.items():
        genome = bytes(read_reference(data, chrom)[: high0 + 1_000])
        sites = {site[1:] for file in GSE63753.values()
                 for site in read_bed_sites(data / "m6a/sites" / f"GSE63753_hek293.{file}.hg38.bed.gz")
                 if site[0] == chrom and low0 + TEST_INSIDE_NT <= site[1] < high0 - TEST_INSIDE_NT}  # fmt: skip
        sites = {(p, s) for p, s in sites if genome[p : p + 1] == (b"A" if s == "+" else b"T")}
        for place, strand in sites:
            low = place - NEAR_NT - 2
            around = genome[low : place + NEAR_NT + 3]
            around = around if strand == "+" else reverse_complement(around)
            for at in candidates0(around).tolist():
                start0 = low + at if strand == "+" else low + len(around) - 1 - at
                window = genome[start0 - HALF_NT : start0 + HALF_NT + 1]
                if window.count(b"N") <= MAX_N_SHARE * len(window):
                    window = window if strand == "+" else reverse_complement(window)
                    found[chrom, start0, strand] = ((start0, strand) in sites, window)
    return [(*key, *value) for key, value in sorted(found.items())]


def make_test_list(arguments: argparse.Namespace) -> None:
    """Sub-command `test-list`: test.fa with a window per candidate, test.tsv with the truth."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    listed = test_candidates(arguments.data)
    with (arguments.out / "test.fa").open("w") as fasta, (arguments.out / "test.tsv").open("w") as table:
        print("name", "chrom", "start0", "strand", "is_site", sep="\t", file=table)
        for chrom, start0, strand, is_site, window in listed:
            name = f"{chrom}_{start0}_{'plus' if strand == '+' else 'minus'}"
            print(f">{name}\n{window.decode()}", file=fasta)
            print(name, chrom, start0, strand, int(is_site), sep="\t", file=table)
    n_sites = sum(is_site for *_, is_site, _ in listed)
    print(f"{len(listed):,} candidates, {n_sites:,} of them sites")


def main() -> None:
    """Read the command line and run a sub-command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("stores", make_stores), ("network", make_network), ("test-list", make_test_list)):
        command = commands.add_parser(name)
        command.set_defaults(run=function)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--data", type=Path, default=DATA)
        command.add_argument("--store", type=Path)
        command.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
