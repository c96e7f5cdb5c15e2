"""The other ways through the track: second tools, BAM input, starts at later steps, empty input."""

import csv
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .runs import DATA, ROOT, Launcher, Run, reads

UP_TO_QUALITY = "preprocess,align,peaks,quality,report"


def test_other_tools_and_options(launcher: Launcher, small_sheet: Path, tools: None) -> None:
    """cutadapt, marked duplicates, replicates, saved reference; then BAM and index of that run in a second one."""
    run = launcher.run(
        *("--input", str(small_sheet), "--trimmer", "cutadapt", "--duplicates", "mark", "--save_align", "true"),
        *("--save_reference", "true", "--peaks_per_replicate", "true", "--bins_tsv", "true", "--steps"),
        "preprocess,align,peaks",
    )
    assert run.status == 0, run.text
    assert run.tasks()["CUTADAPT"] == 3
    assert run.tasks()["SAMTOOLS_MARKDUP"] == 2
    assert {"aligned/c_ip.bam", "aligned/c_ip.markdup.txt", "peaks/control/bins.tsv.gz"} <= run.files()
    # one replicate: called alone it is the group
    group, replicate = (run.outdir / "peaks" / name / "peaks.tsv" for name in ("control", "control.replicate_1"))
    assert len(group.read_text().splitlines()) == len(replicate.read_text().splitlines())


def assert_strand_gene_and_feature(rows: list[dict[str, str]]) -> None:
    """Nearly all peaks have a strand, and those that have one name genes of that strand and a place in them."""
    exons = [line.split("\t") for line in gzip.open(DATA / "genes.gtf.gz", "rt") if "\texon\t" in line]
    strand_of = {re.findall(r'gene_id "([^"]+)"', row[8])[0]: row[6] for row in exons}
    stranded = [row for row in rows if row["strand"] in ("+", "-")]
    assert len(stranded) > 0.9 * len(rows) > 0
    assert {row["strand"] for row in stranded} == {"+", "-"}
    assert all({strand_of[gene] for gene in row["genes"].split(",")} == {row["strand"]} for row in stranded)
    assert "intergenic" not in {row["feature"] for row in stranded}
    assert {"CDS", "3'UTR"} <= {row["feature"] for row in stranded}


def test_macs3_peaks_get_strand_gene_and_feature(launcher: Launcher, small_sheet: Path, tools: None) -> None:
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("macs3", path=path) is None:
        pytest.skip("macs3 is missing: run scripts/setup --macs3")
    run = launcher.run("--input", str(small_sheet), "--peak_caller", "macs3", "--steps", UP_TO_QUALITY)
    assert run.status == 0, run.text
    assert "chosen: MACS3 --gsize = " in run.text
    with (run.outdir / "peaks" / "control" / "peaks.tsv").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert_strand_gene_and_feature(rows)


@pytest.fixture(scope="module")
def aligned(demo: Run) -> dict[str, Path]:
    """Alignments of the demo's libraries, from its work folder."""
    work = demo.outdir.parent / "work"
    return {path.stem: path for path in sorted(work.glob("*/*/*.bam")) if not path.is_symlink()}


def test_alignments_are_called_without_an_index_and_share_an_input(
    launcher: Launcher, sheet: Callable[..., Path], aligned: dict[str, Path], demo: Run
) -> None:
    rows = [
        f"control_{replicate},control,{replicate},{assay},,,{aligned[f'control_{replicate}_{assay}']},"
        for replicate in (1, 2)
        for assay in ("ip", "input")
    ]
    rows[1] = rows[1].replace("control,1", "control;other,1")
    rows.append(f"other,other,1,ip,,,{aligned['treated_1_ip']},")
    run = launcher.run("--input", str(sheet(*rows)), "--steps", "preprocess,align,peaks")
    assert run.status == 0, run.text
    assert run.tasks()["PEAKS_CALL"] == 2 and (run.outdir / "peaks" / "other" / "peaks.tsv").exists()
    assert set(run.tasks()) & {"FASTP", "HISAT2_BUILD", "HISAT2_SPLICESITES", "HISAT2_ALIGN"} == set()
    ours, theirs = (folder / "peaks" / "control" / "peaks.tsv" for folder in (run.outdir, demo.outdir))
    assert ours.read_text() == theirs.read_text()


