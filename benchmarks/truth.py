"""Does `ribolm-peaks call` find planted sites, and nothing where nothing is planted?

    python benchmarks/truth.py --scratch /tmp/ribolm-truth [--genes 200] [--seeds 10]

Simulates a grid of enrichment × depth × dispersion × GC bias (two replicates of IP and input), calls peaks with both
tests, and counts true peaks and found sites at every p cutoff; then null controls, where IP and input come from one
distribution, simulated and real (input replicates of chr22 against each other; folder in RIBOLM_DATA). Writes
truth.md, truth.png, truth.tsv, truth_null.tsv and truth_demo.tsv into benchmarks/results. About 5 s of one core per
simulation and 2 s per call: a quarter of an hour.
"""

import argparse
import contextlib
import csv
import io
import itertools
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truth_report import read_table, write_report

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
if TYPE_CHECKING:
    from ribolm.simulation.m6a_recovery import ScoredBins
RESULTS = Path(__file__).parent / "results"
REAL = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "m6a"

ENRICHMENTS = (2.0, 4.0, 8.0)
DEPTHS = {"low": 83, "demo": 250, "high": 750}  # fragments per gene and library; the defaults are 15,000 on 60 genes
DISPERSIONS = (0.0, 0.1)
GC_BIASES = (0.0, 0.5)
TESTS = ("poisson", "negative-binomial")
CUTOFFS = [10.0**-x for x in np.r_[1:4:0.5, 4:12, 12:30:3, 30:100:10, 100:301:50]]
CUTOFF = 1e-10
COVERED = 20.0  # fragments of one input library expected to hold a site
SEED = 1
ESTIMATED = {"size_factors": "estimated"}


@dataclass(frozen=True)
class Point:
    """One point of the grid."""

    enrichment: float
    depth: str
    dispersion: float
    gc_bias: float
    null: bool = False

    @property
    def key(self) -> dict[str, Any]:
        """Columns that name the point in the tables."""
        return {
            "enrichment": "none" if self.null else f"{self.enrichment:g}", "depth": self.depth,
            "dispersion": self.dispersion, "gc_bias": self.gc_bias,
        }  # fmt: skip


def grid(null: bool) -> list[Point]:
    """All points, or their null controls, which have no enrichment to vary."""
    enrichments = ENRICHMENTS[-1:] if null else ENRICHMENTS
    return [Point(*values, null) for values in itertools.product(enrichments, DEPTHS, DISPERSIONS, GC_BIASES)]


@contextlib.contextmanager
def simulated(scratch: Path, point: Point, genes: int, seed: int = SEED, groups: int = 1) -> Iterator[Path]:
    """A simulated experiment that is removed afterwards."""
    from ribolm.simulation.m6a import simulate_m6a
    from ribolm.simulation.m6a_options import M6aOptions

    folder = scratch / "simulated"
    shutil.rmtree(folder, ignore_errors=True)
    options = M6aOptions(
        seed=seed, genes=genes, groups=groups, fragments=DEPTHS[point.depth] * genes, enrichment=point.enrichment,
        dispersion=point.dispersion, gc_bias=point.gc_bias, null=point.null,
    )  # fmt: skip
    simulate_m6a(options, folder, "bam")
    yield folder
    shutil.rmtree(folder)


def call(ip: list[Path], inputs: list[Path], out: Path, *more: str) -> Path:
    """Run `ribolm-peaks call` in this process, its messages kept for a failure; return its folder."""
    from ribolm.cli.peaks import main

    shutil.rmtree(out, ignore_errors=True)
    files = [
        part for flag, paths in (("--ip", ip), ("--input", inputs)) for path in paths for part in (flag, str(path))
    ]
    messages = io.StringIO()
    with contextlib.redirect_stderr(messages), contextlib.redirect_stdout(messages):
        code = main(["call", *files, "--outdir", str(out), *more])
    if code:
        raise SystemExit(messages.getvalue())
    return out


