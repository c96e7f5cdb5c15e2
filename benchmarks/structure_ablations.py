"""What the parts of a model of secondary structure are worth, and what is left on families that it has not seen.

    python benchmarks/structure_ablations.py --data ../shared/data --scratch /tmp/structure-ablations \\
        [--parts arms,families] [--processes 2]

Both parts train small and equally: the recipe of the default model on RNAs up to 120 nt for one pass, or what is named
in `FAMILY_BUDGET`. Arms learn from TR0, choose their way of decoding on a twentieth of it, and are scored on VL0 up to
200 nt; neither TS0 nor the default model is touched. Families: RNAs of ArchiveII, at most `PER_FAMILY` of each, dealt
by families to folds; the model of a fold has seen no RNA of its families. Numbers compare arms at this budget; a
larger one may order them otherwise. Every model answers as its recipe says: with the share of ViennaRNA that its dev
chose. Writes benchmarks/results/structure_ablations.md.
"""

import argparse
import datetime
import gzip
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "structure_ablations.md"

from commands import command  # noqa: E402
from ribolm.evaluation.structures.assessment import StructureAssessment, assess_partners  # noqa: E402
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_prediction, read_reference  # noqa: E402
from ribolm.folding.pair_lists import StoredPairs  # noqa: E402
from ribolm.inference.structures.model import load_structure_model  # noqa: E402
from ribolm.inference.structures.prediction import PredictionOptions, predict_folded  # noqa: E402
from ribolm.labels.folds import read_folds  # noqa: E402
from ribolm.labels.structure.dot_bracket import write_dot_bracket  # noqa: E402
from ribolm.labels.structure.pairs import Int64  # noqa: E402
from ribolm.sequences.rna import RnaRecord  # noqa: E402
from ribolm.sequences.store import TokenStore  # noqa: E402
from ribolm.training.machine.precision import Device  # noqa: E402
from structure_default_model import ENERGIES, PRESET, RECIPE  # noqa: E402
from structure_floors import MEAN_OF_SETS, by_energy_sets, by_rnafold, families_table, subset  # noqa: E402

Words = tuple[object, ...]
ONE = "rna_turner2004"
TRAIN_NT, SCORE_NT, PER_FAMILY, FOLDS, SEED = 120, 200, 150, 5, 1
BUDGET: Words = ("--epochs", 1, "--learning-rate", "2e-3", "--evaluate-every-steps", 100_000)
FAMILY_BUDGET: Words = (
    "--epochs", 4, "--learning-rate", "2e-3", "--evaluate-every-steps", 100_000, "--crop-tokens", 160,
)  # fmt: skip
# name: energy sets of its stores, preset, further options of `ribolm-train structure`
ARMS: dict[str, tuple[str, str, Words]] = {
    "recipe": (ENERGIES, PRESET, ()),
    "one energy set": (ONE, PRESET, ()),
    "no probabilities at all": (ENERGIES, PRESET, ("--no-thermodynamics",)),
    "probabilities always shown": (ENERGIES, PRESET, ("--hidden-share", 0)),
    "smaller encoder": (ENERGIES, "tiny", ()),
    "attention maps, too": (ENERGIES, PRESET, ("--attention",)),
    "no layers along the sequence": (ENERGIES, PRESET, ("--side-depth", 0)),
    "half the channels": (ENERGIES, PRESET, ("--width", 16)),
    "no dilation": (ENERGIES, PRESET, ("--dilations", "1,1,1,1,1,1")),
}


def store(path: Path, source: Path, energies: str, *more: object) -> Path:
    """A token store with pair probabilities, written unless it is there."""
    if not (path / "manifest.json").exists():
        command("labels", "structures", "--structures", source, "--out", path, "--energies", energies, *more)
    return path


def train(out: Path, data: Path, preset: str, words: Iterable[object]) -> None:
    """Train a model unless it is there."""
    if not (out / "manifest.json").exists():
        checkpoints = out.with_name(f"{out.name}.steps")
        places = ("--store", data, "--out", out, "--checkpoint-dir", checkpoints, "--preset", preset, "--seed", SEED)
        command("train", "structure", *places, *RECIPE, *words)


def predict(model: Path, data: Path, reference: ReferenceSet, shown: bool) -> list[Int64]:
    """Partners of a reference's RNAs by a model, folded as the store remembers; what lies in --scratch stays."""
    out = model.with_name(f"{model.name}.{'shown' if shown else 'alone'}.dbn")
    if not out.exists():
        loaded, tokens = load_structure_model(model, Device("cpu", "cpu", "fp32")), TokenStore.open(data)
        stored = StoredPairs.open(tokens) if shown and loaded.shape.thermodynamic else None
        row_of = {str(name): row for row, name in enumerate(tokens.names(("name",))["name"])}
        found = []
        for one in reference.structures:
            known = None if stored is None else stored.row(row_of[one.name])
            found.append(predict_folded(loaded, RnaRecord(one.name, one.letters), known, PredictionOptions()).structure)
        write_dot_bracket(out, found)
    return list(read_prediction(out, reference))


def floors(reference: ReferenceSet) -> dict[str, list[Int64]]:
    """Partners by folding alone."""
    rows = [by_rnafold(one.letters) | by_energy_sets(one.letters) for one in reference.structures]
    return {method: [row[method].partner for row in rows] for method in rows[0]}


