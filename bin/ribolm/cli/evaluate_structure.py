"""ribolm-evaluate structure: what predicted secondary structures are worth, whatever predicted them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.labels.structure.decoding import DecodingRule


class Decoding(StrEnum):
    """How listed pairs become structures."""

    greedy = "greedy"
    matching = "matching"
    expected_f1 = "expected_f1"


PREDICTED = "Predicted structures of the same RNAs; dot-bracket, CT, BPSEQ or Stockholm."
PAIRS = "Table of pair probabilities (name, i0, j0, probability), decoded with one partner per base."
FAMILIES = "Table (name, family), or the word prefix: what stands before the first _ of a name."
LEAST = "Least probability of a pair of --pairs [default: 0.5; expected_f1: 0.01]."
DECODING = "Pairs by falling probability (greedy; expected_f1: as many as score best), or the matching of largest sum."
DECODING_OPTIONS = (
    Spec("threshold", float | None, None, LEAST, {"min": 0, "max": 1}),
    Spec("decoding", Decoding, Decoding.greedy, DECODING),
    Spec("canonical", bool, False, "Take AU, GC and GU pairs of --pairs alone.", {"flag": "--canonical"}),
    Spec("min_loop", int, 3, "Least unpaired bases in a hairpin of --pairs.", {"min": 0}),
    Spec("recall_weight", float, 1.0, "Weight of recall in the expected F1 of --decoding expected_f1.", {"min": 0}),
)
STRUCTURE = (
    Spec("truth", Path, REQUIRED, "Known structures; dot-bracket, CT, BPSEQ or Stockholm, plain or gzip."),
    Spec("out", Path, REQUIRED, "File of the numbers to write (metrics.json)."),
    Spec("pred", Path | None, None, PREDICTED),
    Spec("pred_b", list[Path] | None, None, "Further predictions; --pred is compared with each; repeat."),
    Spec("pairs", Path | None, None, PAIRS),
    *DECODING_OPTIONS,
    Spec("families", str | None, None, FAMILIES),
    Spec("table", Path | None, None, "Table of every RNA to write."),
    Spec("split", str, "not stated", "What the RNAs are to the predictions, for the record: test, validation …"),
    Spec("draws", int, 1000, "Draws of RNAs for the intervals.", {"min": 0}),
    Spec("seed", int, 1, "Seed of the draws.", {"min": 0}),
)


def add_structure(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def structure(
        truth: Path,
        out: Path,
        pred: Path | None,
        pred_b: list[Path] | None,
        pairs: Path | None,
        table: Path | None,
        **chosen: Any,
    ) -> None:
        """F1, precision and recall of base pairs: per RNA and pooled, by length and family, predictions paired."""
        from ribolm.cli.inputs import refuse_unused, require_inputs
        from ribolm.evaluation.structures.assessment import StructurePlan, assess_structures
        from ribolm.evaluation.structures.output import write_structure_assessment

        if pred is None and pred_b:
            raise UsageError("--pred-b is what --pred is compared with. Give --pred.")
        if pairs is None:
            refuse_unused(DECODING_OPTIONS, chosen, "it decodes --pairs, which is not given")
        predictions = [path for path in (pred, *(pred_b or [])) if path is not None]
        require_inputs(out, [truth, *predictions, pairs], table)
        plan = StructurePlan(truth, predictions, pairs, _rule(chosen), **chosen)
        write_structure_assessment(out, assess_structures(plan), plan.settings(), table)

    add_command(cli, "structure", STRUCTURE, structure)


def _rule(chosen: dict[str, Any]) -> "DecodingRule":
    """Take the options of decoding out of those chosen."""
    from ribolm.labels.structure.decoding import EXPECTED_F1, DecodingRule
    from ribolm.labels.structure.pair_files import LEAST_LISTED

    threshold, method, *rest = (chosen.pop(spec.name) for spec in DECODING_OPTIONS)
    if threshold is None:
        threshold = LEAST_LISTED if method.value == EXPECTED_F1 else 0.5
    return DecodingRule(threshold, method.value, *rest)
