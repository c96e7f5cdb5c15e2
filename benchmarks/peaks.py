"""Speed and memory of `ribolm-peaks call` beside featureCounts, on the same BAM files and the same bins, in one run.

    python benchmarks/peaks.py --scratch /tmp/ribolm-benchmark

Simulates two libraries (IP and input, 10 M fragments each) over at least 60,000 transcripts, runs both programs in turn
as child processes bound to one core, and writes benchmarks/results/peaks.md. featureCounts (subread) comes from PATH;
it only counts, while ribolm also reads the annotation, fits, tests, merges and writes its tables.
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "peaks.md"
SOLVER_BINS = 2_000_000
ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "ARROW_NUM_THREADS")
}


@dataclass(frozen=True)
class Run:
    """One finished child: wall and CPU seconds, peak resident memory in GB (10^9 bytes)."""

    wall_s: float
    cpu_s: float
    peak_gb: float


def run_child(command: list[str], log: Path, core: int, environment: dict[str, str]) -> Run:
    """Run a command on one core and return what the operating system accounts for it; stop if it fails."""
    started_s = time.monotonic()
    with log.open("w") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ONE_THREAD, **environment},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.monotonic() - started_s
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}:\n{log.read_text()[-2000:]}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


def simulate(folder: Path, fragments: int, genes: int) -> Path:
    """Simulate the libraries unless this folder already holds them; return the folder."""
    made = folder / f"libraries_{genes}_{fragments}"
    if not (made / "samplesheet.csv").exists():
        command = [str(REPOSITORY / "bin" / "ribolm-simulate"), "m6a", "--outdir", str(made), "--format", "bam"]
        numbers = {"--genes": genes, "--contigs": 24, "--groups": 1, "--replicates": 1, "--fragments": fragments}
        subprocess.run([*command, *(str(part) for pair in numbers.items() for part in pair)], check=True)
    return made


def write_saf(libraries: Path, saf: Path) -> tuple[int, int]:
    """Write ribolm's bins as the annotation of featureCounts, one gene per bin; return bins and transcripts."""
    from ribolm.genome.annotation import read_gtf
    from ribolm.genome.exon_space import build_exon_space, genomic_blocks
    from ribolm.peaks.bins import build_grid, stretch_of_bins, unit_of_bins

    annotation = read_gtf(libraries / "genes.gtf.gz")
    space = build_exon_space(annotation)
    grid = build_grid(space)
    bins = np.arange(grid.n_bins)
    unit = unit_of_bins(grid, bins)
    blocks = genomic_blocks(space, unit, *stretch_of_bins(grid, bins, unit))
    owner = np.repeat(bins, np.diff(blocks.first))
    with saf.open("w") as out:
        out.write("GeneID\tChr\tStart\tEnd\tStrand\n")
        for i, start0, size in zip(owner.tolist(), blocks.start0.tolist(), blocks.size.tolist(), strict=True):
            strand = "+" if space.strand[unit[i]] > 0 else "-"
            out.write(f"{i}\t{space.chroms[space.chrom[unit[i]]]}\t{start0 + 1}\t{start0 + size}\t{strand}\n")
    return grid.n_bins, len(annotation.transcripts)


def differing_bins(bins_parquet: Path, feature_counts: Path, n_bins: int) -> tuple[int, int]:
    """(count values that differ between the two programs, values compared) over all bins and both libraries."""
    import pandas as pd

    theirs = pd.read_csv(feature_counts, sep="\t", comment="#", index_col=0).iloc[:, -2:].sort_index()
    table = pd.read_parquet(bins_parquet)
    columns = [name for name in table.columns if name.startswith("count.")]
    ours = np.zeros((n_bins, 2), np.int64)
    ours[table["bin"].to_numpy() - 1] = table[columns].to_numpy()
    return int((ours != theirs.to_numpy()).sum()), ours.size


def solver_bins_per_s(n_libraries: int = 4) -> float:
    """Bins per second of the Poisson fit and test alone, with bin × library offsets; best of three."""
    from ribolm.peaks.glm import fit_group, wald_test

    random = np.random.default_rng(1)
    counts = random.poisson(random.gamma(0.5, 20, SOLVER_BINS), (n_libraries, SOLVER_BINS)).astype(np.int32)
    offsets = random.uniform(4, 8, counts.shape)
    half = n_libraries // 2
    seconds = []
    for _ in range(3):
        started_s = time.perf_counter()
        wald_test(fit_group(counts[:half], offsets[:half]), fit_group(counts[half:], offsets[half:]))
        seconds.append(time.perf_counter() - started_s)
    return SOLVER_BINS / min(seconds)


def ribolm_command(libraries: Path, outdir: Path) -> list[str]:
    """The whole call, from BAM to tables and peaks, GC correction included."""
    bam = libraries / "bam"
    return [
        *(str(REPOSITORY / "bin" / "ribolm-peaks"), "call", "--ip", f"ip={bam / 'control_1.ip.bam'}"),
        *("--input", f"input={bam / 'control_1.input.bam'}", "--gtf", str(libraries / "genes.gtf.gz")),
        *("--fasta", str(libraries / "genome.fa.gz"), "--outdir", str(outdir)),
        *("--strandedness", "unstranded", "--threads", "1"),
    ]


