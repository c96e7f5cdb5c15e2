"""A simulated genome with poly(A) sites: the truth stands in the letters, the list is incomplete, seeds decide."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import UsageError
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.strand_letters import Places, letters_around
from ribolm.simulation.polya import simulate_polya
from ribolm.simulation.polya_options import PolyaOptions

DATA = Path(__file__).parents[2] / "data" / "polya"


@pytest.fixture(scope="module")
def genome() -> Genome:
    return Genome.open(DATA / "genome.fa.gz")


def truth(kind: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / "truth" / f"{kind}.bed").read_text().splitlines()]


def around(genome: Genome, rows: list[list[str]]) -> list[str]:
    """40 letters before each anchor, the anchor, 40 behind it."""
    contig = np.array([genome.names.index(cells[0]) for cells in rows], dtype=np.int64)
    strand = np.array([1 if cells[5] == "+" else -1 for cells in rows], dtype=np.int8)
    places = Places(contig, np.array([int(cells[1]) for cells in rows], dtype=np.int64), strand)
    return [row.tobytes().decode() for row in letters_around(genome, places, 40, 40)]


@pytest.mark.parametrize("kind", ["sites", "decoys"])
def test_anchors_are_a_behind_another_base_with_the_named_signal(genome: Genome, kind: str) -> None:
    rows = truth(kind)
    for cells, text in zip(rows, around(genome, rows), strict=True):
        hexamer, distance = cells[3].split("|")[1].split("@-")
        assert text[40] == "A" and text[39] != "A" and text[40 - int(distance) :].startswith(hexamer), cells


def test_only_sites_have_a_gu_rich_element_behind_them(genome: Genome) -> None:
    share = {
        kind: np.array([sum(x in "GT" for x in text[47:71]) / 24 for text in around(genome, truth(kind))])
        for kind in ("sites", "decoys")
    }
    assert share["sites"].mean() > 0.8 and share["decoys"].mean() < 0.6
    assert (share["sites"] > 0.7).mean() > 0.85 and (share["decoys"] > 0.7).mean() < 0.1


def test_the_list_is_incomplete_and_the_first_site_of_a_gene_ends_it(genome: Genome) -> None:
    sites = truth("sites")
    known = sum(int(cells[6]) for cells in sites)
    assert 0.75 < known / len(sites) < 0.9
    ends = {
        (cells[0], int(cells[4]) if cells[6] == "+" else int(cells[3]) - 2)
        for line in gzip.open(DATA / "genes.gtf.gz", "rt")
        if (cells := line.split("\t"))[2] == "gene"
    }
    assert ends <= {(cells[0], int(cells[1])) for cells in sites}
    assert json.loads((DATA / "truth" / "parameters.json").read_text())["planted"]["site"] == len(sites)


def test_the_seed_decides_and_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_polya(PolyaOptions(seed=seed, contigs=1, contig_nt=30_000, long_genes=0), tmp_path / name)
    a, b, c = ((tmp_path / name / "genome.fa.gz").read_bytes() for name in "abc")
    assert a == b != c
    with pytest.raises(UsageError, match="--long-genes 1 do not fit"):
        PolyaOptions(contig_nt=30_000)