def call_simulated(folder: Path, group: str, test: str, gc: bool = True, *more: str) -> Path:
    """Call peaks of one group of a simulated experiment."""
    bams = {assay: [folder / "bam" / f"{group}_{k}.{assay}.bam" for k in (1, 2)] for assay in ("ip", "input")}
    genome = [
        "--gtf",
        str(folder / "genes.gtf.gz"),
        *(["--fasta", str(folder / "genome.fa.gz")] if gc else ["--no-gc"]),
    ]
    return call(
        bams["ip"], bams["input"], folder / "peaks", *genome, "--test", test, "--strandedness", "reverse", *more
    )


def variants(point: Point) -> list[tuple[str, bool]]:
    """(test, GC correction) to run at a point: without correction only where there is something to correct."""
    return [(test, True) for test in TESTS] + ([("poisson", False)] if point.gc_bias else [])


def curve(folder: Path, point: Point, test: str, gc: bool) -> list[dict[str, Any]]:
    """One row per cutoff: counts, precision, recall of all sites and of covered ones; intervals at the default."""
    from ribolm.simulation.m6a_recovery import score_bins

    out = call_simulated(folder, "control", test, gc)
    scored = score_bins(out / "bins.parquet", folder / "truth", "control")
    n_called = len((out / "peaks.bed").read_text().splitlines())
    if scored.at(CUTOFF).counts[0] != n_called:
        raise SystemExit(f"{point}: peaks.bed has {n_called} peaks, the cutoff gives {scored.at(CUTOFF).counts[0]}")
    shift = baseline_shift(out / "bins.parquet", scored)
    rows = []
    for cutoff in CUTOFFS:
        every, covered = scored.at(cutoff), scored.at(cutoff, COVERED)
        row = {**point.key, "test": test, "gc_correction": gc, "p_cutoff": f"{cutoff:.3g}"}
        row |= dict(zip(("peaks", "true_peaks", "sites", "found"), every.counts, strict=True))
        row |= {"covered_sites": covered.counts[2], "covered_found": covered.counts[3]}
        row |= {"precision": every.precision, "recall": every.recall, "covered_recall": covered.recall}
        (p_low, p_high), (r_low, r_high) = every.intervals(np.random.default_rng(SEED), 400)
        row |= {"precision_low": p_low, "precision_high": p_high, "recall_low": r_low, "recall_high": r_high}
        row |= {"baseline_shift_log2": shift}
        rows.append(row)
    return rows


def baseline_shift(bins_parquet: Path, scored: "ScoredBins") -> float:
    """Median log2 fold change of the bins that no planted site reaches: 0 where the size factors are right."""
    import pyarrow.parquet as pq

    table = pq.read_table(bins_parquet, columns=["bin", "log2_fold_change"]).sort_by("bin")
    reached = np.zeros(len(scored.number), dtype=bool)
    reached[scored.pair_bin] = True
    return float(np.median(np.asarray(table["log2_fold_change"].to_numpy())[~reached]))


def tally(out: Path) -> dict[str, Any]:
    """Calls of a null control: bins tested, p below 0.001 and what chance alone would give, bins and peaks at 1e-10."""
    import pyarrow.parquet as pq

    p_value = np.asarray(pq.read_table(out / "bins.parquet", columns=["p_value"])["p_value"].to_numpy())
    peaks = len((out / "peaks.bed").read_text().splitlines())
    return {
        "bins": len(p_value), "p_below_1e-3": int((p_value <= 1e-3).sum()),
        "chance_would_give": f"{len(p_value) * 1e-3:.0f}", "called_bins": int((p_value <= CUTOFF).sum()),
        "peaks": peaks,
    }  # fmt: skip


def null_rows(scratch: Path, genes: int) -> Iterator[dict[str, Any]]:
    """Simulated null controls."""
    for point in grid(null=True):
        with simulated(scratch, point, genes) as folder:
            for test, gc in variants(point):
                found = tally(call_simulated(folder, "control", test, gc))
                yield {"data": "simulated", **point.key, "test": test, "gc_correction": gc, **ESTIMATED, **found}
            if point.gc_bias:
                equal = equal_size_factors(scratch / "size_factors.tsv")
                found = tally(call_simulated(folder, "control", "poisson", True, "--size-factors", str(equal)))
                columns = {"test": "poisson", "gc_correction": True, "size_factors": "given"}
                yield {"data": "simulated", **point.key, **columns, **found}


