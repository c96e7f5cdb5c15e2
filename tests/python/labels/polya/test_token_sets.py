"""Labels per nucleotide: on the anchors, each base of a tested gene once, nothing of it in crops of other folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError, UsageError
from ribolm.labels.folds import read_folds
from ribolm.labels.polya.build import PolyaInputs
from ribolm.labels.polya.given_sites import SiteRules
from ribolm.labels.polya.stretches import tiles
from ribolm.labels.polya.token_sets import TokenRules, write_token_sets
from ribolm.sequences.placement import positions0
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

RULES = TokenRules(crop_nt=600, tile_nt=1500, overlap_nt=200, folds=3, fold=1)


@pytest.fixture(scope="module")
def folder(polya_world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tokens")
    write(out, polya_world, RULES)
    return out


def write(out: Path, world, rules: TokenRules, tokenizer: str = "nucleotide") -> str:
    inputs = PolyaInputs(world.fasta, world.gtf, world.sites)
    return write_token_sets(out, inputs, SiteRules(1), rules, make_tokenizer(tokenizer))


def rows_of(folder: Path, name: str):
    """(chrom, strand, places of the tokens, letters, labels) of every row."""
    store = TokenStore.open(folder / name)
    letter, labels = store.tokenizer.middle_letters(), store.label("polya")
    for k, row in enumerate(store.names().iter_rows(named=True)):
        at = slice(int(store.offsets[k]), int(store.offsets[k + 1]))
        places = positions0(row["block_starts0"], row["block_ends0"], row["strand"])
        yield row["chrom"], row["strand"], places, letter[store.tokens[at]], np.asarray(labels[at])


@pytest.mark.parametrize("name", ["crops", "genes"])
def test_exactly_the_known_anchors_are_labelled(folder, name, polya_data):
    given = polya_data.given
    places = zip(given.places.contig, given.places.at0, given.places.strand, strict=True)
    known = [(polya_data.genome.names[c], int(a), "+" if s > 0 else "-") for c, a, s in places]
    usable = {place for place, base in zip(known, given.base, strict=True) if base == ord("A")}
    met = set()
    for chrom, strand, places, letters, labels in rows_of(folder, name):
        for at in np.flatnonzero(labels == 1):
            assert letters[at] == ord("A") and (chrom, int(places[at]), strand) in usable
            met.add((chrom, int(places[at]), strand))
        zeros = {(chrom, int(at0), strand) for at0 in places[labels == 0]}
        assert not zeros & usable and not zeros & set(known)
    assert len(met) > (0.9 if name == "crops" else 0.15) * len(usable)


def test_every_base_of_a_tested_gene_counts_once_and_is_in_no_crop_of_another_fold(folder):
    fold = read_folds(folder / "crops.folds.tsv")
    tested = set()
    for chrom, strand, places, _, labels in rows_of(folder, "genes"):
        counted = {(chrom, strand, int(at0)) for at0 in places[np.isfinite(labels)]}
        assert not counted & tested
        tested |= counted
    assert set(read_folds(folder / "genes.folds.tsv").fold.tolist()) == {1}
    assert len(tested) > 10_000
    both = {(chrom, at0) for chrom, _, at0 in tested}
    for k, (chrom, _, places, _, _) in enumerate(rows_of(folder, "crops")):
        if fold.fold[k] != 1:
            assert not both & {(chrom, int(at0)) for at0 in places}


@given(st.integers(1, 3000), st.integers(200, 900), st.data())
def test_tiles_cover_a_stretch_once(length, tile, data):
    overlap = data.draw(st.integers(0, tile - 1).filter(lambda n: n < tile - 60))
    found = tiles(70, 70 + length, tile, overlap)
    assert [found[0][2], *(core_end for *_, core_end in found)] == [*(core for _, _, core, _ in found), 70 + length]
    for start0, end0, core0, core_end0 in found:
        assert 70 <= start0 <= core0 < core_end0 <= end0 <= 70 + length
        assert end0 - start0 == min(tile, length)


def test_what_cannot_be_labelled_is_refused(polya_world, tmp_path):
    with pytest.raises(DataError, match="covers several bases"):
        write(tmp_path, polya_world, RULES, "chunk")
    with pytest.raises(UsageError, match="--overlap 1500 does not fit"):
        write(tmp_path, polya_world, TokenRules(tile_nt=1500, overlap_nt=1500))


def test_the_stores_say_how_wide_their_rows_are_and_that_an_unknown_label_is_left_out(folder):
    options = {name: TokenStore.open(folder / name).manifest["source"]["options"] for name in ("crops", "genes")}
    assert options["crops"] == {"window_nt": 600, "overlap_nt": 150, "complete_labels": True}
    assert options["genes"] == {"window_nt": 1500, "overlap_nt": 200, "complete_labels": True}
