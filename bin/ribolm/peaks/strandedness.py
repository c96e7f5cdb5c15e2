"""One strandedness for each library of a call, and one for all of them where it had to be guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ribolm.console import notice
from ribolm.genome.exon_space import ExonSpace
from ribolm.peaks.options import AUTO, CallOptions
from ribolm.peaks.summary import Choices
from ribolm.reads.alignments import Strandedness
from ribolm.reads.strandedness import StrandednessEstimate, infer_strandedness, judge_votes

SOURCE_GIVEN = "given"
SOURCE_INFERRED = "inferred"
SOURCE_TOGETHER = "inferred from all libraries together"
UNSTRANDED: Strandedness = "unstranded"
FAIR_SHARE = 0.7  # a library below it would scatter over antisense genes if it were counted by strand


def choose_strandedness(
    options: CallOptions, space: ExonSpace, choices: Choices
) -> dict[str, tuple[Strandedness, str]]:
    """Strandedness and its source of every library, by name: as given, else inferred.

    IP counted by strand over input counted on both (or the other way round) makes whole antisense genes look enriched,
    so libraries that are inferred to differ in that are judged by their votes together. Tells given values that the
    fragments contradict, and given ones that leave such a mixture. Raises DataError like `infer_strandedness`.
    """
    found: dict[str, tuple[Strandedness, str]] = {}
    inferred: dict[str, StrandednessEstimate] = {}
    for library in options.libraries:
        wanted = options.library_strandedness.get(library.name, options.strandedness)
        if wanted == AUTO:
            inferred[library.name] = infer_strandedness(library.path, space, read_filter=options.read_filter)
            continue
        found[library.name] = cast(Strandedness, wanted), SOURCE_GIVEN
        if wanted != UNSTRANDED:
            _doubt(library.name, wanted, infer_strandedness(library.path, space, read_filter=options.read_filter))
    found |= _agree(inferred, choices)
    _tell_mixture(options.name, {name: strandedness for name, (strandedness, _) in found.items()})
    return found


def judge_together(estimates: Mapping[str, StrandednessEstimate]) -> StrandednessEstimate:
    """One estimate from the votes of all libraries: unstranded too where one of them is far from the others."""
    forward = sum(round(estimate.fraction_forward * estimate.fragments) for estimate in estimates.values())
    together = judge_votes(forward, sum(estimate.fragments for estimate in estimates.values()) - forward)
    if together.strandedness == UNSTRANDED:
        return together
    for name, own in estimates.items():
        share = own.fraction_forward if together.strandedness == "forward" else own.fraction_reverse
        if own.is_told and share < FAIR_SHARE:
            reason = f"only {share:.1%} of the fragments of {name} are {together.strandedness}, as most of the others"
            return StrandednessEstimate(
                UNSTRANDED, together.fraction_forward, together.fraction_reverse, together.fragments, reason
            )
    return together


def _agree(inferred: Mapping[str, StrandednessEstimate], choices: Choices) -> dict[str, tuple[Strandedness, str]]:
    """Tell and return what was inferred; the votes of all decide where some libraries are unstranded and some not."""
    if not _is_mixture({name: estimate.strandedness for name, estimate in inferred.items()}):
        for name, own in inferred.items():
            choices.add(f"strandedness of {name}", own.strandedness, own.reason)
        return {name: (own.strandedness, SOURCE_INFERRED) for name, own in inferred.items()}
    together = judge_together(inferred)
    for name, own in inferred.items():
        reason = f"{own.reason}; IP and input must be counted alike, and of all of them {together.reason}"
        choices.add(f"strandedness of {name}", together.strandedness, reason)
    return {name: (together.strandedness, SOURCE_TOGETHER) for name in inferred}


def _is_mixture(strandedness: Mapping[str, Strandedness]) -> bool:
    """Whether some libraries are counted on both strands and some on one; forward beside reverse is no mixture."""
    return len({value == UNSTRANDED for value in strandedness.values()}) > 1


def _doubt(name: str, wanted: str, inferred: StrandednessEstimate) -> None:
    """Tell when the fragments contradict the strandedness that the user gave: a frequent slip that loses the peaks."""
    if inferred.fragments and inferred.strandedness not in (wanted, UNSTRANDED):
        notice(f"{name} is counted as {wanted}, as given, but looks {inferred.strandedness}: {inferred.reason}.")


def _tell_mixture(call: str, strandedness: Mapping[str, Strandedness]) -> None:
    if not _is_mixture(strandedness):
        return
    on_both = ", ".join(name for name, value in strandedness.items() if value == UNSTRANDED)
    on_one = ", ".join(name for name, value in strandedness.items() if value != UNSTRANDED)
    notice(
        f"{call}: {on_both} is counted on both strands, {on_one} on one, so peaks over genes that have exons opposite "
        "them are not comparable. Give all libraries one value with --strandedness or --library-strandedness."
    )
