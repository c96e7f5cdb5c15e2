"""Floors of structure prediction: what folding by thermodynamics reaches on the sets that models are scored on.

    python benchmarks/structure_floors.py --data ../shared/data --scratch /tmp/structure-floors [--sets TS0,VL0]

RNAfold's structures of minimum free energy (MFE) and of maximum expected accuracy (MEA, γ 1), the pairs whose mean
probability by the energy sets that the default model is shown is 0.5 or more, and LinearPartition's where
linearpartition-unofficial is installed (non-commercial terms; the package is not part of ribolm). References and
measures are those of `ribolm-evaluate structure`. Predictions go to --scratch in parts of some RNAs, and those that are
there are not made again. One process. Writes benchmarks/results/structure_floors.md.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "structure_floors.md"

from ribolm.evaluation.structures.assessment import StructureAssessment, assess_partners  # noqa: E402
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_prediction, read_reference  # noqa: E402
from ribolm.folding import linear_partition, vienna  # noqa: E402
from ribolm.folding.energy import energy_models  # noqa: E402
from ribolm.folding.pair_lists import PairList  # noqa: E402
from ribolm.labels.structure.decoding import DecodingRule, decode  # noqa: E402
from ribolm.labels.structure.files import read_structures  # noqa: E402
from ribolm.labels.structure.listed import ListedPairs  # noqa: E402
from ribolm.labels.structure.pairs import Int64, Structure  # noqa: E402
from ribolm.labels.structure.stored import SHARED_NT, shared_with  # noqa: E402
from structure_default_model import ENERGIES  # noqa: E402
from structure_parts import Fold, Folded, in_parts  # noqa: E402

ARCHIVE, MEAN_OF_SETS = "archiveII", "ViennaRNA, mean of energy sets"
SETS = ("TS0", "VL0", ARCHIVE)
TRAINING = "TR0"
COLUMNS = {
    "f1": "F1", "precision": "precision", "recall": "recall", "f1_within_1": "F1 ±1", "pooled_f1": "pooled F1",
    "family_f1": "F1, mean of families",
}  # fmt: skip


def by_rnafold(letters: str) -> dict[str, Folded]:
    """Both structures of RNAfold from one pass."""
    begun_s = time.process_time()
    found = vienna.ensemble(letters)
    spent = time.process_time() - begun_s
    return {"RNAfold MFE": Folded(found.mfe.partner, spent), "RNAfold MEA": Folded(found.mea.partner, spent)}


def by_energy_sets(letters: str) -> dict[str, Folded]:
    """What `more_probable` makes of the mean of all energy sets."""
    begun_s = time.process_time()
    partner = more_probable(letters, vienna.probable_pairs(letters, energy_models(ENERGIES)))
    return {MEAN_OF_SETS: Folded(partner, time.process_time() - begun_s)}


def more_probable(letters: str, found: PairList) -> Int64:
    """Partners int64 [L] by the pairs that are more probable than not; nothing is chosen on any data."""
    return decode(letters, ListedPairs(found.i, found.j, found.p.astype(np.float64)), DecodingRule(threshold=0.5))


def by_linear_partition(letters: str, mode: str) -> dict[str, Folded]:
    """The structure of maximum expected accuracy of LinearPartition."""
    begun_s = time.process_time()
    partner = linear_partition.linear_partition(letters, mode).partner
    return {f"LinearPartition {mode}": Folded(partner, time.process_time() - begun_s)}


def tools() -> dict[str, Fold]:
    """What can fold here, by name."""
    found: dict[str, Fold] = {"rnafold": by_rnafold, "energy_sets": by_energy_sets}
    if linear_partition.is_installed():
        linear_partition.show_terms()
        found |= {
            f"linear_partition_{mode}": partial(by_linear_partition, mode=mode) for mode in linear_partition.MODES
        }
    return found


def scored_set(folder: Path, name: str, training: Sequence[Structure]) -> ReferenceSet:
    """A set to be scored; of ArchiveII, whose families are prefixes of names, without the sequences of TR0."""
    if name != ARCHIVE:
        return read_reference(folder / f"{name}.dbn.gz")
    reference = read_reference(folder / f"{name}.dbn.gz", "prefix")
    known = {one.letters for one in training}
    apart = [at for at, one in enumerate(reference.structures) if one.letters not in known]
    return replace(subset(reference, np.array(apart)), label=f"{name} without sequences of {TRAINING}")


def subset(reference: ReferenceSet, rows: np.ndarray) -> ReferenceSet:
    """Some RNAs of a set."""
    families = tuple(reference.families[at] for at in rows) if reference.families else ()
    return replace(reference, structures=tuple(reference.structures[at] for at in rows), families=families)


def subsets(reference: ReferenceSet, training: Sequence[Structure]) -> dict[str, np.ndarray]:
    """All of the set, and what shares no stretch of 31 nt with TR0."""
    everything, near = np.arange(len(reference)), shared_with(reference.structures, training)
    label = reference.label.split(".")[0]
    apart = np.array(sorted(set(everything.tolist()) - near))
    return {label: everything, f"{label.split(' ')[0]} without a {SHARED_NT}-mer of {TRAINING}": apart}


def section(title: str, found: StructureAssessment, seconds: dict[str, float]) -> str:
    """One table of a set, with the differences of the first method to the others."""
    shown = {metric: text for metric, text in COLUMNS.items() if metric != "family_f1" or found.reference.families}
    n_families = len(set(found.reference.families))
    size = f"{len(found.reference):,} RNAs" + (f" of {n_families} families" if n_families else "")
    lines = [f"## {title}", "", f"{size}; {found.reference.lengths.min()} to {found.reference.lengths.max():,} nt.", ""]
    lines += [f"| method | {' | '.join(shown.values())} | processor s |", f"|---|{'--:|' * (len(shown) + 1)}"]
    for method in found.methods:
        cells = []
        for metric in shown:
            interval = found.draws.interval(method, metric)
            bounds = (
                f" ({interval.low:.3f} to {interval.high:.3f})" if metric in ("f1", "pooled_f1", "family_f1") else ""
            )
            cells.append(f"{interval.value:.3f}{bounds}")
        spent = f"{seconds[method]:,.0f}" if method in seconds else ""
        lines.append(f"| {method} | {' | '.join(cells)} | {spent} |")
    return "\n".join([*lines, "", *differences(found)])


def differences(found: StructureAssessment) -> list[str]:
    """The first method minus each other on the same draws, a line each; with families that of their means, too."""
    first, *others = found.methods
    metrics = [metric for metric in ("f1", "family_f1") if metric == "f1" or found.reference.families]
    lines = []
    for other in others:
        between = [found.draws.difference(first, other, metric) for metric in metrics]
        told = [
            f"{COLUMNS[metric]} {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
            for metric, one in zip(metrics, between, strict=True)
        ]
        lines.append(f"- {first} minus {other}: {'; '.join(told)}.")
    return lines


def families_table(found: StructureAssessment) -> str:
    """F1 by family, one column per method."""
    rows = [row for row in found.strata if row["stratum"] == "family"]
    lines = [f"| family | RNAs | {' | '.join(found.methods)} |", f"|---|{'--:|' * (len(found.methods) + 1)}"]
    for name in dict.fromkeys(row["name"] for row in rows):
        here = [row for row in rows if row["name"] == name]
        cells = [f"{row['f1']:.3f}" for row in here]
        lines.append(f"| {name} | {here[0]['n']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tables(
    reference: ReferenceSet, folded: dict[str, tuple[Path, float]], training: Sequence[Structure], draws: int
) -> list[str]:
    """All tables of one set; the first method is the one that others are compared with."""
    partners = {method: read_prediction(path, reference) for method, (path, _) in folded.items()}
    seconds = {method: spent for method, (_, spent) in folded.items()}
    found = []
    for title, rows in subsets(reference, training).items():
        here = {method: [all_of[at] for at in rows] for method, all_of in partners.items()}
        assessment = assess_partners(subset(reference, rows), here, draws)
        found.append(section(title, assessment, seconds if len(rows) == len(reference) else {}))
        if assessment.reference.families:
            found.append(families_table(assessment))
    print("\n\n".join(found), file=sys.stderr)
    return found


def main() -> None:
    """Fold, score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    folder, usable = arguments.data / "resm", tools()
    training = read_structures(folder / f"{TRAINING}.dbn.gz")
    found = []
    for name in arguments.sets.split(","):
        reference = scored_set(folder, name, training)
        folded: dict[str, tuple[Path, float]] = {}
        for tool, fold in usable.items():
            folded |= in_parts(reference.structures, arguments.scratch / f"{name}.{tool}", fold)
        found += tables(reference, folded, training, arguments.draws)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n\n".join([heading(usable), *found, ""]), "utf-8")


def heading(usable: dict[str, Fold]) -> str:
    """What was done, with what, when."""
    import RNA

    versions = f"ViennaRNA {RNA.__version__}, Python {platform.python_version()}"
    if len(usable) > 1:
        from importlib.metadata import version

        versions += f", {linear_partition.PACKAGE} {version(linear_partition.PACKAGE)} (beam 100; non-commercial terms)"
    where = f"{datetime.date.today()}, {platform.machine()}, one process, {versions}"
    return f"""# Floors of structure prediction

`python benchmarks/structure_floors.py`, {where}. Per-RNA means with 95 % intervals from drawing RNAs (equal
sequences together); all brackets of the references are pairs; RNAs without reference pairs are left out. MFE and MEA of
RNAfold come from one pass, whose processor time both rows name. `F1 ±1` lets one end of a pair be one base off; it is
never compared with exact numbers."""


if __name__ == "__main__":
    main()