def table(found: StructureAssessment, first: str) -> str:
    """F1 of every method with its interval, and its difference from one of them on the same draws."""
    lines = [f"| method | F1 | minus {first} |", "|---|--:|--:|"]
    for method in found.methods:
        one, other = found.draws.interval(method, "f1"), found.draws.difference(method, first, "f1")
        minus = "" if method == first else f"{other.value:+.3f} ({other.low:+.3f} to {other.high:+.3f})"
        lines.append(f"| {method} | {one.value:.3f} ({one.low:.3f} to {one.high:.3f}) | {minus} |")
    return "\n".join(lines)


def arms(data: Path, scratch: Path, processes: int, draws: int) -> str:
    """The section of arms: each with and without probabilities, beside the energy sets alone."""
    reference = read_reference(data / "VL0.dbn.gz", None)
    reference = subset(reference, np.flatnonzero(reference.lengths <= SCORE_NT))
    partners: dict[str, list[Int64]] = {}
    for name, (energies, preset, words) in ARMS.items():
        label, slug = energies.count(",") + 1, name.replace(" ", "_").replace(",", "")
        folding = ("--processes", processes)
        rows = store(scratch / f"TR0.{label}", data / "TR0.dbn.gz", energies, "--max-nt", TRAIN_NT, *folding)
        tested = store(scratch / f"VL0.{label}", data / "VL0.dbn.gz", energies, "--max-nt", SCORE_NT, *folding)
        train(scratch / slug, rows, preset, (*BUDGET, "--dev-share", 0.05, *words))
        partners[name] = predict(scratch / slug, tested, reference, True)
        if "--no-thermodynamics" not in words:
            partners[f"{name}; not shown them"] = predict(scratch / slug, tested, reference, False)
    found = assess_partners(reference, partners | floors(reference), draws)
    size = (
        f"{len(reference):,} RNAs of VL0 up to {SCORE_NT} nt; one pass over those of TR0 up to {TRAIN_NT} nt, one seed."
    )
    return "\n\n".join(["## Parts", size, table(found, "recipe")])


def chosen(source: Path, out: Path) -> Path:
    """Up to `PER_FAMILY` RNAs of each family, drawn by chance, as a file of their own."""
    generator, by_family = np.random.default_rng(SEED), dict[str, list[str]]()
    with gzip.open(source, "rt", encoding="ascii") as handle:
        records = handle.read().split(">")[1:]
    for record in records:
        if len(record.split("\n")[1]) <= 2 * SCORE_NT:
            by_family.setdefault(record.split("_")[0], []).append(record)
    drawn = [
        family[at] for family in by_family.values() for at in sorted(generator.permutation(len(family))[:PER_FAMILY])
    ]
    out.write_text("".join(f">{record}" for record in drawn), "ascii")
    return out


def families(data: Path, scratch: Path, processes: int, draws: int) -> str:
    """The section of held-out families."""
    source = chosen(data / "archiveII.dbn.gz", scratch / "archiveII.dbn")
    rows = store(scratch / "archiveII", source, ENERGIES, "--family", "_", "--processes", processes)
    folds = scratch / "archiveII.folds.tsv"
    command("labels", "folds", "--store", rows, "--out", folds, "--by", "gene", "--folds", FOLDS, "--seed", SEED)
    tokens = TokenStore.open(rows)
    dealt = read_folds(folds, tokens).fold
    fold_of = dict(zip(map(str, tokens.names(("name",))["name"]), dealt.tolist(), strict=True))
    whole = read_reference(source, "prefix")
    reference = subset(whole, np.flatnonzero([one.name in fold_of for one in whole.structures]))
    methods = {"model of other families": True, "model of other families; not shown probabilities": False}
    partners: dict[str, list[Int64]] = {name: [np.zeros(0, dtype=np.int64)] * len(reference) for name in methods}
    for fold in range(FOLDS):
        model = scratch / f"family_fold{fold}"
        train(model, rows, PRESET, (*FAMILY_BUDGET, "--folds", folds, "--fold", fold))
        here = np.flatnonzero([fold_of[one.name] == fold for one in reference.structures])
        for name, shown in methods.items():
            for at, found in zip(here, predict(model, rows, subset(reference, here), shown), strict=True):
                partners[name][at] = found
    assessed = assess_partners(reference, partners | floors(reference), draws)
    size = (
        f"{len(reference):,} RNAs of ArchiveII up to {2 * SCORE_NT} nt, at most {PER_FAMILY} per family; {FOLDS} folds."
    )
    return "\n\n".join(
        ["## Families that were not seen", size, table(assessed, MEAN_OF_SETS), families_table(assessed)]
    )


PARTS = {"arms": arms, "families": families}


def main() -> None:
    """Train, score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--processes", type=int, default=2, help="that fold")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    options = (arguments.data / "resm", arguments.scratch, arguments.processes, arguments.draws)
    found = [PARTS[name](*options) for name in arguments.parts.split(",")]
    intro = (
        f"`python benchmarks/structure_ablations.py`, {datetime.date.today()}, {platform.machine()}. Mean F1 per RNA, "
        "95 % intervals from drawing RNAs, paired differences. One seed: two trainings of one arm differ, too."
    )
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(
        "\n\n".join(["# What the parts of a model of structures are worth", intro, *found, ""]), "utf-8"
    )


if __name__ == "__main__":
    main()
