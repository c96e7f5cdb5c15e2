"""`ribolm-predict merge --scored`: the same calls for any parts and either strand, annotated, in every form."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pybigtools
import pysam
import pytest

from ribolm.candidates.hexamers import CandidateRule
from ribolm.cli.predict import main
from ribolm.errors import DataError, UsageError
from ribolm.genome.annotation import read_gtf
from ribolm.inference.calibration import Calibration
from ribolm.inference.scan.annotate import known_sites
from ribolm.inference.scan.calls import CallOptions
from ribolm.inference.scan.gathered import precision_of_parts
from ribolm.inference.scan.merge import MergedScan, merge_scan, open_inputs, write_scan
from ribolm.inference.scan.scored import PROVENANCE, scan_candidates

from .conftest import NT, Scanned, WeighedLetters

RULE = CandidateRule()
OPTIONS = CallOptions(fdr=1.0, null_groups=200)
WINDOW = {"level": "sequence", "pooling": "mean", "window_nt": 61, "anchor_offset0": 25}
COLUMNS = (
    "#chrom start0 end0 name score strand probability logit fdr_estimate gene feature distance_to_known_nt "
    "nearest_known internal_priming cluster_size"
)


def parts_of(where: Scanned, folder: Path, n: int = 1, scorer: WeighedLetters | None = None) -> list[Path]:
    """Score the candidates in n parts, the last part first."""
    lines = gzip.decompress(where.candidates.read_bytes()).decode().splitlines(keepends=True)
    paths = []
    for k in range(n):
        bed = folder / f"{n}.{k}.bed"
        bed.write_text("".join(lines[len(lines) * k // n : len(lines) * (k + 1) // n]))
        scan_candidates(scorer or WeighedLetters(), where.genome, bed, bed.with_suffix(".parquet"), RULE)
        paths.insert(0, bed.with_suffix(".parquet"))
    return paths


def merge(where: Scanned, parts: list[Path], options: CallOptions = OPTIONS, **more: Path | None) -> MergedScan:
    given = {"gtf": None, "known": None, **more}
    inputs = open_inputs(WeighedLetters(), parts, where.fasta, **given)
    return merge_scan(WeighedLetters(), inputs, Calibration(0.7, -0.2), options)


def rows(path: Path) -> list[dict[str, str]]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert lines[0].split("\t") == COLUMNS.split()
    return [dict(zip(COLUMNS.split(), line.split("\t"), strict=True)) for line in lines[1:]]


@pytest.mark.parametrize("anchor", ["cleavage", "hexamer"])
def test_parts_of_a_scan_do_not_change_the_calls(scanned: Callable[..., Scanned], tmp_path: Path, anchor: str) -> None:
    where, scorer, texts = scanned(), WeighedLetters(anchor=anchor), []
    for n in (1, 5):
        parts = parts_of(where, tmp_path, n, scorer)
        inputs = open_inputs(scorer, parts, where.fasta, None, None)
        merged = merge_scan(scorer, inputs, Calibration(), OPTIONS)
        write_scan(merged, tmp_path / "calls.bed.gz", None)
        texts.append((tmp_path / "calls.bed.gz").read_bytes())
    assert texts[0] == texts[1] and len(merged.calls) > 20
    starts = [(row["#chrom"], int(row["start0"]), row["strand"]) for row in rows(tmp_path / "calls.bed.gz")]
    assert starts == sorted(starts), "order of the FASTA, which is that of the names here"


def test_the_other_strand_of_a_genome_gives_the_mirrored_calls(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    found = []
    for mirrored in (False, True):
        where = scanned(mirrored)
        (tmp_path / str(mirrored)).mkdir()
        merged = merge(where, parts_of(where, tmp_path / str(mirrored)))
        write_scan(merged, tmp_path / "c.bed.gz", None)
        found.append(rows(tmp_path / "c.bed.gz"))
    for row in found[1]:
        row["start0"] = str(NT[row["#chrom"]] - 1 - int(row["start0"]))
        row["end0"] = str(int(row["start0"]) + 1)
        row["strand"] = "-" if row["strand"] == "+" else "+"
    assert sorted(map(str, found[0])) == sorted(map(str, found[1])) and len(found[0]) > 20


def test_calls_are_the_best_of_their_neighbours_and_count_them(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    parts = parts_of(where, tmp_path)
    merged = merge(where, parts, CallOptions(top_share=0.5, null_groups=50))
    table = pl.read_parquet(parts[0])
    logits = table["logit"].to_numpy()
    assert merged.result.threshold == np.sort(logits)[len(logits) - round(len(logits) / 2)]
    kept = table.filter(pl.col("logit") >= merged.result.threshold)
    assert sum(merged.columns["cluster_size"]) == kept.height and max(merged.columns["cluster_size"]) > 1
    for chrom, start0, strand, logit in zip(
        *(merged.columns[key] for key in ("chrom", "start0", "strand", "logit")), strict=True
    ):
        near = kept.filter((pl.col("chrom") == chrom) & (pl.col("strand") == strand))
        near = near.filter((pl.col("start0") - start0).abs() <= 24)
        assert near["logit"].max() == logit or near.height > 1
    assert (np.diff(np.sort(merged.result.calls.fdr)) >= 0).all()
    best = np.argsort(merged.columns["logit"])
    assert (np.diff(np.array(merged.columns["probability"])[best]) >= 0).all()


def test_the_smallest_share_keeps_one_candidate(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    merged = merge(where, parts_of(where, tmp_path), CallOptions(top_share=1e-9, null_groups=20))
    assert len(merged.calls) == 1 and merged.columns["logit"][0] == merged.inputs.scored.logit.max()


GTF = (
    'one\tt\texon\t101\t400\t.\t+\t.\tgene_id "U"; transcript_id "U.1";\n'
    'one\tt\texon\t601\t900\t.\t+\t.\tgene_id "U"; transcript_id "U.1";\n'
    'one\tt\tCDS\t201\t650\t.\t+\t0\tgene_id "U"; transcript_id "U.1";\n'
    'one\tt\texon\t2001\t4000\t.\t-\t.\tgene_id "D"; transcript_id "D.1";\n'
    'one\tt\tCDS\t3001\t3500\t.\t-\t0\tgene_id "D"; transcript_id "D.1";\n'
    'two\tt\texon\t1\t2500\t.\t+\t.\tgene_id "L"; transcript_id "L.1";\n'
)


def feature_by_hand(chrom: str, at0: int, strand: str) -> tuple[str, str, int]:
    """(gene, feature, 3'UTR length) by the annotation above."""
    if chrom == "two":
        return ("L", "non-coding", -1) if strand == "+" else (".", "antisense", -1)
    if strand == "+":
        if 100 <= at0 < 900:
            region = "5'UTR" if at0 < 200 else "CDS" if at0 < 650 else "3'UTR"
            exonic = at0 < 400 or at0 >= 600
            return ("U", region if exonic else "intron", at0 - 650 if exonic and at0 >= 650 else -1)
        if 900 <= at0 < 1900:
            return ("U", "downstream", 250 + at0 - 900)
        return (".", "antisense" if 2000 <= at0 < 4000 else "intergenic", -1)
    if 2000 <= at0 < 4000:
        region = "5'UTR" if at0 >= 3500 else "CDS" if at0 >= 3000 else "3'UTR"
        return ("D", region, 2999 - at0 if at0 < 3000 else -1)
    if 1000 <= at0 < 2000:
        return ("D", "downstream", 1000 + 1999 - at0)
    return (".", "antisense" if 100 <= at0 < 900 else "intergenic", -1)


def test_calls_are_annotated_on_their_own_strand(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    (tmp_path / "g.gtf").write_text(GTF)
    options = CallOptions(top_share=1.0, null_groups=20)
    merged = merge(where, parts_of(where, tmp_path), options, gtf=tmp_path / "g.gtf")
    keys = ("chrom", "start0", "strand", "gene", "feature", "distance_to_known_nt", "nearest_known")
    seen = set()
    for k, (chrom, at0, strand, *found) in enumerate(zip(*(merged.columns[key] for key in keys), strict=True)):
        gene, feature, utr3_nt = feature_by_hand(chrom, at0, strand)
        assert (found[0], found[1], merged.about.utr3_nt[k]) == (gene, feature, utr3_nt), (chrom, at0, strand)
        seen.add(feature)
        if (chrom, strand) == ("one", "+"):
            assert found[2:] == [at0 - 900, "U.1"]
        if (chrom, strand) == ("one", "-"):
            assert found[2:] == [1999 - at0, "D.1"]
    assert seen == {"5'UTR", "CDS", "3'UTR", "non-coding", "intron", "downstream", "antisense", "intergenic"}


@pytest.mark.parametrize("given", ["list", "transcripts"])
def test_a_known_site_counts_once_however_often_it_is_listed(
    scanned: Callable[..., Scanned], tmp_path: Path, given: str
) -> None:
    genome = scanned().genome
    if given == "list":
        (tmp_path / "k.bed").write_text(
            "one\t949\t950\tfirst\t0\t+\none\t949\t950\tsecond\t0\t+\none\t999\t1000\tb\t0\t-\n" * 3
        )
        known = known_sites(genome, tmp_path / "k.bed", None)
        names = ["first", "second", "b"]
    else:
        again = [GTF.replace(".1", f".{k}") for k in (1, 2, 3)]
        (tmp_path / "g.gtf").write_text("".join(again))
        known = known_sites(genome, None, read_gtf(tmp_path / "g.gtf"))
        names = ["U.1", "D.1", "L.1"]
    assert known is not None and sorted(known.name) == sorted(names)
    assert len(known.places) == len(names)


def test_details_hold_tables_and_a_summary(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    (tmp_path / "g.gtf").write_text(GTF)
    (tmp_path / "known.bed").write_text("one\t949\t950\tsiteA\t0\t+\n" * 2 + "two\t500\t501\tsiteB\t0\t-\n")
    options = CallOptions(top_share=0.8, null_groups=100)
    parts = parts_of(where, tmp_path)
    merged = merge(where, parts, options, gtf=tmp_path / "g.gtf", known=tmp_path / "known.bed")
    folder = tmp_path / "details"
    write_scan(merged, tmp_path / "calls.bed.gz", folder)
    listed = rows(tmp_path / "calls.bed.gz")
    table = pl.read_parquet(folder / "calls.parquet")
    assert table.height == len(listed) and table.columns == COLUMNS.removeprefix("#").split()
    assert [int(row["score"]) for row in listed] == [round(1000 * p) for p in table["probability"]]
    isoforms = pl.read_csv(folder / "isoforms.tsv", separator="\t")
    one = isoforms.filter(pl.col("gene") == "U")
    assert one["utr3_nt"].is_sorted() and one["isoform"].to_list() == list(range(1, one.height + 1))
    assert set(one["n_isoforms"]) == {one.height} and set(isoforms["gene"]) == {"D", "U"}
    novel = pl.read_csv(folder / "novel_sites.tsv", separator="\t", null_values=".")
    assert novel["distance_to_known_nt"].drop_nulls().abs().min() > 24
    counts = pl.read_csv(folder / "composition.tsv", separator="\t")
    assert counts.filter(pl.col("place") == 0).row(0) == (0, len(listed), 0, 0, 0)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["calls"] == len(listed) and summary["candidates"] == pl.read_parquet(parts[0]).height
    assert [one["kept"] for one in summary["recovery"]] == [f"{n} % of candidates" for n in (1, 2, 5)] + ["calls"]
    index = pysam.tabix_index(str(tmp_path / "calls.bed.gz"), preset="bed", force=True)
    with pysam.TabixFile(index) as opened:
        assert len(list(opened.fetch("two"))) == sum(row["#chrom"] == "two" for row in listed)


def test_without_known_sites_no_call_is_new(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    merged = merge(where, parts_of(where, tmp_path))
    write_scan(merged, tmp_path / "calls.bed.gz", tmp_path / "details")
    assert len((tmp_path / "details" / "novel_sites.tsv").read_text().splitlines()) == 1 < len(merged.calls)
    assert json.loads((tmp_path / "details" / "summary.json").read_text())["novel_sites"] is None


def test_nothing_found_is_a_valid_empty_result(
    scanned: Callable[..., Scanned], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = scanned(records={"short": "ACGTACGT"})
    merged = merge(where, parts_of(where, tmp_path))
    write_scan(merged, tmp_path / "calls.bed.gz", tmp_path / "details")
    assert rows(tmp_path / "calls.bed.gz") == []
    assert pl.read_parquet(tmp_path / "details" / "calls.parquet").height == 0
    assert json.loads((tmp_path / "details" / "summary.json").read_text())["calls"] == 0
    assert "holds no candidate" in capsys.readouterr().err
    where = scanned()
    assert len(merge(where, parts_of(where, tmp_path), CallOptions(fdr=0.0, null_groups=50)).calls) == 0
    assert "no set of calls has an estimated false discovery rate of 0 or less" in capsys.readouterr().err


def test_parts_of_other_scans_are_refused(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    parts = parts_of(where, tmp_path)
    other = parts_of(where, tmp_path, 2, WeighedLetters(seed=9))
    with pytest.raises(DataError, match="another models"):
        merge(where, other)
    with pytest.raises(DataError, match="another genome"):
        merge(scanned(True), parts)
    (tmp_path / "x.parquet").write_text("x")
    with pytest.raises(DataError, match="is no parquet file"):
        merge(where, [tmp_path / "x.parquet"])
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no scored candidates"):
        merge(where, [tmp_path / "x.parquet"])


def untold(part: Path, out: Path) -> Path:
    """A part as earlier versions wrote it, without its precision."""
    table = pq.read_table(part)
    told = json.loads(table.schema.metadata[PROVENANCE])
    told = {key: value for key, value in told.items() if key != "precision"}
    metadata = {**table.schema.metadata, PROVENANCE: json.dumps(told).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), out)
    return out


def test_parts_of_two_precisions_are_refused_and_older_parts_that_do_not_tell_are_taken(
    scanned: Callable[..., Scanned],
    make_model: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = scanned()
    model = make_model(task="polya", labels=["polya"], universe=None, anchor="cleavage", **WINDOW)
    given = ["--model", str(model), "--fasta", str(where.fasta), "--device", "cpu", "--threads", "1"]
    lines = gzip.decompress(where.candidates.read_bytes()).decode().splitlines(keepends=True)
    paths = []
    for k, precision in enumerate(("fp32", "bf16")):
        (tmp_path / "c.bed").write_text("".join(lines[k::2]))
        paths.append(tmp_path / f"{precision}.parquet")
        scan = ["scan", *given, "--candidates", str(tmp_path / "c.bed"), "--out", str(paths[-1])]
        assert main([*scan, "--precision", precision]) == 0
    out = ["--out", str(tmp_path / "calls.bed.gz"), "--null-groups", "20", "--top-share", "0.2"]
    both = [word for path in paths for word in ("--scored", str(path))]
    for precision, other in (("fp32", "bf16"), ("bf16", "fp32")):
        assert main(["merge", *given, *both, *out, "--precision", precision]) == 65
        assert f"{other}.parquet: was scored with --precision {other}, but" in capsys.readouterr().err
    assert main(["merge", *given, "--scored", str(paths[1]), *out, "--precision", "bf16"]) == 0
    old = untold(paths[1], tmp_path / "old.parquet")
    assert main(["merge", *given, "--scored", str(old), "--scored", str(paths[0]), *out]) == 0
    assert precision_of_parts([old, paths[1]]) == "bf16" and precision_of_parts([old]) == "fp32"


def test_a_part_given_twice_is_refused(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where = scanned()
    parts = parts_of(where, tmp_path, 3)
    shutil.copy(parts[0], tmp_path / "copy.parquet")
    for again in (parts[0], tmp_path / ".." / tmp_path.name / parts[0].name, tmp_path / "copy.parquet"):
        with pytest.raises(UsageError, match=r"--scored .* is given twice: it is the same as .*\.parquet"):
            merge(where, [*parts, again])
    (tmp_path / "none.bed").write_text("")
    for name in ("none.parquet", "nothing.parquet"):
        scan_candidates(WeighedLetters(), where.genome, tmp_path / "none.bed", tmp_path / name, RULE)
    empty = [tmp_path / "none.parquet", tmp_path / "nothing.parquet"]
    assert len(merge(where, [*parts, *empty]).result.peaks) == len(merge(where, parts).result.peaks)


def merged_by_command(
    where: Scanned, make_model: Callable[..., Path], folder: Path, calls: str = "calls.bed.gz", *more: str
) -> tuple[Path, Path]:
    """Calls and details of a scan that both commands have made with a model and genes."""
    model = make_model(task="polya", labels=["polya"], universe=None, anchor="cleavage", **WINDOW)
    (folder / "g.gtf").write_text(GTF)
    given = ["--model", str(model), "--fasta", str(where.fasta), "--device", "cpu", "--threads", "1"]
    scored, out, details = folder / "s.parquet", folder / calls, folder / "details"
    assert main(["scan", *given, "--candidates", str(where.candidates), "--out", str(scored)]) == 0
    places = ["--scored", str(scored), "--out", str(out), "--gtf", str(folder / "g.gtf"), "--details", str(details)]
    assert main(["merge", *given, *places, "--top-share", "0.2", "--null-groups", "50", *more]) == 0
    return out, details


def test_command_makes_calls_tables_and_tracks(
    scanned: Callable[..., Scanned], make_model: Callable[..., Path], tmp_path: Path
) -> None:
    out, details = merged_by_command(scanned(), make_model, tmp_path)
    listed = rows(out)
    assert len(listed) > 10
    for name, strand in (("plus", "+"), ("minus", "-")):
        with pybigtools.open(f"{details}/{name}.bw") as track:
            shown = [(chrom, at0) for chrom in NT for at0, _, _ in track.records(chrom)]
        assert shown == [(row["#chrom"], int(row["start0"])) for row in listed if row["strand"] == strand]
    session = ElementTree.parse(f"{details}/igv_session.xml").getroot()
    for resource in session.iter("Resource"):
        assert (details / resource.get("path", "")).exists()
    assert (details / session.get("genome", "")).exists()


def test_a_session_alone_names_nothing_outside_of_its_folder(
    scanned: Callable[..., Scanned], make_model: Callable[..., Path], tmp_path: Path
) -> None:
    _, details = merged_by_command(scanned(), make_model, tmp_path, "details/calls.bed.gz", "--session-alone")
    details.rename(tmp_path / "moved")
    session = ElementTree.parse(tmp_path / "moved" / "igv_session.xml").getroot()
    paths = [resource.get("path", "") for resource in session.iter("Resource")]
    assert paths == ["plus.bw", "minus.bw", "calls.bed.gz"] and session.get("genome") is None
    assert all((tmp_path / "moved" / path).is_file() for path in paths)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give at least one --part of `sites`, or --scored of `scan`"),
        (["--part", "a", "--scored", "b"], "--part belongs to `sites` and --scored to `scan`"),
        (["--part", "a", "--fdr", "0.1"], "--fdr belongs to --scored"),
        (["--part", "a", "--threads", "2"], "--threads belongs to --scored"),
        (["--scored", "b", "--table", "t"], "--table belongs to --part"),
        (["--scored", "b"], "needs the --model and the --fasta"),
        (["--scored", "b", "--model", "m", "--fasta", "f", "--fdr", "0.1", "--top-share", "0.1"], "two thresholds"),
        (["--scored", "b", "--model", "m", "--fasta", "f", "--top-share", "0"], "--top-share 0 keeps no candidate"),
        (["--scored", "b", "--model", "m", "--fasta", "f", "--session-alone"], "--session-alone has no effect without"),
        (["--part", "a", "--session-alone"], "--session-alone belongs to --scored"),
    ],
)
def test_mixtures_of_the_two_merges_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["merge", "--out", str(tmp_path / "c.bed.gz"), *options]) == 2
    assert message in capsys.readouterr().err
