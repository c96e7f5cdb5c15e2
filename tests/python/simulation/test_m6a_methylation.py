"""Expression and planted sites."""

import dataclasses

import numpy as np

from ribolm.alphabet import IUPAC
from ribolm.simulation.m6a import make_experiment
from ribolm.simulation.m6a_fragments import Experiment
from ribolm.simulation.m6a_methylation import SPACING_FRAGMENTS, draw_abundance
from ribolm.simulation.m6a_options import M6aOptions

COMPLEMENT = dict(zip("ACGT", "TGCA", strict=True))


def test_every_site_is_the_a_of_drach_on_its_strand_of_the_genome(small: Experiment) -> None:
    t, sites = small.transcripts, small.sites
    assert len(sites) > 80
    for contig, position0, strand in zip(sites.contig, sites.position0, sites.strand, strict=True):
        at = int(t.contig_offset[contig] + position0)
        around = t.genome[at - 2 : at + 3].tobytes().decode()
        motif = around if strand > 0 else "".join(COMPLEMENT[x] for x in reversed(around))
        assert all(base in IUPAC[code] for base, code in zip(motif, "DRACH", strict=True)), motif


def test_sites_keep_their_distance_and_lie_in_expressed_coding_genes(small: Experiment) -> None:
    t, sites, options = small.transcripts, small.sites, small.options
    level = np.bincount(t.transcript_gene, weights=small.abundance)
    coding = np.array(t.gene_biotypes) == "protein_coding"
    assert coding[sites.gene].all()
    assert level[sites.gene].min() >= np.quantile(level[coding], options.site_expression_quantile)
    for gene in np.unique(sites.gene):
        at = np.sort(sites.transcript_position[sites.gene == gene])
        assert (np.diff(at) >= SPACING_FRAGMENTS * options.fragment_length_nt).all()


def test_methylation_is_dense_near_stop_codons() -> None:
    experiment = make_experiment(M6aOptions(seed=2, genes=400, fragments=0))
    t, sites = experiment.transcripts, experiment.sites
    main = sites.transcript
    from_stop_nt = sites.transcript_position - t.coding_end[main]
    near = np.mean(np.abs(from_stop_nt) <= 150)
    assert near > 0.4
    assert np.mean(from_stop_nt > -150) > 0.7
    assert np.mean(sites.transcript_position < t.coding_start[main]) < 0.05


def test_pairs_name_the_same_genome_position_on_every_isoform(small: Experiment) -> None:
    t, sites = small.transcripts, small.sites
    position0 = t.to_genome0(t.transcript_offset[sites.pair_transcript] + sites.pair_position)
    assert (position0 == sites.position0[sites.pair_site]).all()
    assert (t.transcript_gene[sites.pair_transcript] == sites.gene[sites.pair_site]).all()
    mains = {(k, int(transcript)) for k, transcript in enumerate(sites.transcript)}
    assert mains <= set(zip(sites.pair_site.tolist(), sites.pair_transcript.tolist(), strict=True))
    assert len(sites.pair_site) > len(sites)


def test_the_second_group_loses_its_share_and_the_first_none() -> None:
    sites = make_experiment(M6aOptions(seed=5, genes=500, lost_fraction=0.4, fragments=0)).sites
    assert sites.present[0].all()
    assert abs(1 - sites.present[1].mean() - 0.4) < 0.07


def test_options_of_libraries_and_sites_do_not_reshuffle_the_rest(small: Experiment) -> None:
    changed = dataclasses.replace(
        small.options, fragments=10, groups=3, replicates=1, enrichment=2, dispersion=0.1, lost_fraction=0.9, spikein=3
    )
    other = make_experiment(changed)
    n = small.transcripts.n_annotated_genes
    assert (other.sites.position0 == small.sites.position0).all()
    assert other.transcripts.gene_ids[:n] == small.transcripts.gene_ids
    n_transcripts = len(small.transcripts.transcript_ids)
    assert (other.abundance[:n_transcripts] == small.abundance).all()


def test_expression_has_the_spread_that_was_asked_for() -> None:
    options = M6aOptions(seed=3, genes=600, expression_sigma=1.3, fragments=0)
    experiment = make_experiment(options)
    level = np.bincount(experiment.transcripts.transcript_gene, weights=experiment.abundance)
    assert abs(np.log(level).std() - 1.3) < 0.12


def test_spikeins_get_their_share() -> None:
    experiment = make_experiment(M6aOptions(spikein=5, spikein_fraction=0.1, fragments=0))
    t = experiment.transcripts
    mass = draw_abundance(t, experiment.options) * t.length_nt
    assert abs(mass[t.transcript_gene >= t.n_annotated_genes].sum() / mass.sum() - 0.1) < 1e-9


def test_a_null_experiment_has_no_site() -> None:
    assert len(make_experiment(M6aOptions(null=True, fragments=0)).sites) == 0
