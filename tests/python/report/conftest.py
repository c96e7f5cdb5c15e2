"""A small made-up run (and logs of trainings): two genes, two groups, peaks on planted GGACU near the stop codons."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

CONTIG_NT = 12_000
# (gene, strand, exons, CDS with stop codon), spliced length 1,200, CDS 300 to 900
GENES = (
    ("PLUS", "+", ((1000, 1600), (2000, 2600)), ((1300, 1600), (2000, 2300))),
    ("MINUS", "-", ((6000, 6600), (7000, 7600)), ((6300, 6600), (7000, 7300))),
)
# blocks of 75 to 100 nt around the stop codon of PLUS (2297) and of MINUS (6300), and one over a junction
PEAKS = (
    ("+", ((2260, 2335),)),
    ("+", ((1550, 1600), (2000, 2050))),
    ("-", ((6265, 6340),)),
)
SITES_PLUS = (2290, 2300, 1580, 2010)  # place of the A
SITES_MINUS = (6290, 6310)
LIBRARIES = {"1_ip": "ip", "2_ip": "ip", "1_input": "input", "2_input": "input"}
HEADER = "chrom start0 end0 strand name length_nt genes feature distance_to_stop_nt n_bins count_ip count_input".split()
HEADER += "rpm_ip rpm_input log2_fold_change p_value p_adjusted nearest_drach_nt".split()


@dataclass(frozen=True)
class SmallRun:
    """Files of the run. `folders` are the peak folders of groups control and treated."""

    root: Path
    fasta: Path
    gtf: Path
    gtf_without_cds: Path
    folders: tuple[Path, Path]

    @property
    def peak_arguments(self) -> list[str]:
        """--peaks NAME=BED for all groups."""
        return [word for folder in self.folders for word in ("--peaks", f"{folder.name}={folder / 'peaks.bed'}")]

    @property
    def folder_arguments(self) -> list[str]:
        """--peaks-dir for all groups."""
        return [word for folder in self.folders for word in ("--peaks-dir", str(folder))]


@pytest.fixture
def small_run(tmp_path: Path) -> SmallRun:
    return make_run(tmp_path)


@pytest.fixture
def empty_run(tmp_path: Path) -> SmallRun:
    """The same without a peak, a bin or a fragment, and one replicate only."""
    run = make_run(tmp_path)
    for folder in run.folders:
        write_folder(folder, folder.name, (), 0, ("1_ip", "1_input"))
    return run


@pytest.fixture
def dotted_run(tmp_path: Path) -> SmallRun:
    """The same with groups whose names MultiQC would cut to one."""
    return make_run(tmp_path, ("liver.fasted", "liver.fat"))


@pytest.fixture
def command() -> Callable[..., int]:
    """Run ribolm-report in this process and return its exit code."""
    from ribolm.cli.report import main

    def run(*words: object) -> int:
        return main([str(word) for word in words])

    return run


@pytest.fixture
def write_log() -> Callable[..., Path]:
    """Write log.jsonl of a training of some steps, as `ribolm-train` does."""

    def write(path: Path, n_steps: int = 900) -> Path:
        events = [{"event": "choice", "what": "device <x>", "value": "cpu", "reason": "none seen"}]
        events += [step(i) for i in range(1, n_steps + 1)]
        events += [{"event": "evaluation", "step": n_steps, "metrics": {"loss": 0.4, "average_precision": 0.3}}]
        events += [{"event": "resume", "step": 2}]
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return path

    return write


def step(number: int, **more: Any) -> dict[str, Any]:
    values = {"tokens": 100 * number, "loss": 1 / number, "learning_rate": 1e-3, "tokens_per_s": 500.0}
    return {"event": "step", "step": number, **values, "mfu": 0.0, "elapsed_s": number * 2.0, **more}


def make_run(root: Path, groups: tuple[str, str] = ("control", "treated")) -> SmallRun:
    fasta, gtf, bare = root / "genome.fa", root / "genes.gtf", root / "exons.gtf"
    fasta.write_text(f">chr1\n{sequence()}\n")
    rows = gtf_rows()
    gtf.write_text("".join(rows))
    bare.write_text("".join(row for row in rows if "\texon\t" in row))
    folders = (root / "peaks" / groups[0], root / "peaks" / groups[1])
    write_folder(folders[0], groups[0], PEAKS, 1, tuple(LIBRARIES))
    write_folder(folders[1], groups[1], PEAKS[:2], 2, tuple(LIBRARIES))
    return SmallRun(root, fasta, gtf, bare, folders)


def sequence() -> str:
    """Random letters without DRACH, then GGACT around the planted places on their strands."""
    from ribolm.alphabet import letters, motif_starts, reverse_complement

    random = np.random.Generator(np.random.Philox(7))
    text = np.frombuffer(b"ACGT", dtype=np.uint8)[random.integers(4, size=CONTIG_NT)].copy()
    while True:
        forward = motif_starts(text) + 3
        backward = CONTIG_NT - 1 - (motif_starts(reverse_complement(text)) + 3)
        if not len(forward) and not len(backward):
            break
        text[forward] = ord("T")
        text[backward] = ord("A")
    for site in SITES_PLUS:
        text[site - 2 : site + 3] = letters("GGACT")
    for site in SITES_MINUS:
        text[site - 2 : site + 3] = reverse_complement(letters("GGACT"))
    return text.tobytes().decode()


def gtf_rows() -> list[str]:
    rows = []
    for gene, strand, exons, cds in GENES:
        for kind, blocks in (("exon", exons), ("CDS", cds)):
            for start0, end0 in blocks:
                attributes = f'gene_id "{gene}"; transcript_id "{gene}.1";'
                rows.append(f"chr1\tx\t{kind}\t{start0 + 1}\t{end0}\t.\t{strand}\t.\t{attributes}\n")
    return rows


def write_folder(
    folder: Path, name: str, peaks: Sequence[tuple[str, Any]], seed: int, libraries: Sequence[str]
) -> None:
    """Write peaks.bed, peaks.tsv, bins.parquet and summary.json of a group; seed 0 leaves bins and libraries empty."""
    folder.mkdir(parents=True, exist_ok=True)
    bed, table = [], ["\t".join(HEADER)]
    for i, (strand, blocks) in enumerate(peaks, start=1):
        start0, end0 = blocks[0][0], blocks[-1][1]
        length = sum(b - a for a, b in blocks)
        sizes, starts = ",".join(str(b - a) for a, b in blocks), ",".join(str(a - start0) for a, _ in blocks)
        label = f"{name}_peak_{i}"
        bed.append(
            f"chr1\t{start0}\t{end0}\t{label}\t120\t{strand}\t{start0}\t{end0}\t0\t{len(blocks)}\t{sizes}\t{starts}\n"
        )
        feature, distance = ("CDS", -297) if len(blocks) > 1 else ("stop codon", 0)
        values = (
            start0,
            end0,
            strand,
            label,
            length,
            "G",
            feature,
            distance,
            3,
            90,
            9,
            900.0,
            90.0,
            3.2,
            1e-12,
            1e-9,
            1,
        )
        table.append("\t".join(map(str, ("chr1", *values))))
    (folder / "peaks.bed").write_text("".join(bed))
    (folder / "peaks.tsv").write_text("\n".join(table) + "\n")
    names = [f"{name}_{library}" for library in libraries]
    random = np.random.Generator(np.random.Philox(seed))
    n = 60 if seed else 0
    counts = {f"count.{library}": random.poisson(np.linspace(1, 30, n)).astype(np.int32) for library in names}
    pl.DataFrame({"bin": np.arange(1, n + 1, dtype=np.int32), **counts}).write_parquet(folder / "bins.parquet")
    content = summary(name, dict(zip(names, libraries, strict=True)), len(peaks), bool(seed))
    (folder / "summary.json").write_text(json.dumps(content))


def summary(name: str, libraries: dict[str, str], n_peaks: int, filled: bool) -> dict[str, Any]:
    rows = {
        library: {
            "assay": LIBRARIES[short],
            "alignments": 2000 if filled else 0,
            "left_out": {"unmapped": 10, "secondary": 5} if filled else {},
            "fragments": 1000 if filled else 0,
            "fragments_on_exons": 900 if filled else 0,
            "fragments_in_peaks": (400 if short.endswith("ip") else 100) if filled else 0,
            "strandedness": "reverse",
            "strandedness_source": "inferred",
            "size_factor": 2.0 if short.endswith("ip") else 4.0,
            "size_factor_source": "background",
        }
        for library, short in libraries.items()
    }
    return {
        "name": name,
        "caller": "ribolm",
        "version": "0",
        "parameters": {"min_mapq": 0, "multimappers": "primary", "duplicates": "keep"},
        "choices": [{"what": "background bins", "value": 40, "reason": "mixture <of> two"}] if filled else [],
        "libraries": rows,
        "bins": {"total": 100, "with_counts": 60, "background": 40 if filled else 0, "background_source": "mixture"},
        "calls": {"bins": 3 * n_peaks, "peaks": n_peaks},
        "dispersion": None,
    }
