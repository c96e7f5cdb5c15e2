"""The genome and its transcripts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import reverse_complement
from ribolm.simulation.m6a_fragments import Experiment
from ribolm.simulation.m6a_genes import has_open_frame
from ribolm.simulation.m6a_options import M6aOptions
from ribolm.simulation.m6a_transcriptome import Transcriptome, build_transcriptome


def spliced(t: Transcriptome, transcript: int, start_nt: int, end_nt: int) -> bytes:
    """The letters of part of a transcript, read from the genome by its blocks."""
    gene = t.transcript_gene[transcript]
    offset = t.contig_offset[t.gene_contig[gene]]
    blocks = t.blocks(transcript, start_nt, end_nt)
    letters = np.concatenate([t.genome[offset + a : offset + b] for a, b in blocks])
    return (letters if t.gene_strand[gene] > 0 else reverse_complement(letters)).tobytes()


def test_transcripts_spell_their_genomic_blocks(small: Experiment) -> None:
    t = small.transcripts
    for k, length_nt in enumerate(t.length_nt):
        offset = int(t.transcript_offset[k])
        assert spliced(t, k, 0, int(length_nt)) == t.sequence[offset : offset + length_nt].tobytes()


def test_every_coding_transcript_reads_from_start_to_stop(small: Experiment) -> None:
    t = small.transcripts
    coding = np.flatnonzero(t.coding_start >= 0)
    assert len(coding) > 150
    for k in coding:
        frame = spliced(t, k, int(t.coding_start[k]), int(t.coding_end[k]))
        assert has_open_frame(np.frombuffer(frame, dtype=np.uint8))


def test_there_is_what_a_genome_has(small: Experiment) -> None:
    t = small.transcripts
    assert set(t.gene_biotypes) == {"protein_coding", "lncRNA"}
    assert set(t.gene_strand.tolist()) == {1, -1}
    assert len(t.transcript_ids) > len(t.gene_ids)
    assert t.contig_names[-1] == "chrUn" and len(t.contig_names) - 1 not in t.gene_contig
    assert np.bincount(np.diff(t.first_exon))[2:].sum() > 100


def test_some_genes_overlap_on_opposite_strands_and_none_on_the_same(small: Experiment) -> None:
    t = small.transcripts
    gene = np.repeat(t.transcript_gene, np.diff(t.first_exon))
    opposite = 0
    order = np.arange(len(t.gene_ids))
    low0 = np.array([t.exon_start0[gene == k].min() for k in order])
    high0 = np.array([t.exon_end0[gene == k].max() for k in order])
    for a in order[:-1]:
        b = a + 1
        if t.gene_contig[a] == t.gene_contig[b] and low0[b] < high0[a]:
            assert t.gene_strand[a] == 1 and t.gene_strand[b] == -1
            opposite += 1
    assert opposite >= 3


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_place_and_its_block_agree(small: Experiment, data: st.DataObject) -> None:
    t = small.transcripts
    k = data.draw(st.integers(0, len(t.transcript_ids) - 1))
    at = data.draw(st.integers(0, int(t.length_nt[k]) - 1))
    position0 = int(t.to_genome0(t.transcript_offset[[k]] + at)[0])
    assert t.blocks(k, at, at + 1) == [(position0, position0 + 1)]


def test_blocks_of_a_split_add_up(small: Experiment) -> None:
    t = small.transcripts
    k = int(np.argmax(np.diff(t.first_exon)))
    whole = t.blocks(k, 0, int(t.length_nt[k]))
    halves = t.blocks(k, 0, 100) + t.blocks(k, 100, int(t.length_nt[k]))
    assert sum(b - a for a, b in whole) == sum(b - a for a, b in halves) == t.length_nt[k]
    assert len(whole) == np.diff(t.first_exon)[k]


def test_spikeins_are_contigs_of_their_own_without_annotation() -> None:
    t = build_transcriptome(M6aOptions(genes=6, spikein=4))
    assert t.contig_names[-4:] == ("spikein_01", "spikein_02", "spikein_03", "spikein_04")
    assert t.n_annotated_genes == 6 and t.gene_biotypes[6:] == ("spikein",) * 4
    plain = build_transcriptome(M6aOptions(genes=6))
    assert (plain.genome == t.genome[: len(plain.genome)]).all()


def test_one_contig_can_be_asked_for() -> None:
    t = build_transcriptome(M6aOptions(genes=3, contigs=1))
    assert t.contig_names == ("chr1",)
