"""Genomes of many scaffolds: what is looked up by contig takes time in proportion to their number."""

import time

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import build_transcript_models
from ribolm.peaks.annotate import ExonIndex, PlaceFinder, nearest_drach
from ribolm.peaks.bins import build_grid, gc_content

FACTOR = 10
SLACK = 4  # quadratic work would take FACTOR times longer than in proportion


def scaffolds(folder, number):
    """Annotation, genome and exon space of `number` scaffolds of 200 nt with one exon each."""
    rows = (f'scaf{i}\ttest\texon\t51\t150\t.\t+\t.\tgene_id "G{i}"; transcript_id "T{i}";\n' for i in range(number))
    (folder / f"{number}.gtf").write_text("".join(rows))
    (folder / f"{number}.fa").write_text("".join(f">scaf{i}\n{'GGACT' * 40}\n" for i in range(number)))
    annotation = read_gtf(folder / f"{number}.gtf")
    return annotation, Genome.open(folder / f"{number}.fa"), build_exon_space(annotation)


def measure_gc(annotation, genome, space):
    gc_content(space, build_grid(space), genome, 25)


def index_exons(annotation, genome, space):
    ExonIndex(annotation)


def look_up(annotation, genome, space):
    """Questions in proportion to the number of contigs, each of which must not look at all of them."""
    asked = np.arange(len(space) // 10)
    nearest_drach(space, genome, asked, np.full(asked.size, 10), np.full(asked.size, 40))
    finder = PlaceFinder(build_transcript_models(annotation), False)
    for i in asked:
        assert finder.find(f"scaf{len(space) - 1 - i}", "+", ((60, 90),)) is not None
        assert genome.lengths[f"scaf{i}"] == 200


@pytest.mark.parametrize("work, number_few", [(measure_gc, 1500), (index_exons, 4000), (look_up, 1500)])
def test_time_grows_with_the_number_of_contigs_and_no_faster(tmp_path, work, number_few):
    def seconds(number):
        world = scaffolds(tmp_path, number)
        took = []
        for _ in range(2):
            begun = time.process_time()
            work(*world)
            took.append(time.process_time() - begun)
        return min(took)

    few, many = seconds(number_few), seconds(number_few * FACTOR)
    assert many < SLACK * FACTOR * few


def test_letters_of_contigs_that_the_genome_lacks_are_unknown(tmp_path):
    _, genome, _ = scaffolds(tmp_path, 3)
    assert [genome.first_letter(name) for name in ("scaf0", "scaf2", "elsewhere")] == [0, 400, -1]
