"""Clusters of genes: of one contig each, found again by what lies in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.gene_places import Genes


def test_a_gene_at_the_start_of_a_contig_shares_no_cluster_with_one_at_the_end_of_the_contig_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "g.fa").write_text(f">c1\n{'A' * 60_000}\n>c2\n{'A' * 60_000}\n")
    rows = [
        f'{chrom}\tx\texon\t{start0 + 1}\t{end0}\t.\t+\t.\tgene_id "{gene}"; transcript_id "{gene}.t";\n'
        for chrom, start0, end0, gene in (("c1", 57_499, 59_900, "a"), ("c2", 299, 2_700, "b"))
    ]
    (tmp_path / "g.gtf").write_text("".join(rows))
    genes = Genes.of(read_gtf(tmp_path / "g.gtf"), Genome.open(tmp_path / "g.fa"))
    assert genes.cluster.tolist() == [0, 1]
    windows = genes.cluster_of(np.array([0, 1]), np.array([58_000, 500]), np.array([58_101, 601]))
    assert windows.tolist() == [0, 1]
