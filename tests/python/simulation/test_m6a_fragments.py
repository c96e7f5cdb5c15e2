"""Fragments do what the options say."""

import dataclasses

import numpy as np
import pytest

from ribolm.simulation.m6a import make_experiment
from ribolm.simulation.m6a_fragments import (
    NOISE_WINDOW_NT,
    Experiment,
    Fragments,
    draw_fragments,
    expected_input_fragments,
    fragment_lengths,
    gc_slope,
)
from ribolm.simulation.m6a_options import Library, M6aOptions, libraries

IP, INPUT = Library(0, "control", 1, "ip"), Library(0, "control", 1, "input")


def holding(experiment: Experiment, fragments: Fragments) -> np.ndarray:
    """Number of fragments that hold each site, int64 [sites]."""
    sites = experiment.sites
    counts = np.zeros(len(sites), dtype=np.int64)
    for site, transcript, at in zip(sites.pair_site, sites.pair_transcript, sites.pair_position, strict=True):
        inside = (fragments.start <= at) & (at < fragments.start + fragments.length_nt)
        counts[site] += (inside & (fragments.transcript == transcript)).sum()
    return counts


def with_options(experiment: Experiment, **changes: object) -> Experiment:
    """The same genome and sites with other options for the libraries."""
    return dataclasses.replace(experiment, options=dataclasses.replace(experiment.options, **changes))


def test_fragments_lie_on_their_transcripts(small: Experiment) -> None:
    for library in (IP, INPUT):
        fragments = draw_fragments(small, library)
        assert len(fragments) == small.options.fragments
        end = fragments.start.astype(int) + fragments.length_nt
        assert fragments.start.min() >= 0 and (end <= small.transcripts.length_nt[fragments.transcript]).all()
        assert fragments.length_nt.min() >= small.options.read_length_nt


def test_input_follows_expression_and_the_expected_number_at_sites(small: Experiment) -> None:
    experiment = with_options(small, fragments=200_000)
    fragments = draw_fragments(experiment, INPUT)
    expected = expected_input_fragments(experiment)
    z = (holding(experiment, fragments) - expected) / np.sqrt(expected)
    assert np.abs(z).max() < 4.5 and abs(z.mean()) < 0.3


@pytest.mark.parametrize("enrichment", [2.0, 8.0])
def test_the_enrichment_at_present_sites_is_the_one_asked_for(small: Experiment, enrichment: float) -> None:
    experiment = with_options(small, fragments=200_000, enrichment=enrichment)
    lost = Library(1, "treated", 1, "ip")
    ip, treated, control = (draw_fragments(experiment, x) for x in (IP, lost, INPUT))
    present = experiment.sites.present[1]
    base = holding(experiment, control)
    free = np.setdiff1d(np.arange(len(experiment.transcripts.transcript_ids)), experiment.sites.pair_transcript)
    level = np.isin(ip.transcript, free).sum() / np.isin(control.transcript, free).sum()
    assert holding(experiment, ip).sum() / base.sum() / level == pytest.approx(enrichment, rel=0.06)
    level = np.isin(treated.transcript, free).sum() / np.isin(control.transcript, free).sum()
    held = holding(experiment, treated)
    assert held[present].sum() / base[present].sum() / level == pytest.approx(enrichment, rel=0.06)
    assert held[~present].sum() / base[~present].sum() / level == pytest.approx(1, rel=0.15)


def test_fragment_lengths_follow_the_distribution(small: Experiment) -> None:
    lengths_nt, pmf = fragment_lengths(small.options)
    assert pmf.sum() == pytest.approx(1) and lengths_nt[0] == 75
    drawn = draw_fragments(small, INPUT).length_nt
    assert drawn.mean() == pytest.approx((lengths_nt * pmf).sum(), abs=1)
    assert drawn.std() == pytest.approx(25, abs=1.5)


def window_counts(experiment: Experiment, fragments: Fragments) -> np.ndarray:
    t = experiment.transcripts
    gene = t.transcript_gene[fragments.transcript]
    place = t.transcript_offset[fragments.transcript] + fragments.start + fragments.length_nt // 2
    window = (t.contig_offset[t.gene_contig[gene]] + t.to_genome0(place)) // NOISE_WINDOW_NT
    n = len(t.genome) // NOISE_WINDOW_NT + 1
    return np.bincount(window + n * (t.gene_strand[gene] < 0), minlength=2 * n)


@pytest.mark.parametrize("dispersion", [0.0, 0.1, 0.5])
def test_counts_of_windows_have_the_dispersion_asked_for(small: Experiment, dispersion: float) -> None:
    experiment = with_options(small, fragments=100_000, dispersion=dispersion)
    drawn = [draw_fragments(experiment, Library(0, "control", k, "input")) for k in range(1, 13)]
    counts = np.array([window_counts(experiment, fragments) for fragments in drawn])
    mean, variance = counts.mean(axis=0), counts.var(axis=0, ddof=1)
    deep = mean > 100
    # A fixed total makes windows compete, so that a little of the variance is missing.
    found = np.mean((variance[deep] - mean[deep]) / mean[deep] ** 2)
    assert deep.sum() > 60
    assert found == pytest.approx(dispersion, rel=0.15, abs=0.004)


@pytest.mark.parametrize("gc_bias", [-0.8, 0.6])
def test_the_yield_changes_with_gc_as_asked_for(gc_bias: float) -> None:
    options = M6aOptions(seed=4, genes=150, fragments=150_000, gc_bias=gc_bias, enrichment=1)
    experiment = make_experiment(options)
    assert experiment.gc_before is not None

    def gc_histogram(experiment: Experiment) -> np.ndarray:
        fragments = draw_fragments(experiment, IP)
        place = experiment.transcripts.transcript_offset[fragments.transcript] + fragments.start
        gc = (gc_before[place + fragments.length_nt] - gc_before[place]) / fragments.length_nt
        return np.bincount((gc * 20).astype(int), minlength=21)[8:13]

    gc_before = experiment.gc_before
    ratio = np.log(gc_histogram(experiment) / gc_histogram(with_options(experiment, gc_bias=0.0)))
    slope = np.polyfit(0.05 * np.arange(5), ratio, 1)[0] * 0.1
    assert slope == pytest.approx(gc_slope(options, IP), rel=0.06)
    assert gc_slope(options, IP) / gc_bias > gc_slope(options, INPUT) / gc_bias > 0


def test_a_library_does_not_depend_on_how_many_others_there_are(small: Experiment) -> None:
    alone = draw_fragments(with_options(small, replicates=1, groups=1), IP)
    among = draw_fragments(with_options(small, replicates=5, groups=2), IP)
    assert (alone.start == among.start).all() and (alone.transcript == among.transcript).all()


def test_more_fragments_begin_with_the_same_ones(small: Experiment) -> None:
    few, many = (draw_fragments(with_options(small, fragments=n), IP) for n in (1000, 3000))
    assert (many.start[:1000] == few.start).all()


def test_libraries_are_named_once() -> None:
    names = [library.name for library in libraries(M6aOptions(groups=4, replicates=3))]
    assert len(set(names)) == len(names) == 24
    assert names[:2] == ["control_1.ip", "control_1.input"] and "group_4_3.input" in names


def test_no_fragment_may_be_asked_for(small: Experiment) -> None:
    assert len(draw_fragments(with_options(small, fragments=0), IP)) == 0
