"""What a model of secondary structure is worth on TS0 and ArchiveII, beside folding by thermodynamics.

    python benchmarks/structure_score.py --model MODEL --data ../shared/data --scratch /tmp/structure-score

Run once, when everything is chosen on VL0. The model predicts with and without the pair probabilities of ViennaRNA, at
the decoding of its task.json; the floors are those of benchmarks/structure_floors.py. Every table pairs the model with
the others on the same draws of RNAs. Of ArchiveII the sequences of TR0 are left out; of both sets a second table leaves
out what shares a 31-mer with TR0. One process, one thread; equal sequences are folded once, and what lies in --scratch
is not folded again. Writes benchmarks/results/rna-structure-small.md.
"""

import argparse
import datetime
import hashlib
import platform
import sys
import time
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "rna-structure-small.md"

from ribolm.folding import vienna  # noqa: E402
from ribolm.folding.pair_lists import PairList  # noqa: E402
from ribolm.inference.structures.model import StructureModel, load_structure_model  # noqa: E402
from ribolm.inference.structures.prediction import PredictionOptions, predict_folded  # noqa: E402
from ribolm.labels.structure.files import read_structures  # noqa: E402
from ribolm.labels.structure.pairs import Int64  # noqa: E402
from ribolm.sequences.rna import RnaRecord  # noqa: E402
from ribolm.training.log import TrainingLog  # noqa: E402
from ribolm.training.machine.precision import choose_device  # noqa: E402
from structure_floors import (  # noqa: E402
    ARCHIVE,
    MEAN_OF_SETS,
    TRAINING,
    by_energy_sets,
    more_probable,
    scored_set,
    tables,
    tools,
)  # fmt: skip
from structure_parts import Fold, Folded, in_parts  # noqa: E402

SETS = ("TS0", ARCHIVE)
PUBLISHED = (
    "Published, not measured here: MXfold2 0.551 on every 4th RNA of TS0 (327; overlap with its training unchecked)."
)


def by_model(model: StructureModel) -> Fold:
    """The model with and without the probabilities of ViennaRNA, and what these are worth alone, from one folding."""

    def fold(letters: str) -> dict[str, Folded]:
        begun_s = time.process_time()
        known = vienna.probable_pairs(letters, model.energies)
        folded_s = time.process_time() - begun_s
        shown, shown_s = predicted(letters, known)
        blind, blind_s = predicted(letters, None)
        alone = more_probable(letters, known)
        return {
            "model": Folded(shown, folded_s + shown_s),
            "model without thermodynamics": Folded(blind, blind_s),
            MEAN_OF_SETS: Folded(alone, folded_s),
        }

    def predicted(letters: str, known: PairList | None) -> tuple[Int64, float]:
        begun_s = time.process_time()
        found = predict_folded(model, RnaRecord("one", letters), known, PredictionOptions())
        return found.structure.partner, time.process_time() - begun_s

    return fold


def scored(arguments: argparse.Namespace, name: str) -> list[str]:
    """All tables of one set."""
    folder = arguments.data / "resm"
    training = read_structures(folder / f"{TRAINING}.dbn.gz")
    reference = scored_set(folder, name, training)
    digest = hashlib.sha256((arguments.model / "manifest.json").read_bytes()).hexdigest()[:12]
    model = load_structure_model(arguments.model, choose_device("cpu", "fp32", 0, TrainingLog(None)))
    folded = in_parts(reference.structures, arguments.scratch / f"{name}.{digest}", by_model(model))
    for tool, fold in tools().items():
        if fold is not by_energy_sets:
            folded |= in_parts(reference.structures, arguments.scratch / f"{name}.{tool}", fold)
    return tables(reference, folded, training, arguments.draws)


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
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    found = [text for name in arguments.sets.split(",") for text in scored(arguments, name)]
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text("\n\n".join([heading(arguments.model), *found, ""]), "utf-8")


if __name__ == "__main__":
    main()
