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
from collections.abc import Callable, Sequence
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
from ribolm.labels.structure.decoding import DecodingRule, ListedPairs, decode  # noqa: E402
from ribolm.labels.structure.dot_bracket import write_dot_bracket  # noqa: E402
from ribolm.labels.structure.files import read_structures  # noqa: E402
from ribolm.labels.structure.pairs import Int64, Structure  # noqa: E402
from ribolm.labels.structure.stored import SHARED_NT, shared_with  # noqa: E402
from structure_default_model import ENERGIES  # noqa: E402
from structure_parts import file_of, in_parts  # noqa: E402

Partners = dict[str, Int64]
SETS = ("TS0", "VL0", "archiveII")
TRAINING = "TR0"
COLUMNS = {
    "f1": "F1", "precision": "precision", "recall": "recall", "f1_within_1": "F1 ±1", "pooled_f1": "pooled F1",
    "family_f1": "F1, mean of families",
}  # fmt: skip


def by_rnafold(letters: str) -> Partners:
    """Both structures of RNAfold from one pass."""
    found = vienna.ensemble(letters)
    return {"RNAfold MFE": found.mfe.partner, "RNAfold MEA": found.mea.partner}


def by_energy_sets(letters: str) -> Partners:
    """Pairs that the mean of all energy sets calls more probable than not; nothing is chosen on any data."""
    found = vienna.probable_pairs(letters, energy_models(ENERGIES))
    pairs = ListedPairs(found.i, found.j, found.p.astype(np.float64))
    return {"ViennaRNA, mean of energy sets": decode(letters, pairs, DecodingRule(threshold=0.5))}


def by_linear_partition(letters: str, mode: str) -> Partners:
    """The structure of maximum expected accuracy of LinearPartition."""
    return {f"LinearPartition {mode}": linear_partition.linear_partition(letters, mode).partner}


def tools() -> dict[str, Callable[[str], Partners]]:
    """What can fold here, by name."""
    found: dict[str, Callable[[str], Partners]] = {"rnafold": by_rnafold, "energy_sets": by_energy_sets}
    if linear_partition.is_installed():
        linear_partition.show_terms()
        found |= {
            f"linear_partition_{mode}": partial(by_linear_partition, mode=mode) for mode in linear_partition.MODES
        }
    return found


def predicted(
    tool: str, fold: Callable[[str], Partners], reference: ReferenceSet, scratch: Path
) -> dict[str, tuple[Path, float]]:
    """Fold a set, unless that was done: by method its file and processor seconds."""
    stem = scratch / f"{reference.label.split('.')[0]}.{tool}"

    def work(records: Sequence[Structure], part: Path) -> dict[str, float]:
        begun_s = time.process_time()
        rows = [fold(one.letters) for one in records]
        seconds = time.process_time() - begun_s
        for method in rows[0]:
            named = zip(records, rows, strict=True)
            found = (Structure(one.name, one.letters, row[method]) for one, row in named)
            write_dot_bracket(file_of(part, method), found)
        print(f"{part}: {seconds:,.0f} s", file=sys.stderr, flush=True)
        return dict.fromkeys(rows[0], seconds)

    return {method: (file_of(stem, method), s) for method, s in in_parts(reference.structures, stem, work).items()}


def subset(reference: ReferenceSet, rows: np.ndarray) -> ReferenceSet:
    """Some RNAs of a set."""
    families = tuple(reference.families[at] for at in rows) if reference.families else ()
    return replace(reference, structures=tuple(reference.structures[at] for at in rows), families=families)


def subsets(reference: ReferenceSet, training: list[Structure]) -> dict[str, np.ndarray]:
    """The whole set, and what models trained on TR0 have not met: no common sequence, no common stretch of 31 nt."""
    everything = np.arange(len(reference))
    label = reference.label.split(".")[0]
    known = {one.letters for one in training}
    apart = np.array([at for at, one in enumerate(reference.structures) if one.letters not in known])
    near = shared_with(reference.structures, training)
    found = {label: everything}
    if len(apart) < len(everything):
        found[f"{label} without sequences of {TRAINING}"] = apart
    return found | {
        f"{label} without a {SHARED_NT}-mer of {TRAINING}": np.array(sorted(set(everything.tolist()) - near))
    }


def section(title: str, found: StructureAssessment, seconds: dict[str, float]) -> str:
    """One table of a set, with the differences of MEA to the others."""
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
    lines.append("")
    for row in found.difference_rows():
        if row["metric"] == "f1":
            between = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
            lines.append(f"- F1 of {row['method']} minus {row['other']}: {between}.")
    return "\n".join(lines)


def families_table(found: StructureAssessment) -> str:
    """F1 by family, one column per method."""
    rows = [row for row in found.strata if row["stratum"] == "family"]
    lines = [f"| family | RNAs | {' | '.join(found.methods)} |", f"|---|{'--:|' * (len(found.methods) + 1)}"]
    for name in dict.fromkeys(row["name"] for row in rows):
        here = [row for row in rows if row["name"] == name]
        cells = [f"{row['f1']:.3f}" for row in here]
        lines.append(f"| {name} | {here[0]['n']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


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
    sections = []
    for name in arguments.sets.split(","):
        reference = read_reference(folder / f"{name}.dbn.gz", "prefix" if name == "archiveII" else None)
        seconds, partners = {}, {}
        for tool, fold in usable.items():
            for method, (path, spent) in predicted(tool, fold, reference, arguments.scratch).items():
                partners[method], seconds[method] = read_prediction(path, reference), spent
        for title, rows in subsets(reference, training).items():
            here = {method: [all_of[at] for at in rows] for method, all_of in partners.items()}
            found = assess_partners(subset(reference, rows), here, arguments.draws)
            sections.append(section(title, found, seconds if title == name else {}))
            if found.reference.families:
                sections.append(families_table(found))
            print(sections[-1], file=sys.stderr)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n\n".join([heading(usable), *sections, ""]), "utf-8")


def heading(usable: dict[str, Callable[[str], Partners]]) -> str:
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
