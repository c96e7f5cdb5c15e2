"""Known sites that a scan can be asked for: those in its regions, on their strand, with known bases around them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.output import write_candidates
from ribolm.candidates.regions import SearchRegions, read_search_regions
from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import Region
from ribolm.inference.calibration import Calibration
from ribolm.inference.scan.asked import Scope
from ribolm.inference.scan.calls import CallOptions
from ribolm.inference.scan.merge import merge_scan, open_inputs, write_scan
from ribolm.inference.scan.scored import scan_candidates
from ribolm.labels.polya.strand_letters import Places

from .conftest import NT, Scanned, WeighedLetters

REGIONS = [Region("one", 2000, 4000), Region("two", 500, 900, strand="-")]


def places(*listed: tuple[int, int, int]) -> Places:
    contig, at0, strand = (np.array(column) for column in zip(*listed, strict=True))
    return Places(contig.astype(np.int64), at0.astype(np.int64), strand.astype(np.int8))


def test_regions_hold_places_of_their_strand_only(scanned: Callable[..., Scanned]) -> None:
    scope = Scope(scanned().genome, SearchRegions(REGIONS))
    asked = places((0, 1999, 1), (0, 2000, 1), (0, 3999, -1), (0, 4000, 1), (1, 600, -1), (1, 600, 1), (0, 7000, 1))
    assert scope.holds(asked).tolist() == [False, True, True, False, True, False, False]
    whole = Scope(scope.genome)
    assert whole.holds(asked).tolist() == [True] * 6 + [False], "a place beyond its contig is nowhere"


class Watched(np.ndarray):
    """Contigs of places that count how many of them were looked at."""

    looked_at = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **options):  # type: ignore[no-untyped-def]
        plain = [one.view(np.ndarray) if isinstance(one, Watched) else one for one in inputs]
        Watched.looked_at += max(np.size(one) for one in plain)
        return getattr(ufunc, method)(*plain, **options)


def test_the_work_of_asking_does_not_grow_with_the_number_of_contigs() -> None:
    n, length_nt = 300, 10
    names = tuple(f"contig{k}" for k in range(n))
    offsets = np.arange(n + 1, dtype=np.int64) * length_nt
    genome = Genome(
        Path("g.fa"), names, offsets, np.full(n * length_nt, ord("A"), np.uint8), "", dict.fromkeys(names, 0)
    )
    scope = Scope(genome, SearchRegions(Region(name, 0, 5) for name in names[::2]))
    shuffled = np.random.default_rng(1).permutation(np.repeat(np.arange(n), 4))
    asked = Places(shuffled.view(Watched), np.arange(4 * n) % length_nt, np.ones(4 * n, dtype=np.int8))
    Watched.looked_at = 0
    held = scope.holds(asked)
    assert held.tolist() == [k % 2 == 0 and at < 5 for k, at in zip(shuffled.tolist(), asked.at0.tolist(), strict=True)]
    assert Watched.looked_at < 10 * len(asked)


def test_the_length_of_a_scan_counts_both_strands(scanned: Callable[..., Scanned]) -> None:
    genome = scanned().genome
    again = [*REGIONS, Region("one", 3000, 4500)]
    scope = Scope(genome, SearchRegions(again))
    assert [scope.length_nt(name) for name in NT] == [2500, 200], "a region of one strand counts half"
    assert [Scope(genome).length_nt(name) for name in NT] == list(NT.values())


def test_the_account_of_sites_adds_up(scanned: Callable[..., Scanned]) -> None:
    genome = scanned().genome  # contig one is N from 1000 to 1040
    listed = places((0, 1050, 1), (0, 2500, 1), (0, 2600, -1), (1, 700, 1), (1, 700, -1))
    assert Scope(genome, SearchRegions(REGIONS)).account(listed) == {
        "listed": 5, "not_scanned": 2, "unknown_bases": 0, "asked": 3,
    }  # fmt: skip
    assert Scope(genome).account(listed) == {"listed": 5, "not_scanned": 0, "unknown_bases": 1, "asked": 4}


def test_sites_outside_of_the_scan_are_not_missed_ones(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where, scorer = scanned(), WeighedLetters()
    bed = tmp_path / "regions.bed"
    bed.write_text(f"one\t0\t{NT['one'] // 2}\n")
    regions = read_search_regions(bed, where.genome.lengths, where.genome.label)
    write_candidates(tmp_path / "c.bed.gz", where.genome, CandidateRule(), regions)
    scan_candidates(scorer, where.genome, tmp_path / "c.bed.gz", tmp_path / "s.parquet", CandidateRule())
    options = CallOptions(top_share=1.0, null_groups=30)
    first = merge_scan(
        scorer, open_inputs(scorer, [tmp_path / "s.parquet"], where.fasta, None, None, bed), Calibration(), options
    )
    calls = first.calls.candidates.places
    inside = [(int(a), int(s)) for a, s in zip(calls.at0, calls.strand, strict=True) if 1110 < a < 2900][:8]
    lines = [f"one\t{a - s}\t{a - s + 1}\tin{k}\t0\t{'+' if s > 0 else '-'}\n" for k, (a, s) in enumerate(inside)]
    lines += [f"one\t{at0}\t{at0 + 1}\tout\t0\t+\n" for at0 in range(4000, 5600, 200)]
    (tmp_path / "known.bed").write_text("".join(lines))
    found = {}
    for name, given in (("asked", bed), ("all", None)):
        inputs = open_inputs(scorer, [tmp_path / "s.parquet"], where.fasta, None, tmp_path / "known.bed", given)
        merged = merge_scan(scorer, inputs, Calibration(), options)
        write_scan(merged, tmp_path / f"{name}.bed.gz", tmp_path / name)
        found[name] = json.loads((tmp_path / name / "summary.json").read_text())
    asked, missed = (
        next(row for row in found[name]["recovery"] if row["kept"] == "calls") for name in ("asked", "all")
    )
    account = found["asked"]["known_sites"]
    assert account["not_scanned"] == 8 and asked["n_known"] == account["asked"] == len(inside)
    assert asked["recovered"] == 1.0 > missed["recovered"]
    assert asked["calls_at_known"] == missed["calls_at_known"], "a call may lie beside any known site"
    assert found["all"]["known_sites"]["not_scanned"] == 0
    scanned_nt = [found[name]["per_contig"]["one"]["scanned_nt"] for name in ("asked", "all")]
    assert scanned_nt == [NT["one"] // 2, NT["one"]]


@pytest.mark.parametrize("kept", ["all", "one part of two", "none", "contig one"])
def test_candidates_that_no_part_scores_are_counted_and_told(
    scanned: Callable[..., Scanned], tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    where, scorer = scanned(), WeighedLetters()
    lines = gzip.decompress(where.candidates.read_bytes()).decode().splitlines(keepends=True)
    chosen = {
        "all": lines, "one part of two": lines[: len(lines) // 2], "none": [],
        "contig one": [line for line in lines if line.startswith("one\t")],
    }[kept]  # fmt: skip
    (tmp_path / "c.bed").write_text("".join(chosen))
    scan_candidates(scorer, where.genome, tmp_path / "c.bed", tmp_path / "s.parquet", CandidateRule())
    inputs = open_inputs(scorer, [tmp_path / "s.parquet"], where.fasta, None, None)
    told = capsys.readouterr().err
    assert inputs.unscored == len(lines) - len(chosen)
    if kept == "all":
        assert "have no score" not in told
    else:
        assert f"{inputs.unscored:,} of {len(lines):,} candidates have no score (on " in told
        assert ("'one'" in told) == (kept != "contig one") and "'two'" in told
    merged = merge_scan(scorer, inputs, Calibration(), CallOptions(fdr=1.0, null_groups=20))
    write_scan(merged, tmp_path / "calls.bed.gz", tmp_path / "details")
    assert json.loads((tmp_path / "details" / "summary.json").read_text())["unscored_candidates"] == inputs.unscored


def test_candidates_outside_of_the_regions_lack_no_score(
    scanned: Callable[..., Scanned], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, scorer = scanned(), WeighedLetters()
    bed = tmp_path / "regions.bed"
    bed.write_text("one\t1500\t3000\t.\t0\t+\ntwo\t0\t900\n")
    regions = read_search_regions(bed, where.genome.lengths, where.genome.label)
    write_candidates(tmp_path / "c.bed.gz", where.genome, CandidateRule(), regions)
    scan_candidates(scorer, where.genome, tmp_path / "c.bed.gz", tmp_path / "s.parquet", CandidateRule())
    assert open_inputs(scorer, [tmp_path / "s.parquet"], where.fasta, None, None, bed).unscored == 0
    assert "have no score" not in capsys.readouterr().err


def test_regions_of_another_scan_are_refused(scanned: Callable[..., Scanned], tmp_path: Path) -> None:
    where, scorer = scanned(), WeighedLetters()
    scan_candidates(scorer, where.genome, where.candidates, tmp_path / "s.parquet", CandidateRule())
    (tmp_path / "r.bed").write_text("two\t0\t100\n")
    with pytest.raises(DataError, match=r"r\.bed: candidate one:\d+ was scored outside these regions"):
        open_inputs(scorer, [tmp_path / "s.parquet"], where.fasta, None, None, tmp_path / "r.bed")
