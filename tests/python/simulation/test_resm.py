"""Simulated RNAs: structures fit their letters, relatives keep them, values and sites follow their rules."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.labels.structure.dot_bracket import parse_brackets, read_dot_bracket
from ribolm.labels.structure.pairs import UNPAIRED
from ribolm.labels.structure.stockholm import read_families
from ribolm.sequences.rna import read_rna
from ribolm.simulation.resm import simulate_resm
from ribolm.simulation.resm_options import ResmOptions
from ribolm.simulation.resm_rnas import KINDS, draw_shape, draw_structure, fill, relative

PAIRING = {"GC", "CG", "AU", "UA", "GU", "UG"}
COMPLEMENT = str.maketrans("ACGU", "UGCA")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "resm"
    simulate_resm(ResmOptions(rnas=24, structures=15, members=4, values=400, interactions=3), out)
    return out


def can_pair(letters: str, partner: np.ndarray) -> bool:
    return all(letters[i] + letters[j] in PAIRING for i, j in enumerate(partner.tolist()) if j > i)


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 1000))
def test_letters_fit_the_shape_and_relatives_keep_it(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    partner = parse_brackets(draw_shape(random, kind))
    assert 20 <= len(partner) <= 140 and (partner != UNPAIRED).sum() >= 8
    letters = fill(random, partner)
    changed = relative(random, letters, partner)
    assert can_pair(letters.tobytes().decode(), partner) and can_pair(changed.tobytes().decode(), partner)
    assert (letters == changed).mean() > 0.3


def test_every_fourth_structure_has_crossing_pairs() -> None:
    structure = draw_structure(np.random.default_rng(1), "pseudoknot", "k")
    pairs = structure.pairs()
    assert any(a < c < b < d for a, b in pairs for c, d in pairs)


def test_sets_are_apart_and_what_is_predicted_is_what_is_tested(folder: Path) -> None:
    parts = {name: read_dot_bracket(folder / f"structures.{name}.dbn") for name in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [9, 3, 3]
    names = [one.name for part in parts.values() for one in part]
    assert len(set(names)) == len(names)
    mine = read_rna(folder / "mine.fa")
    assert [(one.name, one.letters) for one in mine] == [(one.name, one.letters) for one in parts["test"]]
    assert all(one.description.startswith("type=") for one in mine)
    assert len(read_rna(folder / "rnas.train.fa.gz")) == 20 and len(read_rna(folder / "rnas.test.fa.gz")) == 4


def test_members_of_a_family_are_different_and_have_its_structure(folder: Path) -> None:
    families = read_families(folder / "families.sto")
    assert [family.kind for family in families] == [f"Gene; {kind}" for kind in KINDS]
    for family in families:
        assert len({member.letters for member in family.members}) == 4
        assert all(can_pair(member.letters, member.partner) for member in family.members)


def test_values_follow_their_rule(folder: Path) -> None:
    with (folder / "load.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    starts = np.array(
        [any(row["sequence"][at : at + 3] == "AUG" and (50 - at) % 3 for at in range(48)) for row in rows]
    )
    load = np.array([float(row["load"]) for row in rows])
    assert load[~starts].mean() - load[starts].mean() > 2.5
    assert len({row["gene"] for row in rows}) == 100


def test_targets_hold_what_pairs_with_the_small_rna(folder: Path) -> None:
    with (folder / "pairs.csv").open() as handle:
        for row in csv.DictReader(handle):
            site = row["target_sequence"][int(row["target_start0"]) : int(row["target_end0"])]
            assert site.translate(COMPLEMENT)[::-1] in row["query_sequence"]
