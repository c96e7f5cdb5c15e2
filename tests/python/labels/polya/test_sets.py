"""Sets of windows: mirrored with the genome, balanced, apart from known sites, no window twice, all accounted for."""

from __future__ import annotations

import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import letters
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.search import find_candidates
from ribolm.errors import DataError, UsageError
from ribolm.labels.polya.build import PolyaInputs, SearchOptions, build_polya
from ribolm.labels.polya.given_sites import SiteRules
from ribolm.labels.polya.internal_priming import may_be_primed_inside
from ribolm.labels.polya.output import signal_text
from ribolm.labels.polya.sets import SetRules
from ribolm.labels.polya.signals import NO_HEXAMER, name_signals
from ribolm.labels.polya.strand_letters import Places, window_starts0

SETS = ["gene", "gene_matched", "intergene", "intergene_matched"]


def rows_of(data, one):
    return [
        (data.genome.names[c], int(a), int(s), int(label))
        for c, a, s, label in zip(one.places.contig, one.places.at0, one.places.strand, one.label, strict=True)
    ]


def test_the_mirrored_genome_gives_the_mirrored_sets(polya_data, mirrored):
    other, lengths = mirrored.build(), polya_data.genome.lengths
    assert [one.name for one in other.sets] == SETS
    for one, twin in zip(polya_data.sets, other.sets, strict=True):
        turned = {(c, lengths[c] - 1 - a, -s, label) for c, a, s, label in rows_of(other, twin)}
        assert set(rows_of(polya_data, one)) == turned and len(one) == len(twin) > 20
        texts = [sorted(map(bytes, w.letters(d.genome))) for d, w in ((polya_data, one), (other, twin))]
        assert texts[0] == texts[1]
    assert other.outcomes.counts == polya_data.outcomes.counts


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_balanced_and_holds_no_window_twice(polya_data, name):
    one = next(one for one in polya_data.sets if one.name == name)
    windows = [bytes(row) for row in one.letters(polya_data.genome)]
    assert len(set(windows)) == len(windows) and all(row[50:51] == b"A" and b"N" not in row for row in windows)
    strata = one.places.contig * 256 + (one.hexamer if name.endswith("matched") else 0)
    assert Counter(strata[one.label == 1].tolist()) == Counter(strata[one.label == 0].tolist())
    negatives = one.label == 0
    assert ((one.distance_nt[negatives] >= 10) & (one.distance_nt[negatives] <= 35)).all()
    if not name.endswith("matched"):
        assert set(one.hexamer[negatives].tolist()) <= {0, 1}
    for k in np.flatnonzero(negatives)[:50]:
        hexamer, distance = signal_text(polya_data, one.hexamer[k], one.distance_nt[k]).split("@-")
        assert windows[k][50 - int(distance) :].startswith(hexamer.encode())


@pytest.mark.parametrize("name", ["gene", "intergene"])
def test_negatives_keep_away_from_every_known_site_and_lie_where_they_should(polya_data, polya_world, name):
    one = next(one for one in polya_data.sets if one.name == name)
    known = [line.split("\t") for line in polya_world.sites.read_text().splitlines()]
    with gzip.open(polya_world.gtf, "rt") as handle:
        genes = [cells for line in handle if (cells := line.split("\t"))[2] == "gene"]
    for chrom, at0, strand, label in rows_of(polya_data, one):
        if label:
            continue
        for cells in known:
            if cells[0] == chrom:
                assert at0 < int(cells[1]) - 100 or at0 >= int(cells[2]) + 100
        over = [g[6] for g in genes if g[0] == chrom and int(g[3]) - 1 <= at0 < int(g[4])]
        assert ("+" if strand > 0 else "-") in over if name == "gene" else not over


def test_every_row_of_the_list_is_counted_once_and_positives_are_true(polya_data, polya_world):
    counts = polya_data.outcomes.of("sites")
    assert sum(counts.values()) == len(polya_world.sites.read_text().splitlines())
    truth = {(c, a, 1 if s == "+" else -1) for c, a, s in polya_world.truth}
    positives = {row[:3] for row in rows_of(polya_data, polya_data.sets[0]) if row[3]}
    false = positives - truth
    assert len(false) < 0.2 * len(positives)
    primed = polya_data.given.is_primed[polya_data.given.kept]
    assert 0 < primed.sum() < 0.3 * len(primed)


def test_a_list_of_a_species_or_build_without_the_signals_is_warned_about(polya_world, polya_genome, tmp_path, capsys):
    polya_world.build(kinds=("gene",), matched=False)
    assert "no more than chance" not in capsys.readouterr().err
    text = polya_genome.fetch("chr1", 0, 60_000)
    places = [k for k in np.flatnonzero(text == ord("A"))[200::150].tolist() if text[k - 1] != ord("A")]
    path = tmp_path / "elsewhere.bed"
    path.write_text("".join(f"chr1\t{k}\t{k + 1}\tx\t0\t+\n" for k in places))
    polya_world.build(sites=path, kinds=("gene",), matched=False)
    assert "no more than chance" in capsys.readouterr().err


