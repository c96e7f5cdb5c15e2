"""Whole simulated experiments: files, determinism, truth that fits the reads."""

import csv
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import UsageError
from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import read_bed
from ribolm.simulation.m6a import simulate_m6a
from ribolm.simulation.m6a_options import M6aOptions

OPTIONS = M6aOptions(seed=11, genes=30, fragments=2000, spikein=2, dispersion=0.1, gc_bias=0.3)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("m6a") / "out"
    assert "30 genes" in simulate_m6a(OPTIONS, folder, "both")
    return folder


def test_the_same_options_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    simulate_m6a(OPTIONS, tmp_path / "again", "both")
    assert digests(tmp_path / "again") == digests(made)


def test_another_seed_gives_other_reads(made: Path, tmp_path: Path) -> None:
    simulate_m6a(M6aOptions(**{**vars(OPTIONS), "seed": 12}), tmp_path / "other", "fastq")
    one, other = digests(made), digests(tmp_path / "other")
    assert all(one[name] != other[name] for name in other if name.endswith(".gz"))


def test_the_folder_holds_what_the_sheet_names(made: Path) -> None:
    for sheet, columns in (("samplesheet.csv", ("fastq_1", "fastq_2")), ("samplesheet_bam.csv", ("bam",))):
        with (made / sheet).open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert len(rows) == 8
        for row in rows:
            assert all((made / row[column]).is_file() for column in columns)
            assert bool(row["fastq_1"]) != bool(row["bam"])
        assert {(row["group"], row["replicate"], row["assay"]) for row in rows} == {
            (group, k, assay) for group in ("control", "treated") for k in "12" for assay in ("ip", "input")
        }


def test_gzip_headers_hold_no_time_and_no_name(made: Path) -> None:
    for path in made.rglob("*.gz"):
        header = path.read_bytes()[:10]
        assert header[3] == 0 and header[4:8] == b"\0\0\0\0"


def test_annotation_and_genome_agree_with_our_readers(made: Path) -> None:
    annotation = read_gtf(made / "genes.gtf.gz")
    genome = Genome.open(made / "genome.fa.gz")
    assert len(annotation.genes) == 30
    assert set(annotation.chroms) < set(genome.names)
    for codons, wanted in ((annotation.start_codons, {"ATG"}), (annotation.stop_codons, {"TAA", "TAG", "TGA"})):
        letters: dict[int, str] = {}
        order = np.argsort(codons.start0 * codons.strand, kind="stable")
        for k in order:
            part = genome.fetch(annotation.chroms[codons.chrom[k]], int(codons.start0[k]), int(codons.end0[k]))
            text = part.tobytes().decode()
            if codons.strand[k] < 0:
                text = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
            letters[int(codons.transcript[k])] = letters.get(int(codons.transcript[k]), "") + text
        assert len(letters) > 20 and set(letters.values()) <= wanted
    coding_nt = np.bincount(annotation.cds.transcript, weights=annotation.cds.end0 - annotation.cds.start0)
    assert (coding_nt % 3 == 0).all()


def test_truth_is_about_this_genome(made: Path) -> None:
    genome = Genome.open(made / "genome.fa.gz")
    sites, regions = read_bed(made / "truth" / "sites.bed"), read_bed(made / "truth" / "regions.bed")
    assert {site.name for site in sites} == {region.name for region in regions}
    region_of = {region.name: region for region in regions}
    for site in sites:
        base = genome.fetch(site.chrom, site.start0, site.end0).tobytes()
        assert base == (b"A" if site.strand == "+" else b"T") and len(site.extra) == 8
        region = region_of[site.name]
        assert region.strand == site.strand and any(a <= site.start0 < b for a, b in region.blocks)
        assert 40 < region.length_nt <= 4 * OPTIONS.fragment_length_nt
    with (made / "truth" / "sites.bed").open() as handle:
        assert handle.readline().rstrip().split("\t")[-2:] == ["control", "treated"]


def test_counts_of_the_truth_are_those_of_the_libraries(made: Path) -> None:
    with (made / "truth" / "transcripts.tsv").open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    columns = [name for name in rows[0] if name.startswith("fragments.")]
    assert len(columns) == 8
    assert all(sum(int(row[name]) for row in rows) == OPTIONS.fragments for name in columns)
    assert sum(float(row["tpm"]) for row in rows) == pytest.approx(1e6, rel=1e-4)
    spikes = [row for row in rows if row["biotype"] == "spikein"]
    assert [row["chrom"] for row in spikes] == ["spikein_01", "spikein_02"]


def test_fastq_is_four_lines_per_read_and_mates_share_names(made: Path) -> None:
    texts = [gzip.decompress((made / "fastq" / f"control_1.ip_{m}.fastq.gz").read_bytes()).decode() for m in (1, 2)]
    r1, r2 = ([text.splitlines()[k::4] for k in range(4)] for text in texts)
    assert r1[0] == r2[0] and len(r1[0]) == OPTIONS.fragments == len(set(r1[0]))
    assert set(r1[2]) == {"+"} and {len(x) for x in r1[1]} == {75} == {len(x) for x in r1[3]}
    assert set("".join(r1[1])) == set("ACGT")


def test_single_end_writes_one_file_per_library(tmp_path: Path) -> None:
    simulate_m6a(M6aOptions(genes=5, fragments=50, single_end=True, groups=1, replicates=1), tmp_path / "x")
    assert sorted(p.name for p in (tmp_path / "x" / "fastq").iterdir()) == [
        "control_1.input_1.fastq.gz",
        "control_1.ip_1.fastq.gz",
    ]


def test_a_null_experiment_has_empty_truth(tmp_path: Path) -> None:
    simulate_m6a(M6aOptions(genes=5, fragments=50, null=True), tmp_path / "x")
    assert read_bed(tmp_path / "x" / "truth" / "sites.bed") == []


def test_contradictions_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shorter than --read-length 75"):
        M6aOptions(fragment_length_nt=60)
    with pytest.raises(UsageError, match="--genes 2 is less than --contigs 3"):
        M6aOptions(genes=2)
    with pytest.raises(UsageError, match="longer than every simulated transcript"):
        simulate_m6a(M6aOptions(genes=3, fragment_length_nt=2000, read_length_nt=500), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
