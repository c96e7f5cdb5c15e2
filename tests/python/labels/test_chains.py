"""Lifting single bases with chain files, held against pyliftover on random chains."""

import io
import random

import numpy as np
import polars
import pytest

from ribolm.errors import DataError, UsageError
from ribolm.labels.chains import read_chain
from ribolm.labels.liftover import lift_sites, parse_chains

# c1 0-100 to d1 50-150; c1 120-200 to d2, minus strand of 300 nt, from 10; c1 150-160 a second time.
CHAIN = """# a comment
chain 1000 c1 400 + 0 200 d1 500 + 50 270 1
100 20 40
80

chain 900 c1 400 + 300 380 d2 300 - 10 90 2
80

chain 10 c1 400 + 150 160 d1 500 + 400 410 3
10
"""


def sites(rows):
    schema = {"chrom": polars.String, "start0": polars.Int64, "strand": polars.String}
    return polars.DataFrame(rows, schema=schema, orient="row")


def test_blocks_gaps_strands_and_double_hits(tmp_path):
    (tmp_path / "c.chain").write_text(CHAIN)
    rows = sites(
        [("c1", 0, "+"), ("c1", 99, "-"), ("c1", 100, "+"), ("c1", 120, "+"), ("c1", 155, "+"), ("c1", 300, "+"),
         ("c1", 379, "-"), ("c9", 5, "+")]
    )  # fmt: skip
    lifted, outcomes = lift_sites(rows, read_chain(tmp_path / "c.chain"))
    assert lifted.rows() == [
        ("d1", 50, "+"), ("d1", 149, "-"), ("d1", 190, "+"), ("d2", 289, "-"), ("d2", 210, "+"),
    ]  # fmt: skip
    assert outcomes == {"lift_unmapped": 2, "lift_several": 1, "lift_other_strand": 2}


def test_random_chains_agree_with_pyliftover(tmp_path):
    pyliftover = pytest.importorskip("pyliftover")
    draw = random.Random(5)
    lines = []
    for number in range(40):
        begin, target, blocks = draw.randrange(5000), draw.randrange(3000), []
        for k in range(draw.randrange(1, 5)):
            last = k == 3 or draw.random() < 0.3
            blocks.append((draw.randrange(1, 200), draw.randrange(60), draw.randrange(60), last))
            if last:
                break
        blocks[-1] = (*blocks[-1][:3], True)
        length = sum(a + (0 if last else b) for a, b, _, last in blocks)
        reach = sum(a + (0 if last else c) for a, _, c, last in blocks)
        strand = draw.choice("+-")
        lines.append(f"chain {1000 - number} c1 9000 + {begin} {begin + length} d1 9000 {strand} {target} "
                     f"{target + reach} {number}")  # fmt: skip
        lines += [str(a) if last else f"{a}\t{b}\t{c}" for a, b, c, last in blocks] + [""]
    (tmp_path / "r.chain").write_text("\n".join(lines) + "\n")
    oracle = pyliftover.LiftOver(io.BytesIO((tmp_path / "r.chain").read_bytes()))
    rows = sites([("c1", k, draw.choice("+-")) for k in range(0, 7000)])
    hits = [oracle.convert_coordinate(*row) for row in rows.rows()]
    lifted, outcomes = lift_sites(rows, read_chain(tmp_path / "r.chain"))
    assert lifted.rows() == [hit[0][:3] for hit in hits if len(hit) == 1]
    assert outcomes["lift_several"] == sum(len(hit) > 1 for hit in hits) > 100
    assert outcomes["lift_unmapped"] == sum(not hit for hit in hits) > 100


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "holds no chain"),
        ("chr1\t10\t11\n", "begins with 'chr1'"),
        ("chain 1 c1 400 + 0 100 d1 500 + 0 100 1\n50\n", "line 1: the chain is not sound .*add up"),
        ("chain 1 c1 400 + 0 100 d1 500 + 0 100 1\n50 x\n", "not sound"),
        ("chain 1 c1 400 + 0 100 d1 500 + 0 100 1\n50 1 1\n", "ends too early"),
        ("chain 1 c1 400 - 0 100 d1 500 + 0 100 1\n100\n", "strands must be"),
    ],
)
def test_a_damaged_chain_is_refused(tmp_path, text, words):
    (tmp_path / "c.chain").write_text(text)
    with pytest.raises(DataError, match=words):
        read_chain(tmp_path / "c.chain")


def test_chains_are_named_by_the_build_that_they_lift_from(tmp_path):
    assert {k: str(v) for k, v in parse_chains(["hg19=a=b.chain", "mm9=c"]).items()} == {
        "hg19": "a=b.chain",
        "mm9": "c",
    }
    for wrong in (["hg19"], ["=x"], ["a=x", "a=y"]):
        with pytest.raises(UsageError, match="--chain"):
            parse_chains(wrong)


def test_no_site_at_all_stays_none(tmp_path):
    (tmp_path / "c.chain").write_text(CHAIN)
    lifted, outcomes = lift_sites(sites([]), read_chain(tmp_path / "c.chain"))
    assert len(lifted) == 0 and not np.any(list(outcomes.values()))
