"""Gene models: reading frames, introns, isoforms."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.simulation.m6a_genes import draw_gene, has_open_frame, positions
from ribolm.simulation.m6a_options import M6aOptions

OPTIONS = M6aOptions(isoforms=3.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_every_isoform_of_every_gene_is_well_formed(seed: int, coding: bool) -> None:
    gene = draw_gene(np.random.default_rng(seed), OPTIONS, coding)
    assert len(set(gene.isoforms)) == len(gene.isoforms)
    for exons in gene.isoforms:
        assert all(a < b for a, b in exons)
        assert all(b + 80 <= c for (_, b), (c, _) in pairwise(exons))
        assert 0 <= exons[0][0] and exons[-1][1] <= len(gene.sequence)
        for (_, donor), (acceptor, _) in pairwise(exons):
            assert gene.sequence[donor : donor + 2].tobytes() == b"GT"
            assert gene.sequence[acceptor - 2 : acceptor].tobytes() == b"AG"
        if gene.coding:
            places = positions(exons)
            frame = places[(places >= gene.coding[0]) & (places < gene.coding[1])]
            assert has_open_frame(gene.sequence[frame])
            assert (places < gene.coding[0]).sum() >= 20 and (places >= gene.coding[1]).sum() >= 60
    assert (gene.coding is None) == (gene.biotype == "lncRNA") == (not coding)


def test_the_three_forms_of_isoforms_all_occur() -> None:
    rng = np.random.default_rng(0)
    genes = [draw_gene(rng, OPTIONS, True) for _ in range(60)]
    extra = [(gene.isoforms[0], other) for gene in genes for other in gene.isoforms[1:]]
    assert any(other[-1][1] < main[-1][1] for main, other in extra)
    assert any(other[0][0] > main[0][0] for main, other in extra)
    assert any(len(other) < len(main) for main, other in extra)


def test_a_frame_needs_start_and_end_and_nothing_between() -> None:
    def open_frame(text: bytes) -> bool:
        return has_open_frame(np.frombuffer(text, dtype=np.uint8))

    assert open_frame(b"ATGCCCTGA")
    assert not open_frame(b"ATGTAACCCTGA")
    assert not open_frame(b"CTGCCCTGA")
    assert not open_frame(b"ATGCCCTGG")
    assert not open_frame(b"ATGCCTGA")
