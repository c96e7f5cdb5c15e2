"""The caller on real control libraries against exomePeak2 1.16.2's own bins and peaks."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ribolm.cli.peaks import main
from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space, genomic_blocks
from ribolm.genome.fasta import Genome
from ribolm.peaks.bins import build_grid, gc_content, stretch_of_bins, unit_of_bins
from ribolm.peaks.call import called_bins, examine_bins, merge_bins, run_test
from ribolm.peaks.gc import fit_curve

REPOSITORY = Path(__file__).resolve().parents[3]
M6A = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "m6a"
GTF = M6A / "ref" / "hg38_chr22_10.5-26M.gtf.gz"
FASTA = M6A / "ref" / "hg38_chr22_consensus.padded.fa.gz"
NAMES = ["control_1.ip", "control_2.ip", "control_1.input", "control_2.input"]
IS_IP = np.array([True, True, False, False])
CUTOFF = 1e-10
# The original looks up the strands of these groups in another order than their names and loses their junction bins.
WRONG_GROUPS = {
    "ADORA2A,SPECC1L,SPECC1L-ADORA2A", "ADORA2A-AS1", "MYO18B", "MYO18B-AS1", "Y_RNA", "YDJC", "YES1P1", "YPEL1",
}  # fmt: skip

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not M6A.is_dir(), reason=f"no real data at {M6A} (set RIBOLM_DATA)"),
]


def golden_bins(kind):
    path = M6A / "golden_exomePeak2" / f"MeRIPseqPipe_chr22_bins_control_{kind}_poisson.tsv.gz"
    return pd.read_csv(path, sep="\t", dtype={"starts": str, "ends": str}).set_index("bin")


def golden_peaks(kind):
    stem = M6A / "golden_exomePeak2" / f"MeRIPseqPipe_chr22_peaks_control_{kind}_poisson"
    bed = pd.read_csv(f"{stem}.bed", sep="\t", header=None, dtype=str)
    return bed, pd.read_csv(f"{stem}.csv")


def call(outdir, *options):
    libraries = [f"{n}={M6A / 'merip_chr22_bam' / n}.bam" for n in NAMES]
    arguments = ["call", "--ip", libraries[0], "--ip", libraries[1], "--input", libraries[2], "--input", libraries[3]]
    fixed = ["--gtf", str(GTF), "--strandedness", "unstranded", "--test", "poisson", "--outdir", str(outdir)]
    assert main([*arguments, *fixed, *options]) == 0
    return pd.read_parquet(outdir / "bins.parquet").set_index("bin")


@pytest.fixture(scope="module", name="without_gc")
def _without_gc(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("golden") / "nogc"
    return outdir, call(outdir, "--no-gc")


@pytest.fixture(scope="module", name="with_gc")
def _with_gc(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("golden") / "gc"
    return outdir, call(outdir, "--fasta", str(FASTA))


@pytest.fixture(scope="module", name="space")
def _space():
    return build_exon_space(read_gtf(GTF))


def joined(lists, shift=0):
    return [",".join(str(int(x) + shift) for x in row) for row in lists]


def block_ends(bins):
    return [starts + sizes for starts, sizes in zip(bins.block_starts0, bins.block_sizes, strict=True)]


def test_every_bin_lies_where_the_original_has_it_with_equal_counts(without_gc):
    golden = golden_bins("nogc")
    ours = without_gc[1].loc[golden.index]
    assert joined(ours.block_starts0, 1) == golden.starts.tolist()
    assert joined(block_ends(ours)) == golden.ends.tolist()
    assert ours.strand.tolist() == golden.strand.tolist()
    for name in NAMES:
        assert ours[f"count.{name}"].tolist() == golden[name].tolist()


def test_background_flags_and_size_factors_are_equal(without_gc):
    outdir, bins = without_gc
    golden = golden_bins("nogc")
    assert bins.loc[golden.index].background.tolist() == golden.bg.tolist()
    libraries = json.loads((outdir / "summary.json").read_text())["libraries"]
    assert [libraries[name]["size_factor"] for name in NAMES] == [7, 6, 7, 7]
    assert all((bins[f"offset.{name}"] == libraries[name]["size_factor"]).all() for name in NAMES)


def test_statistics_without_gc_are_equal_to_four_digits(without_gc):
    golden = golden_bins("nogc")
    ours = without_gc[1].loc[golden.index]
    assert np.abs(ours.log2_fold_change - golden.log2FoldChange).max() <= 1e-3
    assert np.abs(ours.standard_error - golden.lfcSE).max() <= 1e-4
    up = golden.log2FoldChange > 0
    assert np.abs(np.log10(ours.p_value[up]) - np.log10(golden.pvalue[up])).max() <= 1e-3


def test_calls_without_gc_are_the_same_294_bins(without_gc):
    golden = golden_bins("nogc")
    ours = without_gc[1]
    called = set(ours.index[ours.p_value <= CUTOFF])
    assert len(called) == 294
    assert called == set(golden.index[golden.pvalue <= CUTOFF])


def test_peaks_without_gc_are_the_same_72_in_bed12_and_table(without_gc):
    bed, table = golden_peaks("nogc")
    ours = pd.read_csv(without_gc[0] / "peaks.bed", sep="\t", header=None, dtype=str)
    place = [0, 1, 2, 5, 6, 7, 9, 10, 11]
    assert len(ours) == 72
    assert sorted(map(tuple, ours[place].values)) == sorted(map(tuple, bed[place].values))
    rows = pd.read_csv(without_gc[0] / "peaks.tsv", sep="\t", keep_default_na=False)
    golden = pd.concat([bed, table], axis=1).set_index([0, 10, 11, 1])
    rows.index = pd.MultiIndex.from_frame(ours[[0, 10, 11, 1]])
    golden = golden.loc[rows.index]
    assert rows.genes.tolist() == golden.geneID.tolist()
    assert np.abs(rows.log2_fold_change - golden["diff.log2FC"].to_numpy()).max() <= 1e-3
    assert np.allclose(np.log10(rows.p_value), np.log10(golden.pvalue), atol=1e-3)
    assert np.allclose(rows.rpm_ip, golden["RPM.IP.Control"], rtol=5e-3)
    assert np.allclose(rows.rpm_input, golden["RPM.input.Control"], rtol=5e-3)


def test_gc_of_bins_is_the_originals_outside_the_groups_that_it_gets_wrong(with_gc):
    golden = golden_bins("gc")
    ours = with_gc[1].loc[golden.index]
    right = ~ours.gene.isin(WRONG_GROUPS)
    assert right.mean() > 0.9
    assert np.abs(ours.gc - golden.gc)[right].max() < 1e-12


def test_gc_curves_fed_the_originals_gc_give_its_offsets(with_gc, space):
    golden, grid = golden_bins("gc"), build_grid(space)
    ours = with_gc[1]
    lost = set(ours.index) - set(golden.index)
    counts = np.zeros((4, grid.n_bins))
    counts[:, golden.index - 1] = golden[NAMES].to_numpy().T
    share = bin_gc(space, grid)
    share[golden.index - 1] = golden.gc
    keep = np.setdiff1d(np.arange(grid.n_bins), junction_bins(space, grid))
    assert lost <= set((junction_bins(space, grid) + 1).tolist())
    distinct, where = np.unique(share[keep], return_inverse=True)
    bins = np.bincount(where).astype(float)
    for row, (name, factor) in enumerate(zip(NAMES, (7, 6, 7, 7), strict=True)):
        curve = fit_curve(distinct, bins, np.bincount(where, counts[row, keep]))
        offset = np.interp(golden.gc, curve.gc, curve.factor) * factor
        assert np.abs(offset / golden[f"sfm_{name}"] - 1).max() < 1.5e-3


def bin_gc(space, grid):
    return gc_content(space, grid, Genome.open(FASTA), 100).share(np.arange(grid.n_bins))


def junction_bins(space, grid):
    """The bins that the original loses: those of the eight groups that lie over a splice junction."""
    bins = np.arange(grid.n_bins)
    unit = unit_of_bins(grid, bins)
    blocks = genomic_blocks(space, unit, *stretch_of_bins(grid, bins, unit))
    wrong = np.isin(unit, [i for i, name in enumerate(space.names) if name in WRONG_GROUPS])
    return bins[wrong & (np.diff(blocks.first) > 1)]


def test_solver_and_merging_fed_the_originals_offsets_give_its_286_calls_and_71_peaks(space):
    golden = golden_bins("gc")
    counts = golden[NAMES].to_numpy(np.int32).T
    offsets = golden[[f"sfm_{name}" for name in NAMES]].to_numpy().T
    test, _, _ = run_test(counts, offsets, IS_IP)
    assert np.abs(test.log2_fold_change - golden.log2FoldChange).max() <= 1e-3
    assert np.abs(test.standard_error - golden.lfcSE).max() <= 1e-4
    called = test.p_value <= CUTOFF
    assert called.sum() == 286
    assert (called == (golden.pvalue <= CUTOFF)).all()
    grid = build_grid(space)
    tested = examine_bins(grid, golden.index.to_numpy() - 1, counts, offsets, IS_IP)
    peaks = merge_bins(tested, called_bins(tested, CUTOFF), 25)
    bed, table = golden_peaks("gc")
    assert len(peaks) == 71
    assert sorted(np.log10(peaks.p_value)) == pytest.approx(sorted(np.log10(table.pvalue)), abs=1e-3)
    assert sorted(peaks.log2_fold_change) == pytest.approx(sorted(table["diff.log2FC"]), abs=1e-3)
    assert sorted(peaks.rpm_ip) == pytest.approx(sorted(table["RPM.IP.Control"]), rel=1e-6)
    blocks = genomic_blocks(space, peaks.unit, peaks.start_nt, peaks.end_nt)
    places = set()
    for i in range(71):
        own = slice(blocks.first[i], blocks.first[i + 1])
        starts, sizes = blocks.start0[own], blocks.size[own]
        place = (
            starts[0],
            "+" if space.strand[peaks.unit[i]] > 0 else "-",
            joined([sizes])[0],
            joined([starts], -starts[0])[0],
        )
        places.add(tuple(map(str, place)))
    assert places == set(bed[[1, 5, 10, 11]].itertuples(index=False, name=None))


def test_calls_with_gc_from_files_share_95_percent_with_the_original(with_gc):
    golden = golden_bins("gc")
    ours = set(with_gc[1].index[with_gc[1].p_value <= CUTOFF])
    original = set(golden.index[golden.pvalue <= CUTOFF])
    assert len(ours & original) / len(ours | original) >= 0.95
    assert len(ours & original) == 280


def test_order_of_libraries_changes_nothing_but_the_order_of_columns(with_gc, tmp_path):
    libraries = [f"{n}={M6A / 'merip_chr22_bam' / n}.bam" for n in reversed(NAMES)]
    arguments = ["call", "--input", libraries[0], "--input", libraries[1], "--ip", libraries[2], "--ip", libraries[3]]
    fixed = ["--gtf", str(GTF), "--strandedness", "unstranded", "--fasta", str(FASTA), "--threads", "2"]
    assert main([*arguments, *fixed, "--outdir", str(tmp_path / "gc")]) == 0
    for name in ("peaks.bed", "peaks.tsv", "summary.json", "gc.peaks_mqc.json"):
        assert (tmp_path / "gc" / name).read_bytes() == (with_gc[0] / name).read_bytes()
    turned = pd.read_parquet(tmp_path / "gc" / "bins.parquet").set_index("bin")
    pd.testing.assert_frame_equal(turned[with_gc[1].columns], with_gc[1], check_exact=True)