def feature_counts_command(libraries: Path, saf: Path, out: Path) -> list[str]:
    """Counting of read pairs over all bins that they overlap."""
    bams = [str(libraries / "bam" / f"control_1.{assay}.bam") for assay in ("ip", "input")]
    return [
        "featureCounts",
        "-p",
        "--countReadPairs",
        "-O",
        "-T",
        "1",
        "-F",
        "SAF",
        "-a",
        str(saf),
        "-o",
        str(out),
        *bams,
    ]


def machine() -> str:
    """Processor, cores, load, system and versions, in one line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    version = subprocess.run(["featureCounts", "-v"], capture_output=True, text=True, check=False)
    peer = (version.stderr + version.stdout).split()[-1]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{model}, {os.cpu_count()} cores, load {load} at the end, {platform.system()}, Python "
        f"{platform.python_version()}, featureCounts {peer}, {datetime.date.today()}"
    )


def exome_peak2() -> str:
    """Why exomePeak2 itself was not timed."""
    if not shutil.which("Rscript"):
        return "not timed, R is not on this machine"
    asked = subprocess.run(["Rscript", "-e", "library(exomePeak2)"], capture_output=True, check=False)
    return "not timed, R lacks the package here" if asked.returncode else "installed here; time it by hand"


def table_row(name: str, runs: list[Run]) -> str:
    """One row of the table: medians over the runs, largest memory."""
    wall_s, cpu_s = (statistics.median(getattr(run, part) for run in runs) for part in ("wall_s", "cpu_s"))
    walls = " ".join(f"{run.wall_s:.1f}" for run in runs)
    return f"| {name} | {wall_s:.1f} | {cpu_s:.1f} | {max(run.peak_gb for run in runs):.2f} | {walls} |"


def report(numbers: dict, first: Run, ours: list[Run], theirs: list[Run], bins_per_s: float) -> str:
    """The text of benchmarks/results/peaks.md."""
    ratios = [their.wall_s / our.wall_s for our, their in zip(ours, theirs, strict=True)]
    cpu_ratio = statistics.median(run.cpu_s for run in theirs) / statistics.median(run.cpu_s for run in ours)
    return f"""# Peak calling: speed and memory

Written by `python benchmarks/peaks.py`. Conditions: {machine()}. Both programs run in turn, bound to one core.

Input: IP and input library, {numbers["fragments"]:,} read pairs each (2 × 75 nt, position-sorted BAM, simulated with
constant base qualities), {numbers["transcripts"]:,} transcripts, {numbers["bins"]:,} bins. `ribolm-peaks call` reads
the annotation and the genome, counts both libraries, corrects for GC, fits, tests, merges and writes all its files;
featureCounts counts the same bins, given ready as SAF.

| command | wall s (median) | CPU s (median) | peak memory GB | wall s of each run |
|---|---|---|---|---|
{table_row("`ribolm-peaks call`", ours)}
{table_row("`featureCounts -p --countReadPairs -O -T 1`", theirs)}
{table_row("`ribolm-peaks call`, first run (compiles its kernels)", [first])}

- Speed of the whole call over featureCounts: **{statistics.median(ratios):.2f} ×** wall (goal ≥ 1; runs:
  {", ".join(f"{ratio:.2f}" for ratio in ratios)}), {cpu_ratio:.2f} × CPU.
- Peak memory: **{max(run.peak_gb for run in ours):.2f} GB** (limit 2).
- Counts that differ between the two programs: {numbers["different"]:,} of {numbers["compared"]:,}.
- Solver alone (Poisson, 2 + 2 libraries, bin × library offsets): **{bins_per_s / 1e6:.2f} M bins/s** on one core
  (goal ≥ 1).
- exomePeak2: {exome_peak2()}.
"""


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder for about 3 GB of temporary files")
    parser.add_argument("--fragments", type=int, default=10_000_000, help="read pairs per library [10000000]")
    parser.add_argument("--genes", type=int, default=42_000, help="simulated genes, 1.5 transcripts each [42000]")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program [3]")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core to bind to [the last]")
    parser.add_argument("--no-result", action="store_true", help="print only, leave benchmarks/results alone")
    return parser.parse_args()


def main() -> None:
    """Simulate, run both programs in turn, compare their counts, print and write the table."""
    options = parse_options()
    scratch = options.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    libraries = simulate(scratch, options.fragments, options.genes)
    saf, counted, outdir = scratch / "bins.saf", scratch / "feature_counts.tsv", scratch / "call"
    n_bins, n_transcripts = write_saf(libraries, saf)
    environment = {"NUMBA_CACHE_DIR": str(scratch / "numba"), "TMPDIR": str(scratch)}
    shutil.rmtree(scratch / "numba", ignore_errors=True)
    ours_command, theirs_command = ribolm_command(libraries, outdir), feature_counts_command(libraries, saf, counted)
    first = run_child(ours_command, scratch / "ribolm.log", options.core, environment)
    ours, theirs = [], []
    for _ in range(options.repeats):
        theirs.append(run_child(theirs_command, scratch / "peer.log", options.core, environment))
        ours.append(run_child(ours_command, scratch / "ribolm.log", options.core, environment))
    different, compared = differing_bins(outdir / "bins.parquet", counted, n_bins)
    os.sched_setaffinity(0, {options.core})
    numbers = {"fragments": options.fragments, "transcripts": n_transcripts, "bins": n_bins}
    numbers |= {"different": different, "compared": compared}
    text = report(numbers, first, ours, theirs, solver_bins_per_s())
    print(text)
    if not options.no_result:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
