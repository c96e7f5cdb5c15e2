"""Every form of a site list leads to the same anchors; lists that belong elsewhere are refused, odd ones repaired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import DataError, UsageError
from ribolm.labels.polya.anchors import find_anchors
from ribolm.labels.polya.site_lists import read_site_list


def last_base(at0: int, strand: str) -> int:
    return at0 - 1 if strand == "+" else at0 + 1


def bed(chrom: str, start0: int, end0: int, name: str, strand: str) -> str:
    return f"{chrom}\t{start0}\t{end0}\t{name}\t0\t{strand}"


def pair(at0: int, strand: str) -> tuple[int, int]:
    low = min(at0, last_base(at0, strand))
    return low, low + 2


def gencode(chrom: str, at0: int, strand: str) -> list[tuple[int, int, str]]:
    signal = at0 - 25 if strand == "+" else at0 + 20
    return [(*pair(at0, strand), "polyA_site"), (signal, signal + 6, "polyA_signal")]


def gff(attributes: str):
    def lines(chrom: str, at0: int, strand: str) -> list[str]:
        return [
            f"{chrom}\tHAVANA\t{kind}\t{low + 1}\t{high}\t.\t{strand}\t.\t{attributes}"
            for low, high, kind in gencode(chrom, at0, strand)
        ]

    return lines


def ucsc(with_bin: bool):
    def lines(chrom: str, at0: int, strand: str) -> list[str]:
        return [
            ("585\t" if with_bin else "")
            + f"{k}\t{chrom}\t{strand}\t{low}\t{high}\t{low}\t{low}\t1\t{low},\t{high},\t0\t{kind}\tnone\tnone\t-1,"
            for k, (low, high, kind) in enumerate(gencode(chrom, at0, strand))
        ]

    return lines


def polya_db(chrom: str, at0: int, strand: str) -> list[str]:
    place = last_base(at0, strand) + 1
    return [f"{chrom}:{place}:{strand}\t{chrom}\t{place}\t{strand}\t3.1\t3'-most exon"]


FORMS = {
    "polyasite1": (
        lambda c, a, s: [bed(c, last_base(a, s) - 4, last_base(a, s) + 5, f"{c}:{s}:{last_base(a, s) + 1}:TE", s)], ""
    ),
    "polyasite2": (
        lambda c, a, s: [bed(c, last_base(a, s) - 4, last_base(a, s) + 5, f"{c}:{last_base(a, s) + 1}:{s}", s)], ""
    ),
    "polya_db": (polya_db, "PAS_ID\tChromosome\tPosition\tStrand\tMean RPM\tIntron/exon location"),
    "gencode_gff": (gff('gene_id "1"; transcript_id "1";'), "##description: polyA features"),
    "gencode_gff as GFF3": (gff("ID=1;gene_id=1"), "##gff-version 3"),
    "gencode_ucsc": (ucsc(True), "#bin\tname\tchrom\tstrand\ttxStart\ttxEnd"),
    "gencode_ucsc without bin": (ucsc(False), ""),
    "gencode_bed": (lambda c, a, s: [bed(c, low, high, kind, s) for low, high, kind in gencode(c, a, s)], ""),
    "bed of last bases": (lambda c, a, s: [bed(c, last_base(a, s), last_base(a, s) + 1, "x", s)], ""),
    "bed of anchors": (lambda c, a, s: [bed(c, a, a + 1, "x", s)], ""),
    "bed of last bases from 1": (lambda c, a, s: [bed(c, last_base(a, s) + 1, last_base(a, s) + 2, "x", s)], ""),
    "bed of anchors from 1": (lambda c, a, s: [bed(c, a + 1, a + 2, "x", s)], ""),
    "bed of empty intervals": (lambda c, a, s: [bed(c, last_base(a, s) + 1, last_base(a, s) + 1, "x", s)], ""),
    "bed of pairs": (lambda c, a, s: [bed(c, *pair(a, s), "x", s)], ""),
}  # fmt: skip


def write(path: Path, form: str, truth) -> Path:
    make, header = FORMS[form]
    rows = [line for site in truth for line in make(*site)]
    path.write_text("\n".join(([header] if header else []) + rows) + "\n")
    return path


def anchors_of(path: Path, genome) -> set[tuple[str, int, str]]:
    sites = read_site_list(path)
    found = find_anchors(sites, genome)
    keep = np.flatnonzero(sites.is_site[found.row])
    places = found.places.take(keep)
    return {
        (genome.names[c], int(a), "+" if s > 0 else "-")
        for c, a, s in zip(places.contig, places.at0, places.strand, strict=True)
    }


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_list_leads_to_the_true_anchors(form, polya_world, polya_genome, tmp_path, capsys):
    path = write(tmp_path / "sites.txt", form, polya_world.truth)
    sites = read_site_list(path)
    assert sites.format == form.split()[0]
    assert anchors_of(path, polya_genome) == set(polya_world.truth)
    if "from 1" in form or "empty" in form:
        assert "1" in capsys.readouterr().err


def test_in_a_cluster_an_a_behind_another_base_is_the_anchor(polya_world, polya_genome, tmp_path, capsys):
    path = tmp_path / "clusters.bed"
    path.write_text(
        "".join(bed(c, a - 9 - k % 4, a + 10, "x", s) + "\n" for k, (c, a, s) in enumerate(polya_world.truth))
    )
    found = find_anchors(read_site_list(path), polya_genome)
    assert "are clusters of sites" in capsys.readouterr().err
    truth = np.array([a for _, a, _ in polya_world.truth])
    assert np.abs(found.places.at0 - truth).max() <= 13
    assert (found.base == ord("A")).mean() > 0.97


def test_a_pair_without_an_a_is_kept_as_it_is_and_seen_as_no_a(polya_genome, tmp_path):
    text = polya_genome.fetch("chr1", 0, 5000).tobytes().decode()
    at = next(k for k in range(100, 5000) if set(text[k : k + 2]) <= set("CG"))
    path = tmp_path / "pairs.bed"
    path.write_text(
        bed("chr1", at, at + 2, "polyA_site", "+") + "\n" + bed("chr1", at, at + 2, "polyA_site", "-") + "\n"
    )
    found = find_anchors(read_site_list(path), polya_genome)
    assert found.places.at0.tolist() == [at + 1, at] and not (found.base == ord("A")).any()


def test_what_a_single_base_is_can_be_told(polya_world, polya_genome, tmp_path):
    path = write(tmp_path / "sites.bed", "bed of anchors", polya_world.truth[:5])
    sites = read_site_list(path)
    told = find_anchors(sites, polya_genome, "anchor")
    assert told.places.at0.tolist() == [a for _, a, _ in polya_world.truth[:5]]
    with pytest.raises(UsageError, match="--base last is not known"):
        find_anchors(sites, polya_genome, "last")


def test_names_of_another_build_are_not_read_as_places(polya_world, polya_genome, tmp_path, capsys):
    path = tmp_path / "lifted.bed"
    rows = [
        bed(c, last_base(a, s), last_base(a, s) + 1, f"{c}:{a + 9000}:{s}", s) for c, a, s in polya_world.truth
    ]  # fmt: skip
    path.write_text("\n".join(rows) + "\n")
    assert anchors_of(path, polya_genome) == set(polya_world.truth)
    assert "names of another genome build" in capsys.readouterr().err
    chrom, at0, strand = polya_world.truth[0]
    good = write(tmp_path / "good.bed", "polyasite2", polya_world.truth).read_text()
    path.write_text(good + bed(chrom, at0, at0 + 1, f"{chrom}:5:{strand}", strand) + "\n")
    with pytest.raises(DataError, match=r"lifted.bed line \d+: column 4 names place 5, outside"):
        read_site_list(path)


@pytest.mark.parametrize(
    "text, words",
    [
        ("chr1\t5\t6\n", "3 columns, so no strand"),
        ("chr1\t5\t6\tx\t0\t.\n", "line 1, column 'strand': '.' is not"),
        ("chr1\t9\t6\tx\t0\t+\n", "'6' is not above the start 9"),
        ("chr1\t5\t6\tx\t0\t+\nchr1\t-5\t6\tx\t0\t+\n", "line 2, column 'start': '-5' is not a whole number"),
        ("chr1\t5\t6\tx\t0\t+\nchr1\t5\t9999999999999\tx\t0\t+\n", "line 2, column 'end': '9{13}' is not a whole"),
        ("a b c\n", "is no site list"),
        ("1\t5\t6\tx\t0\t+\n", "'chr' before the names"),
        ("chr1\t5\t6\tx\t0\t+\n2\t5\t6\tx\t0\t+\n", "The same contigs have two names"),
        ("chrZ\t5\t6\tx\t0\t+\n", "No contig name is shared"),
        ("chr1\t90000\t90001\tx\t0\t+\n", "line 1: place 90,001 lies beyond contig 'chr1', which is 90,000 nt"),
    ],
)  # fmt: skip
def test_a_bad_list_is_refused_in_one_sentence(text, words, polya_genome, tmp_path):
    path = tmp_path / "bad.bed"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        find_anchors(read_site_list(path), polya_genome)


def test_an_unknown_format_is_refused(polya_world):
    with pytest.raises(UsageError, match="--format vcf is not known"):
        read_site_list(polya_world.sites, "vcf")


def test_a_site_behind_the_last_base_of_a_contig_is_an_unknown_base(polya_genome, tmp_path):
    path = tmp_path / "ends.bed"
    path.write_text("chr1\t89999\t90000\tx\t0\t+\nchr1\t0\t1\tx\t0\t-\n")
    found = find_anchors(read_site_list(path), polya_genome, "before")
    assert found.places.at0.tolist() == [90_000, -1] and (found.base == ord("N")).all()
