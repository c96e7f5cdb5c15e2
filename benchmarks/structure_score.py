"""What a model of secondary structure is worth on TS0 and ArchiveII, beside folding by thermodynamics.

    python benchmarks/structure_score.py --model MODEL --data ../shared/data --scratch /tmp/structure-score

Run once, when everything is chosen on VL0. The model predicts with and without the pair probabilities of ViennaRNA, at
the decoding of its task.json; the floors are those of benchmarks/structure_floors.py (give its --scratch and they are
not folded again). Every table pairs the model with the others on the same draws of RNAs. Of TS0 a second table leaves
out what shares a 31-mer with TR0; of ArchiveII tables leave out the sequences of TR0, and what shares a 31-mer, with F1
by family. Writes benchmarks/results/rna-structure-small.md.
"""

import argparse
import datetime
import hashlib
import platform
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "rna-structure-small.md"

from commands import command  # noqa: E402
from ribolm.evaluation.structures.assessment import assess_partners  # noqa: E402
from ribolm.evaluation.structures.record_sets import ReferenceSet, read_prediction, read_reference  # noqa: E402
from ribolm.labels.structure.files import read_structures  # noqa: E402
from ribolm.labels.structure.pairs import Structure  # noqa: E402
from structure_floors import TRAINING, families_table, predicted, section, subset, subsets, tools  # noqa: E402
from structure_parts import file_of, in_parts  # noqa: E402

SETS = ("TS0", "archiveII")
ARMS: dict[str, tuple[str, ...]] = {"model": (), "model without thermodynamics": ("--no-thermodynamics",)}
PUBLISHED = (
    "Published, not measured here: MXfold2 0.551 on every 4th RNA of TS0 (327; overlap with its training unchecked)."
)


def by_model(
    model: Path, reference: ReferenceSet, arm: str, scratch: Path, processes: int
) -> dict[str, tuple[Path, float]]:
    """Predictions of one arm, those that are not there yet: its file and processor seconds."""
    digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()[:12]
    stem = scratch / f"{reference.label.split('.')[0]}.{digest}.{arm.replace(' ', '_')}"

    def work(records: Sequence[Structure], part: Path) -> dict[str, float]:
        fasta = part.with_suffix(".fa")
        fasta.write_text("".join(f">{one.name}\n{one.letters}\n" for one in records), "ascii")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        places = ("--model", model, "--sequences", fasta, "--out", file_of(part, arm))
        command("predict", "structure", *places, "--processes", processes, *ARMS[arm])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {arm: after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}

    return {method: (file_of(stem, method), s) for method, s in in_parts(reference.structures, stem, work).items()}


def sections(arguments: argparse.Namespace, name: str) -> list[str]:
    """All tables of one set; the first method, with which others are compared, is the model."""
    folder = arguments.data / "resm"
    reference = read_reference(folder / f"{name}.dbn.gz", "prefix" if name == "archiveII" else None)
    found_by: dict[str, tuple[Path, float]] = {}
    for arm in ARMS:
        found_by |= by_model(arguments.model, reference, arm, arguments.scratch, arguments.processes)
    floors = arguments.floors or arguments.scratch
    for tool, fold in tools().items():
        found_by |= predicted(tool, fold, reference, floors)
    partners = {method: read_prediction(path, reference) for method, (path, _) in found_by.items()}
    seconds = {method: spent for method, (_, spent) in found_by.items()}
    found = []
    for title, rows in subsets(reference, read_structures(folder / f"{TRAINING}.dbn.gz")).items():
        here = {method: [all_of[at] for at in rows] for method, all_of in partners.items()}
        assessment = assess_partners(subset(reference, rows), here, arguments.draws)
        found.append(section(title, assessment, seconds if title == name else {}))
        if assessment.reference.families:
            found.append(families_table(assessment))
        print(found[-1], file=sys.stderr)
    return found


def heading(model: Path) -> str:
    """What was scored, where and when."""
    return f"""# A model of secondary structure beside folding by thermodynamics

`python benchmarks/structure_score.py --model {model.name}`, {datetime.date.today()}, {platform.machine()}. Per-RNA
means with 95 % intervals from drawing RNAs (equal sequences together); all brackets of the references are pairs; RNAs
without reference pairs are left out. The model's way of decoding was chosen on VL0, with and without thermodynamics.
{PUBLISHED}"""


def main() -> None:
    """Predict, score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--floors", type=Path, default=None, help="--scratch of structure_floors.py")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    found = [text for name in arguments.sets.split(",") for text in sections(arguments, name)]
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n\n".join([heading(arguments.model), *found, ""]), "utf-8")


if __name__ == "__main__":
    main()
