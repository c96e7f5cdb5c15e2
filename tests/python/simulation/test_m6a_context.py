"""The planted rule: it holds behind every site, seldom elsewhere, and leaves genes and other draws as they were."""

import dataclasses

import numpy as np
import pytest

from ribolm.alphabet import DRACH, DRACH_A_OFFSET, motif_starts
from ribolm.simulation.m6a import make_experiment
from ribolm.simulation.m6a_context import context_rule, context_without_site, has_context
from ribolm.simulation.m6a_fragments import Experiment
from ribolm.simulation.m6a_genes import has_open_frame
from ribolm.simulation.m6a_options import M6aOptions

OPTIONS = M6aOptions(seed=7, genes=150, isoforms=2.0, fragments=0, context_nt=12)


@pytest.fixture(scope="module")
def planted() -> Experiment:
    return make_experiment(OPTIONS)


def rna(experiment: Experiment, transcript: int) -> np.ndarray:
    offset = experiment.transcripts.transcript_offset
    return experiment.transcripts.sequence[offset[transcript] : offset[transcript + 1]]


def test_the_rule_holds_behind_every_site_on_its_main_isoform(planted: Experiment) -> None:
    sites = planted.sites
    assert len(sites) > 60
    for transcript, position in zip(sites.transcript, sites.transcript_position, strict=True):
        sequence = rna(planted, int(transcript))
        assert position in motif_starts(sequence, DRACH) + DRACH_A_OFFSET
        assert np.count_nonzero(sequence[position + 3 : position + 15] == ord("T")) >= 9
        assert has_context(sequence, np.array([position]), 12)[0]


def test_the_rule_seldom_holds_elsewhere(planted: Experiment) -> None:
    by_chance = context_without_site(planted.transcripts, planted.sites, OPTIONS)
    drach = sum(len(motif_starts(rna(planted, int(t)), DRACH)) for t in np.unique(planted.sites.transcript))
    assert by_chance < 0.02 * drach and by_chance < 0.1 * len(planted.sites)


def test_genes_keep_their_shape_and_their_frames(planted: Experiment, small: Experiment) -> None:
    before, after = small.transcripts, planted.transcripts
    assert (before.exon_start0 == after.exon_start0).all() and len(before.genome) == len(after.genome)
    changed = np.count_nonzero(before.genome != after.genome)
    assert 0 < changed <= 12 * len(planted.sites)
    for transcript, (start, end) in enumerate(zip(after.coding_start, after.coding_end, strict=True)):
        if start >= 0:
            assert has_open_frame(rna(planted, transcript)[start:end])


def test_the_sites_are_those_without_the_rule_less_the_few_without_room(planted: Experiment, small: Experiment) -> None:
    def keys(experiment: Experiment) -> set[tuple[int, int]]:
        return set(zip(experiment.sites.contig.tolist(), experiment.sites.position0.tolist(), strict=True))

    assert keys(planted) < keys(small)
    assert len(planted.sites) > 0.6 * len(small.sites)
    sites, t = planted.sites, planted.transcripts
    position0 = t.to_genome0(t.transcript_offset[sites.pair_transcript] + sites.pair_position)
    assert (position0 == sites.position0[sites.pair_site]).all()
    assert sites.present.shape == (2, len(sites))


def test_without_the_option_nothing_changes_and_no_rule_is_stated(small: Experiment) -> None:
    assert context_rule(small.options) == ""
    assert context_without_site(small.transcripts, small.sites, small.options) == 0
    assert "at least 75% of the 12 bases from 3 to 14 nt after its A are U" in context_rule(OPTIONS)


def test_a_null_experiment_has_nothing_to_plant() -> None:
    experiment = make_experiment(dataclasses.replace(OPTIONS, null=True, genes=10))
    assert len(experiment.sites) == 0
