"""Numbers behind the sections on libraries and peaks."""

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import DataError
from ribolm.genome.annotation import read_gtf
from ribolm.report.correlation import library_counts, ranks
from ribolm.report.enrichment import cumulative_share, fold_histogram
from ribolm.report.peak_folder import read_peak_folder, read_peak_folders
from ribolm.report.peak_overview import mark_stop_codons, transcriptome_shares, width_histogram


def test_cumulative_curve_runs_from_nothing_to_everything_and_is_convex() -> None:
    points = cumulative_share(np.array([0, 0, 1, 3, 16]))
    assert points[0] == (0.0, 0.0) and points[-1] == (100.0, 100.0)
    assert dict(points)[80.0] == 20.0 and dict(points)[40.0] == 0.0
    slopes = np.diff([y for _, y in points]) / np.diff([x for x, _ in points])
    assert (np.diff(slopes) >= -1e-9).all()


def test_no_count_has_no_curve() -> None:
    assert cumulative_share(np.zeros(5, dtype=np.int64)) == []


def test_histograms_sum_to_all_peaks() -> None:
    folds = fold_histogram(np.array([1.0, 1.1, 3.0, 99.0]))
    assert sum(y for _, y in folds) == pytest.approx(100)
    widths = width_histogram(np.array([25.0, 50.0, 60.0, 5000.0]))
    assert dict(widths)[25.0] == 25 and dict(widths)[75.0] == 25 and dict(widths)[1000.0] == 25
    assert sum(y for _, y in widths) == pytest.approx(100)


def test_bins_of_groups_join_by_number_and_missing_ones_count_nothing(small_run) -> None:
    names, counts = library_counts(read_peak_folders(small_run.folders))
    assert names == [f"{group}_{x}" for group in ("control", "treated") for x in ("1_ip", "2_ip", "1_input", "2_input")]
    assert counts.shape == (60, 8)
    assert ranks(np.array([[3.0], [1.0], [1.0]])).ravel().tolist() == [3.0, 1.5, 1.5]


def test_transcriptome_shares_mark_what_reaches_a_stop_codon(small_run) -> None:
    # two transcripts of 300 + 600 + 300 nt; a window of 100 nt reaches the 3-nt codon from 103 places
    shares = transcriptome_shares(read_gtf(small_run.gtf), 100)
    assert shares == {"5'UTR": 600, "CDS": 2 * (600 - 53), "3'UTR": 2 * (300 - 50), "non-coding": 0, "stop codon": 206}
    assert transcriptome_shares(read_gtf(small_run.gtf_without_cds), 100) == {"exon": 2400}


def test_stop_codons_are_marked_only_between_cds_and_utr() -> None:
    regions = np.array([0] * 5 + [1] * 6 + [2] * 5 + [3] * 4, dtype=np.uint8)
    assert mark_stop_codons(regions, 2).tolist() == [0] * 5 + [1] * 2 + [4] * 5 + [2] * 4 + [3] * 4


def test_a_peak_table_without_a_column_is_refused(small_run) -> None:
    folder = small_run.folders[0]
    (folder / "peaks.tsv").write_text("chrom\tstart0\n")
    with pytest.raises(DataError, match="'end0' is missing"):
        read_peak_folder(folder).read_peaks()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON"), ("[]", "holds no JSON object"), ("{}", "has no 'libraries'"), (None, "no such file")],
)
def test_a_damaged_summary_is_refused(small_run, text: str | None, message: str) -> None:
    path: Path = small_run.folders[0] / "summary.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_peak_folder(small_run.folders[0])


def test_groups_of_one_name_are_refused(small_run) -> None:
    with pytest.raises(DataError, match="both are called 'control'"):
        read_peak_folders([small_run.folders[0], small_run.folders[0]])


def test_reads_in_peaks_carry_counts_and_interval(command, small_run, tmp_path: Path) -> None:
    assert command("peaks", *small_run.folder_arguments, "--outdir", tmp_path / "q") == 0
    table = json.loads((tmp_path / "q" / "reads_in_peaks_table_mqc.json").read_text())["data"]
    assert table["control_1_ip"]["share"] == pytest.approx(100 * 400 / 900, abs=1e-3)
    assert table["control_1_ip"]["interval"] == "41.23\u00a0to\u00a047.71 %"
    groups = json.loads((tmp_path / "q" / "groups_mqc.json").read_text())["data"]
    assert groups["control"]["enrichment"] == pytest.approx(4.0)
    assert groups["control"]["libraries"] == "2 IP + 2 input"


def test_calls_of_single_replicates_stay_out_of_the_first_table_and_the_headline(command, small_run, tmp_path) -> None:
    part = small_run.folders[0].parent / "control_1"
    part.mkdir()
    content = json.loads((small_run.folders[0] / "summary.json").read_text())
    content["name"] = "control_1"
    content["libraries"] = {k: v for k, v in content["libraries"].items() if k.startswith("control_1_")}
    (part / "summary.json").write_text(json.dumps(content))
    for name in ("peaks.tsv", "peaks.bed", "bins.parquet"):
        (part / name).write_bytes((small_run.folders[0] / name).read_bytes())
    folders = [*small_run.folder_arguments, "--peaks-dir", part]
    assert command("peaks", *folders, "--outdir", tmp_path / "q") == 0
    table = json.loads((tmp_path / "q" / "reads_in_peaks_table_mqc.json").read_text())["data"]
    assert {"control_1_ip (control)", "control_1_ip (control_1)", "control_2_ip"} <= set(table)
    first = json.loads((tmp_path / "q" / "general_reads_in_peaks_mqc.json").read_text())["data"]
    assert len(first) == 8 and "control_1_ip" in first
    assert command("headline", *folders, "--out", tmp_path / "q" / "headline.json") == 0
    numbers = json.loads((tmp_path / "q" / "headline.json").read_text())["numbers"]
    assert numbers[0]["value"] == "control 3 · treated 2"
