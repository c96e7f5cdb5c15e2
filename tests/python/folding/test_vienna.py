import random
import sys

import numpy as np
import pytest

from ribolm.errors import DataError, ToolError, UsageError
from ribolm.folding import vienna
from ribolm.folding.energy import PARAMETERS, EnergyModel, energy_models, memory_bytes
from ribolm.folding.pair_lists import LEAST
from ribolm.folding.vienna import (
    DEFAULT,
    cofold,
    cofold_probabilities,
    duplex,
    ensemble,
    mea,
    mfe,
    nested_partners,
    pair_probabilities,
    probable_pairs,
)

TRNA = "GGGCUAUUAGCUCAGUUGGUUAGAGCGCACCCCUGAUAAGGGUGAGGUCGCUGAUUCGAAUUCAGCAUAGCCCA"
CLOVER = "(((((((..((((.........)))).(((((.......))))).....(((((.......))))))))))))."
HAIRPIN = "GGGGAAAACCCC"


def drawn(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices("ACGU", k=length))


def test_the_hairpin_folds_as_rnafold_says() -> None:
    partner, energy = mfe(HAIRPIN)
    assert partner.tolist() == nested_partners("((((....))))").tolist() == [11, 10, 9, 8, -1, -1, -1, -1, 3, 2, 1, 0]
    assert energy == pytest.approx(-5.4, abs=1e-4)
    expected = mea(HAIRPIN)
    assert np.array_equal(expected.partner, partner) and 10 < expected.accuracy <= 12


@pytest.mark.parametrize(("parameters", "energy"), [*zip(PARAMETERS, (-29.9, -31.1, -27.6, -33.3), strict=True)])
def test_shipped_parameters_take_turns(parameters: str, energy: float) -> None:
    assert mfe(TRNA, EnergyModel(parameters)).energy_kcal == pytest.approx(energy, abs=1e-4)
    assert mfe(TRNA).energy_kcal == pytest.approx(-29.9, abs=1e-4)


def test_the_cloverleaf_comes_with_andronescu_2007() -> None:
    assert np.array_equal(mfe(TRNA, EnergyModel("rna_andronescu2007")).partner, nested_partners(CLOVER))


@pytest.mark.parametrize(("temperature", "energy"), [(20.0, -40.86), (60.0, -16.94)])
def test_heat_melts(temperature: float, energy: float) -> None:
    model = EnergyModel(temperature_c=temperature)
    assert mfe(TRNA, model).energy_kcal == pytest.approx(energy, abs=1e-4)
    first, second = HAIRPIN[:6], HAIRPIN[6:]
    assert (duplex(first, second, model).energy_kcal < duplex(first, second).energy_kcal) == (temperature < 37)
    assert duplex(first, second).energy_kcal == duplex(first, second, DEFAULT).energy_kcal


def test_probabilities_are_those_of_the_ensemble() -> None:
    p = pair_probabilities("GGGAAACCC")
    assert p.dtype == np.float32 and np.array_equal(p, p.T) and not p.diagonal().any()
    assert p[0, 8] == pytest.approx(0.5236231, abs=1e-6) and p[1, 7] == pytest.approx(0.5358508, abs=1e-6)
    long = pair_probabilities(drawn(120))
    assert long.sum(axis=0).max() <= 1 + 1e-4 and long.min() >= 0


def test_one_go_gives_what_single_calls_give() -> None:
    letters = drawn(90)
    found = ensemble(letters)
    assert np.array_equal(found.mfe.partner, mfe(letters).partner)
    assert np.array_equal(found.mea.partner, mea(letters).partner)
    assert np.array_equal(found.probabilities, pair_probabilities(letters))
    assert found.free_energy_kcal <= found.mfe.energy_kcal


def test_a_larger_gamma_pairs_more() -> None:
    letters = drawn(100, seed=3)
    paired = [int((mea(letters, gamma=gamma).partner >= 0).sum()) for gamma in (0.1, 1.0, 10.0)]
    assert paired == sorted(paired) and paired[0] < paired[-1]


def test_n_is_never_paired() -> None:
    letters = "NNNN" + HAIRPIN + "NGGNNNNCCN"
    is_n = np.array([letter == "N" for letter in letters])
    assert not pair_probabilities(letters)[is_n].any()
    assert (mfe(letters).partner[is_n] == -1).all()
    assert mfe("NNNN").partner.tolist() == [-1] * 4


@pytest.mark.parametrize("letters", ["", "A", "GC"])
def test_the_shortest_rnas_have_no_pair(letters: str) -> None:
    found = ensemble(letters)
    assert (
        found.mfe.partner.tolist() == found.mea.partner.tolist() == mfe(letters).partner.tolist() == [-1] * len(letters)
    )
    assert found.probabilities.shape == (len(letters),) * 2 and not found.probabilities.any()