def test_a_list_without_sites_gives_empty_sets_and_one_class_is_refused(polya_world, polya_genome, tmp_path):
    path = tmp_path / "none.bed"
    path.write_text("")
    assert [len(one) for one in polya_world.build(sites=path).sets] == [0, 0, 0, 0]
    text = polya_genome.fetch("chr1", 0, 60_000)
    path.write_text("".join(f"chr1\t{k}\t{k + 1}\tx\t0\t+\n" for k in np.flatnonzero(text == ord("C"))[:200].tolist()))
    (tmp_path / "signals.bed").write_text("chr1\t500\t506\tpolyA_signal\t0\t+\n")
    with pytest.raises(DataError, match="none of its 1 rows can be a positive"):
        polya_world.build(sites=tmp_path / "signals.bed")
    near = tmp_path / "tiny.bed"
    near.write_text("".join(f"chr1\t{k}\t{k + 1}\tx\t0\t+\n" for k in range(60, 89_000, 90)))
    with pytest.raises(DataError, match=r"Set 'gene' has .* sites but no negative"):
        polya_world.build(sites=near)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ACGTN", min_size=20, max_size=20), min_size=1, max_size=5))
def test_internal_priming_is_six_a_in_a_row_or_seven_in_ten(rows):
    found = may_be_primed_inside(np.stack([letters(row) for row in rows]))
    expected = ["AAAAAA" in row or any(row[k : k + 10].count("A") >= 7 for k in range(11)) for row in rows]
    assert found.tolist() == expected


def test_signals_of_any_place_are_named_as_those_of_candidates():
    random = np.random.default_rng(3)
    text = np.frombuffer(b"AACGTT", dtype=np.uint8)[random.integers(0, 6, 4000)]
    rule = CandidateRule(preceding="ACGT")
    found = find_candidates(text, rule)
    plus = found.take(found.strand > 0)
    upstream = np.stack([text[a - 35 : a] for a in plus.anchor0])
    hexamer, distance = name_signals(upstream, rule)
    assert len(plus) > 50
    assert np.array_equal(hexamer, plus.hexamer) and np.array_equal(distance, plus.distance_nt)
    nothing, far = name_signals(np.full((2, 35), ord("N"), dtype=np.uint8), rule)
    assert (nothing == NO_HEXAMER).all() and not far.any()


@pytest.mark.parametrize("width", [11, 60, 206])
def test_windows_of_any_width_have_the_anchor_at_half_of_it(polya_world, width):
    data = polya_world.build(width=width, kinds=("gene",), matched=False)
    (one,) = data.sets
    windows = one.letters(data.genome)
    assert windows.shape == (len(one), width) and len(one) > 20 and (windows[:, width // 2] == ord("A")).all()
    first = window_starts0(Places(np.zeros(4, int), np.array([0, 0, 1, 1]), np.array([1, -1, 1, -1])), width)
    reach = max(int(first[:2].max()) + width - int(first[2:].min()), 0)  # of windows one base apart, on any strands
    assert data.rules.margin_nt == reach, "one base farther away than the margin no two windows share a base"
    assert (one.label == 1).sum() == (one.label == 0).sum()
    for k in (0, len(one) - 1):
        chrom, strand = data.genome.names[one.places.contig[k]], "+" if one.places.strand[k] > 0 else "-"
        start0 = int(one.starts0[k])
        assert data.genome.fetch(chrom, start0, start0 + width, strand).tobytes() == windows[k].tobytes()


def test_negatives_may_have_signals_of_other_species(polya_world):
    data = polya_world.build(kinds=("gene",), matched=False, hexamers=("TGTAAA", "AATAAA"))
    (one,) = data.sets
    named = {data.rule.hexamers[rank] for rank in one.hexamer[one.label == 0]}
    assert named == {"TGTAAA", "AATAAA"}
    for hexamers, words in (((), "--hexamers names none"), (("AATAA",), "is no hexamer")):
        with pytest.raises(UsageError, match=words):
            polya_world.build(hexamers=hexamers)


def test_negatives_keep_away_from_the_sites_of_further_lists_too(polya_world, tmp_path):
    def negatives(*lists):
        inputs = PolyaInputs(polya_world.fasta, polya_world.gtf, polya_world.sites, "auto", lists)
        (one,) = build_polya(inputs, SiteRules(), SearchOptions(), SetRules(("gene",), matched=False)).sets
        rows = zip(one.places.contig, one.places.at0, one.label, strict=True)
        return {(int(contig), int(at0)) for contig, at0, label in rows if not label}

    at0 = sorted(at0 for contig, at0 in negatives() if contig == 0)[3]
    more = tmp_path / "more.bed"
    more.write_text(f"chr1\t{at0}\t{at0 + 1}\tx\t0\t-\n")
    assert (0, at0) in negatives() and not any(c == 0 and abs(a - at0) <= 100 for c, a in negatives(more))
