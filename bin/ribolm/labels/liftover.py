"""One-base sites from one genome build to another, with a chain file of the user's."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.errors import UsageError
from ribolm.labels.chains import Chain

if TYPE_CHECKING:
    import polars

LIFT_OUTCOMES = ("lift_unmapped", "lift_several", "lift_other_strand")


def parse_chains(assignments: list[str]) -> dict[str, Path]:
    """Chain files by the build that they lift from, of arguments BUILD=FILE. Raises UsageError for any other form."""
    found: dict[str, Path] = {}
    for assignment in assignments:
        build, _, path = assignment.partition("=")
        if not build or not path:
            raise UsageError(f"--chain {assignment}: write BUILD=FILE, as hg19=hg19ToHg38.over.chain.gz.")
        if build in found:
            raise UsageError(f"--chain: build {build} has two files. Give one.")
        found[build] = Path(path)
    return found


def lift_sites(rows: "polars.DataFrame", chain: Chain) -> tuple["polars.DataFrame", dict[str, int]]:
    """Lift one-base sites (columns chrom, start0, strand among others); returns (lifted rows, sites per outcome).

    Sites that map nowhere or to several places are dropped. A chain to the other strand turns the site's strand; those
    sites are kept and counted.
    """
    import polars

    start0 = rows["start0"].to_numpy()
    chrom = np.array(rows["chrom"].to_list(), dtype=object)
    n_hits, block = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), -1, dtype=np.int64)
    for contig in rows["chrom"].unique().to_list():
        at = np.flatnonzero(chrom == contig)
        n_hits[at], block[at] = chain.lookup(contig, start0[at])
    single = np.flatnonzero(n_hits == 1)
    of = block[single]
    turned = chain.direction[of] < 0
    is_minus = (rows["strand"] == "-").to_numpy()[single] ^ turned
    lifted = rows[single].with_columns(
        polars.Series("chrom", [chain.targets[k] for k in chain.target[of]], dtype=polars.String),
        polars.Series("start0", chain.target0[of] + chain.direction[of] * (start0[single] - chain.start0[of])),
        polars.Series("strand", np.where(is_minus, "-", "+").tolist(), dtype=polars.String),
    )
    counts = (int((n_hits == 0).sum()), int((n_hits > 1).sum()), int(turned.sum()))
    return lifted, dict(zip(LIFT_OUTCOMES, counts, strict=True))