def test_two_strands_pair_with_each_other() -> None:
    partner, energy = cofold("GGGGAAAA", "UUUUCCCC")
    assert partner.tolist() == [15, 14, 13, 12, 11, 10, 9, -1, -1, 6, 5, 4, 3, 2, 1, 0]
    assert energy == pytest.approx(-10.5, abs=1e-4)
    p = cofold_probabilities("GGGGAAAA", "UUUUCCCC")
    assert p.shape == (16, 16) and p[0, 15] == pytest.approx(0.961, abs=1e-3)
    assert cofold("", HAIRPIN).energy_kcal == mfe(HAIRPIN).energy_kcal


def test_a_duplex_says_which_base_meets_which() -> None:
    found = duplex("AAGGGGAAAA", "GUUUUCCCCGA")
    assert found.energy_kcal == pytest.approx(-12.0, abs=1e-4)
    assert found.pairs.tolist() == [[2 + k, 8 - k] for k in range(8)]
    with_loop = duplex("NNGGGGNCAAAA", "GUUUUGNCCCGA")
    assert with_loop.pairs.tolist() == [[3, 9], [4, 8], [5, 7], *([7 + k, 5 - k] for k in range(5))]


@pytest.mark.parametrize(("first", "second"), [("AAAAA", "AAAAA"), ("", "ACGU"), ("NNN", "GGG")])
def test_without_a_pair_there_is_no_duplex(first: str, second: str) -> None:
    found = duplex(first, second)
    assert found.pairs.shape == (0, 2) and found.energy_kcal == 0


def test_what_is_too_long_is_refused_with_its_memory() -> None:
    model = EnergyModel(max_nt=50)
    for fold in (mfe, pair_probabilities):
        with pytest.raises(DataError, match=r"an RNA of 60 nt needs about 0\.0 GB .* 50 nt is the limit"):
            fold("A" * 60, model)
    with pytest.raises(DataError, match="60 nt"):
        cofold("A" * 30, "C" * 30, EnergyModel(max_nt=59))
    assert 0.2e9 < memory_bytes(4000) < 1e9


@pytest.mark.parametrize(("words", "message"), [
    ({"parameters": "dna"}, "'dna' are not known. Choose one of rna_turner2004"),
    ({"temperature_c": -300.0}, "-300 °C is not between 0 and 100"),
])  # fmt: skip
def test_other_energies_are_refused(words: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EnergyModel(**words)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(ToolError, match="ViennaRNA is not installed"):
        mfe("ACGU")


def test_of_several_models_the_mean_probability_is_listed() -> None:
    names = ("rna_turner2004", "rna_langdon2018")
    both = probable_pairs(TRNA, energy_models(",".join(names)))
    dense = np.zeros((len(TRNA), len(TRNA)))
    dense[both.i, both.j] = both.p
    mean = np.mean([np.triu(pair_probabilities(TRNA, EnergyModel(name))) for name in names], axis=0)
    assert np.abs(dense - mean).max() < 1e-3 and both.p.min() >= LEAST - 1e-6
    assert np.array_equal(dense > 0.01, mean > 0.01)


def test_energies_that_are_kept_give_what_loading_them_anew_gives_bit_for_bit() -> None:
    import RNA

    models = [*energy_models(",".join(PARAMETERS)), EnergyModel("rna_turner1999", 20.0), EnergyModel()]
    letters = drawn(80)
    probable_pairs(letters, models)
    for model in models:
        kept = ensemble(letters, model), probable_pairs(letters, (model,)), cofold(letters[:30], letters[30:], model)
        vienna._use_parameters(model.parameters)
        details = RNA.md(temperature=model.temperature_c)
        compound, both = (RNA.fold_compound(text, details) for text in (letters, f"{letters[:30]}&{letters[30:]}"))
        energy = compound.mfe()[1]
        compound.exp_params_rescale(energy)
        assert kept[0].mfe.energy_kcal == energy and kept[0].free_energy_kcal == compound.pf()[1]
        listed = sorted((pair.i - 1, pair.j - 1, np.float16(pair.p)) for pair in compound.plist_from_probs(LEAST))
        assert [*zip(*(column.tolist() for column in kept[1]), strict=True)] == [
            one for one in listed if one[2] >= np.float16(LEAST)
        ]
        assert kept[2].energy_kcal == both.mfe_dimer()[1]


@pytest.mark.parametrize("names", ["", "rna_turner2004,rna_turner2004", "rna_turner2004,"])
def test_energies_that_are_none_or_named_twice_are_refused(names: str) -> None:
    with pytest.raises(UsageError, match="Energy parameters"):
        energy_models(names)