def equal_size_factors(path: Path) -> Path:
    """The right size factors of a null control: all libraries have one depth and one distribution but for GC."""
    names = [f"control_{k}.{assay}" for k in (1, 2) for assay in ("ip", "input")]
    path.write_text("name\tsize_factor\n" + "".join(f"{name}\t100\n" for name in names))
    return path


def real_null_rows(scratch: Path) -> Iterator[dict[str, Any]]:
    """Real input libraries against each other: one against one, and two against two across conditions."""
    bams = REAL / "merip_chr22_bam"
    if not bams.is_dir():
        print(f"no real data at {REAL}; set RIBOLM_DATA", file=sys.stderr)
        return
    more = ("--gtf", str(REAL / "ref" / "hg38_chr22_10.5-26M.gtf.gz"), "--no-gc", "--strandedness", "unstranded")
    point = {"enrichment": "none", "depth": "", "dispersion": "", "gc_bias": ""}
    conditions = (("control",), ("treated",), ("control", "treated"))
    for names, (ip, other), test in itertools.product(conditions, ((1, 2), (2, 1)), TESTS):
        files = [[bams / f"{name}_{k}.input.bam" for name in names] for k in (ip, other)]
        found = tally(call(*files, scratch / "real", *more, "--test", test))
        data = f"chr22, {' + '.join(names)} input {ip} over {other}"
        yield {"data": data, **point, "test": test, "gc_correction": False, **ESTIMATED, **found}


def demo_rows(scratch: Path, seeds: int) -> list[dict[str, Any]]:
    """The point of the defaults for many seeds and both groups: is seed 1 a lucky one?"""
    from ribolm.simulation.m6a_recovery import score_bins

    rows = []
    for seed in range(1, seeds + 1):
        with simulated(scratch, Point(8.0, "demo", 0.0, 0.0), 60, seed, groups=2) as folder:
            for group, test in itertools.product(("control", "treated"), TESTS):
                out = call_simulated(folder, group, test)
                found = score_bins(out / "bins.parquet", folder / "truth", group).at(CUTOFF).counts
                counted = dict(zip(("peaks", "true_peaks", "sites", "found"), found, strict=True))
                rows.append({"seed": seed, "group": group, "test": test, **counted})
    return rows


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as TSV; numbers with four digits."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})


def run(scratch: Path, genes: int, seeds: int) -> None:
    """Run whatever table is missing, so that an interrupted run goes on where it stopped."""
    scratch.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    parts = scratch / "parts"
    parts.mkdir(exist_ok=True)
    for number, point in enumerate(grid(null=False)):
        part = parts / f"{number:02d}.tsv"
        if not part.exists():
            with simulated(scratch, point, genes) as folder:
                rows = [row for test, gc in variants(point) for row in curve(folder, point, test, gc)]
            write_table(part, rows)
            print(part.name, point.key, flush=True)
    write_table(RESULTS / "truth.tsv", [row for part in sorted(parts.glob("??.tsv")) for row in read_table(part)])
    for name, rows_of in (("null", lambda: null_rows(scratch, genes)), ("demo", lambda: demo_rows(scratch, seeds))):
        part = parts / f"{name}.tsv"
        if not part.exists():
            write_table(part, list(rows_of()))
    real = list(real_null_rows(scratch))
    write_table(RESULTS / "truth_null.tsv", [*read_table(parts / "null.tsv"), *real])
    write_table(RESULTS / "truth_demo.tsv", read_table(parts / "demo.tsv"))


def main() -> None:
    """Measure, then write the report and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scratch", type=Path, required=True, help="folder for simulated libraries, emptied as it goes"
    )
    parser.add_argument("--genes", type=int, default=200, help="genes per simulated experiment")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the demo's point")
    parser.add_argument("--report-only", action="store_true", help="rewrite report and figures from the tables")
    arguments = parser.parse_args()
    if not arguments.report_only:
        run(arguments.scratch, arguments.genes, arguments.seeds)
    write_report(RESULTS, arguments.genes)


if __name__ == "__main__":
    main()