def test_library_without_reads_goes_through_to_the_report(
    launcher: Launcher, sheet: Callable[..., Path], tmp_path: Path, demo: Run
) -> None:
    empty = tmp_path / "empty.fastq.gz"
    empty.write_bytes(gzip.compress(b"", mtime=0))
    path = sheet(
        f"c,control,1,ip,{empty},,,",
        f"c,control,1,input,{reads('control_1.input', 1)},{reads('control_1.input', 2)},,",
    )
    model = demo.outdir / "models" / "finetuned.fold0.seed1"
    steps = "preprocess,align,peaks,quality,corpus,labels,predict,evaluate,report"
    run = launcher.run("--input", str(path), "--steps", steps, "--model", str(model))
    assert run.status == 0, run.text
    assert (run.outdir / "peaks" / "control" / "peaks.bed").read_text() == ""
    assert len((run.outdir / "sites" / "control" / "sites.bed").read_text().splitlines()) == 1, "the header"
    assert (run.outdir / "multiqc" / "multiqc_report.html").exists()
    summary = json.loads((run.outdir / "peaks" / "control" / "summary.json").read_text())
    assert (summary["calls"]["bins"], summary["calls"]["peaks"]) == (0, 0)


def test_truncated_fastq_is_refused_by_name(
    launcher: Launcher, sheet: Callable[..., Path], tmp_path: Path, tools: None
) -> None:
    whole = reads("control_1.ip", 1).read_bytes()
    short = tmp_path / "short.fastq.gz"
    short.write_bytes(whole[: len(whole) // 2])
    path = sheet(f"c,control,1,ip,{short},,,", f"c,control,1,input,{reads('control_1.input', 1)},,,")
    run = launcher.run("--input", str(path), "--steps", "preprocess")
    assert run.status == 1
    assert "short.fastq.gz of c_ip is truncated or not a gz file. Fetch the file again." in run.text


def test_prebuilt_index_of_another_genome_is_refused(launcher: Launcher, small_sheet: Path, tools: None) -> None:
    run = launcher.run("--input", str(small_sheet), "--hisat2_index", str(DATA / "fastq"), "--steps", "align")
    assert run.status == 1
    assert "--hisat2_index: fastq holds no HISAT2 index (*.1.ht2)" in run.text


def without_last_contig(folder: Path) -> tuple[Path, Path]:
    """The simulated genome without its last contig that bears genes, and that contig as a spike-in."""
    records = gzip.decompress((DATA / "genome.fa.gz").read_bytes()).decode().split(">")[1:]
    with_genes = {line.split("\t")[0] for line in gzip.open(DATA / "genes.gtf.gz", "rt") if not line.startswith("#")}
    chosen = [record for record in records if record.split()[0] in with_genes][-1]
    rest = [record for record in records if record is not chosen]
    genome, spikein = folder / "genome.fa", folder / "spikein.fa"
    genome.write_text("".join(f">{record}" for record in rest))
    spikein.write_text(f">{chosen}")
    return genome, spikein


def test_size_factors_come_from_spike_ins(launcher: Launcher, small_sheet: Path, tmp_path: Path, tools: None) -> None:
    genome, spikein = without_last_contig(tmp_path)
    run = launcher.run(
        *("--input", str(small_sheet), "--fasta", str(genome), "--spikein_fasta", str(spikein)),
        *("--steps", "align,peaks"),
    )
    assert run.status == 0, run.text
    header, *rows = (run.outdir / "peaks" / "size_factors.tsv").read_text().splitlines()
    assert header == "name\tsize_factor"
    factors = {row.split("\t")[0]: float(row.split("\t")[1]) for row in rows}
    summary = json.loads((run.outdir / "peaks" / "control" / "summary.json").read_text())
    used = {name: library["size_factor"] for name, library in summary["libraries"].items()}
    assert used == pytest.approx(factors)
