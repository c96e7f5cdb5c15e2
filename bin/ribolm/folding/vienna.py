"""ViennaRNA (Lorenz et al. 2011, Algorithms Mol. Biol. 6:26) as functions of letters.

ViennaRNA may be used freely but not sold; its authors' terms come with the package. Letters are upper-case ACGUN; N is
never paired. Energies in kcal/mol, for `EnergyModel`; dangling ends as RNAfold's default (-d2). Parameters belong to
the process: call from one thread at a time.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.errors import ToolError
from ribolm.folding.energy import EnergyModel
from ribolm.folding.pair_lists import LEAST, PairList

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

DEFAULT = EnergyModel()
MEA_GAMMA = 1.0  # the default of RNAfold --MEA
LEAST_PROBABILITY = 1e-6  # pairs below count as 0: a list of all would hold n²/2 Python numbers
DEIGAN_M, DEIGAN_B = 1.8, -0.6  # kcal/mol, ViennaRNA's defaults
NO_REACTIVITY = -999.0  # ViennaRNA's sign of a base without a measurement
NOTHING_PAIRS_KCAL = 100_000.0 / 2  # RNAduplex says 100,000 where no base can pair


class Fold(NamedTuple):
    """A structure of minimum free energy: `partner` int64 [L], 0-based or -1, and its energy in kcal/mol."""

    partner: Int64
    energy_kcal: float


class ExpectedFold(NamedTuple):
    """A structure of maximum expected accuracy: `partner` int64 [L], 0-based or -1, and that accuracy (0 to L)."""

    partner: Int64
    accuracy: float


class Ensemble(NamedTuple):
    """All of one RNA in one go: both structures, energy of the ensemble, pair probabilities float32 [L, L]."""

    mfe: Fold
    mea: ExpectedFold
    free_energy_kcal: float
    probabilities: Float32


class Duplex(NamedTuple):
    """The best interaction of two RNAs: `pairs` int64 [P, 2] (0-based in the first, in the second), energy in kcal/mol.

    Without a pair the energy is 0.
    """

    pairs: Int64
    energy_kcal: float


def mfe(letters: str, model: EnergyModel = DEFAULT) -> Fold:
    """Structure of minimum free energy, as `RNAfold`. Cost: n³, about 15 s for 4,000 nt."""
    if not letters:
        return Fold(nested_partners(""), 0.0)
    text, energy = _compound(letters, model).mfe()
    return Fold(nested_partners(text), float(energy))


def mea(letters: str, model: EnergyModel = DEFAULT, gamma: float = MEA_GAMMA) -> ExpectedFold:
    """Structure of maximum expected accuracy, as `RNAfold --MEA`; a larger `gamma` pairs more."""
    return ensemble(letters, model, gamma).mea


def pair_probabilities(letters: str, model: EnergyModel = DEFAULT) -> Float32:
    """Probabilities of all pairs in the Boltzmann ensemble (McCaskill 1990), symmetric float32 [L, L].

    Those below 1e-6 are 0. Cost: about five times that of `mfe`.
    """
    return ensemble(letters, model).probabilities


def ensemble(letters: str, model: EnergyModel = DEFAULT, gamma: float = MEA_GAMMA) -> Ensemble:
    """Minimum free energy, partition function, pair probabilities and expected accuracy of one RNA."""
    if not letters:
        nothing = nested_partners("")
        return Ensemble(Fold(nothing, 0.0), ExpectedFold(nothing, 0.0), 0.0, np.zeros((0, 0), dtype=np.float32))
    compound = _compound(letters, model)
    text, energy = compound.mfe()
    compound.exp_params_rescale(energy)  # or the partition function of long RNAs overflows
    _, free_energy = compound.pf()
    expected, accuracy = compound.MEA(gamma)
    found = Fold(nested_partners(text), float(energy)), ExpectedFold(nested_partners(expected), float(accuracy))
    return Ensemble(*found, float(free_energy), _probabilities(compound, len(letters)))


def probable_pairs(
    letters: str, models: Sequence[EnergyModel] = (DEFAULT,), reactivities: Sequence[float] | None = None
) -> PairList:
    """Pairs with a probability of 1e-4 or more, without a matrix of all; of several models the mean of all.

    `reactivities` (SHAPE, DMS), one per base, NaN where there is none, act as pseudo-energies (Deigan et al. 2009, doi
    10.1073/pnas.0806929106): a base of a stacked pair costs 1.8 · ln(r + 1) − 0.6 kcal/mol.
    """
    if not letters:
        return PairList.of([])
    total: defaultdict[tuple[int, int], float] = defaultdict(float)
    for model in models:
        for pair in _probable(letters, model, reactivities):
            total[pair.i - 1, pair.j - 1] += pair.p / len(models)
    return PairList.of([(*pair, p) for pair, p in total.items() if p >= LEAST])


def _probable(letters: str, model: EnergyModel, reactivities: Sequence[float] | None) -> Any:
    """Pairs of one model, each with i, j (from 1 on) and p."""
    compound = _compound(letters, model)
    if reactivities is not None:
        known = [NO_REACTIVITY if np.isnan(value) else float(value) for value in reactivities]
        compound.sc_add_SHAPE_deigan([NO_REACTIVITY, *known], DEIGAN_M, DEIGAN_B)  # counted from 1
    compound.exp_params_rescale(compound.mfe()[1])
    compound.pf()
    return compound.plist_from_probs(LEAST)


def describe(models: Sequence[EnergyModel] = (DEFAULT,)) -> dict[str, Any]:
    """Program, version, energies: what made probabilities, for manifests; all models have one temperature."""
    energies = {"parameters": [model.parameters for model in models], "temperature_c": models[0].temperature_c}
    return {"program": "ViennaRNA", "version": _rna().__version__, **energies}


def cofold(first: str, second: str, model: EnergyModel = DEFAULT) -> Fold:
    """Joint structure of two RNAs with the minimum free energy, as `RNAcofold`: pairs within and between them.

    `partner` int64 [L1 + L2] counts through both, the first before the second.
    """
    if not (first and second):
        return mfe(first + second, model)
    text, energy = _compound(f"{first}&{second}", model).mfe_dimer()
    return Fold(nested_partners(text.replace("&", "")), float(energy))


def cofold_probabilities(first: str, second: str, model: EnergyModel = DEFAULT) -> Float32:
    """Pair probabilities of two RNAs that have met, symmetric float32 [L1 + L2, L1 + L2], as `RNAcofold -p`."""
    if not (first and second):
        return pair_probabilities(first + second, model)
    compound = _compound(f"{first}&{second}", model)
    compound.exp_params_rescale(compound.mfe_dimer()[1])
    compound.pf_dimer()
    return _probabilities(compound, len(first) + len(second))


def duplex(first: str, second: str, model: EnergyModel = DEFAULT) -> Duplex:
    """Best stretch of pairs between two RNAs, pairs within either left out of account, as `RNAduplex`."""
    none = Duplex(np.zeros((0, 2), dtype=np.int64), 0.0)
    if not (first and second):
        return none
    for letters in (first, second):
        model.require_length(len(letters.replace("&", "")))
    rna = _rna()
    _use_parameters(model.parameters)
    before, rna.cvar.temperature = rna.cvar.temperature, model.temperature_c
    try:
        found = rna.duplexfold(first, second)
    finally:
        rna.cvar.temperature = before
    if found.energy > NOTHING_PAIRS_KCAL:
        return none
    left, right = found.structure.split("&")
    ends = [at for at, symbol in enumerate(left, start=found.i - len(left)) if symbol == "("]
    mates = [at for at, symbol in enumerate(right, start=found.j - 1) if symbol == ")"]
    return Duplex(np.array(list(zip(ends, reversed(mates), strict=True)), dtype=np.int64).reshape(-1, 2), found.energy)


def _rna() -> Any:
    """The module RNA; ToolError where it is not installed."""
    try:
        import RNA
    except ImportError as error:
        raise ToolError("ViennaRNA is not installed. Install it (pip install viennarna).") from error
    return RNA


@lru_cache(maxsize=1)  # only the last one is in force
def _use_parameters(name: str) -> None:
    kind, source = name.split("_")
    getattr(_rna(), f"params_load_{kind.upper()}_{source.capitalize()}")()


@lru_cache(maxsize=16)  # loading costs some milliseconds, and models take turns at every RNA
def _energies(name: str, temperature_c: float) -> tuple[Any, Any, Any]:
    """Details of a model with its energies and their Boltzmann factors, which every compound copies."""
    rna = _rna()
    _use_parameters(name)
    details = rna.md(temperature=temperature_c)
    return details, rna.param(details), rna.exp_param(details)


def _compound(letters: str, model: EnergyModel) -> Any:
    model.require_length(len(letters.replace("&", "")))
    details, energies, factors = _energies(model.parameters, model.temperature_c)
    compound = _rna().fold_compound(letters, details)
    compound.params_subst(energies)
    compound.exp_params_subst(factors)
    return compound


def nested_partners(text: str) -> Int64:
    """Partners int64 [L] of a dot-bracket of round brackets alone, -1 where unpaired."""
    if not text:
        return np.zeros(0, dtype=np.int64)
    return np.fromiter(_rna().ptable(text), dtype=np.int64)[1:] - 1


def _probabilities(compound: Any, length: int) -> Float32:
    dense = np.zeros((length, length), dtype=np.float32)
    pairs = compound.plist_from_probs(LEAST_PROBABILITY)
    if pairs:
        i, j, p = (np.array(column) for column in zip(*((pair.i, pair.j, pair.p) for pair in pairs), strict=True))
        dense[i - 1, j - 1] = dense[j - 1, i - 1] = p
    return dense
