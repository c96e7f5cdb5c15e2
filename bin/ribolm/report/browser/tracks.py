"""bigWig tracks of a group: IP, input and their log2 ratio, spliced coverage on one common scale."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.files import atomic_directory, open_text, require_file, write_json
from ribolm.genome.contigs import require_shared_contigs, shown
from ribolm.reads.alignments import ReadFilter
from ribolm.reads.coverage import AlignedReads, Depth, read_depth
from ribolm.report.browser.bigwig import write_bigwig
from ribolm.report.folders.json_object import read_json_object

SEGMENT_NT = 1 << 22
DECIMALS = 4
TRACKS = ("ip", "input", "log2ratio")

Float64 = npt.NDArray[np.float64]
Runs = tuple[npt.NDArray[np.int64], Float64]


@dataclass(frozen=True)
class TrackScales:
    """Multiplier of each library's depth, and the pseudocount of the ratio; both in fragments per million.

    Effective size of a library = its size factor times (sum of fragments / sum of size factors) over the group, so that
    libraries stay comparable as in peak calling and a library of mean depth is in fragments per million. Without size
    factors the effective size is the number of fragments. A fragment covers more bases in a library of pairs or of long
    reads: depth is scaled to the mean of the libraries, so that equal RNA gives equal tracks. pseudocount = one read
    where one weighs most.
    """

    per_read: dict[str, float]
    pseudocount: float
    text: str


def read_chrom_sizes(path: Path) -> dict[str, int]:
    """Contig lengths from a table of name and length. Raises DataError naming the row."""
    sizes: dict[str, int] = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            fields = line.rstrip("\n").split("\t")
            if not line.strip() or line.startswith("#"):
                continue
            if len(fields) < 2 or not re.fullmatch(r"[0-9]{1,12}", fields[1]):
                raise DataError(
                    f"{path.name} line {number}: is not a contig name and its length, tab-separated. Mend it."
                )
            sizes[fields[0]] = int(fields[1])
    if not sizes:
        raise DataError(f"{path}: names no contig. Give the chrom_sizes.tsv of `ribolm-preprocess genome`.")
    return sizes


def read_filter_of(summary: Mapping[str, Any]) -> ReadFilter:
    """The alignments that the caller counted, from its summary; the defaults where it says nothing."""
    parameters = summary.get("parameters") or {}
    kept = {
        key: parameters[key] for key in ("min_mapq", "multimappers", "duplicates") if parameters.get(key) is not None
    }
    return ReadFilter(**kept)


def track_scales(summary: Mapping[str, Any], reads: Mapping[str, AlignedReads]) -> TrackScales:
    """Work out the scales for the libraries of `reads` (what went into their depth; its fragments where unknown)."""
    libraries: Mapping[str, Mapping[str, Any]] = summary.get("libraries") or {}
    fragments = {name: (libraries.get(name) or {}).get("fragments") or n.fragments for name, n in reads.items()}
    factors = {name: float((libraries.get(name) or {}).get("size_factor") or 0) for name in reads}
    if all(factors.values()):
        share = sum(fragments.values()) / sum(factors.values())
        effective = {name: factors[name] * share for name in reads}
        text = "fragments per million of the effective library size (size factors of peak calling)"
    else:
        effective = dict(fragments)
        text = "per million fragments (no size factors were given)"
    spans = {name: one.bases_per_fragment for name, one in reads.items()}
    mean_nt = sum(spans.values()) / max(sum(span > 0 for span in spans.values()), 1)
    # a library without reads draws nothing, but still says what one read would weigh
    weight = {name: mean_nt / span if span else 1.0 for name, span in spans.items()}
    per_read = {name: 1e6 / size * weight[name] if size else 0.0 for name, size in effective.items()}
    used = [value for value in per_read.values() if value]
    text += f", each fragment as {mean_nt:.0f} aligned nt"
    return TrackScales(per_read, max(used, default=1.0), text)


def write_tracks(
    outdir: Path,
    name: str,
    ip: Mapping[str, Path],
    control: Mapping[str, Path],
    summary_path: Path,
    chrom_sizes: Path,
    threads: int = 1,
) -> None:
    """Write <name>.{ip,input,log2ratio}.bw and <name>.tracks.json.

    A track is the mean over its libraries of depth times scale; log2ratio = log2((ip + c) / (input + c)) with the
    pseudocount c, where either has a read. Memory: a few arrays over the reads of one contig. Raises DataError for
    unsorted or damaged BAMs and for reads beyond contig ends; contigs that `chrom_sizes` lacks are left out.
    """
    sizes = read_chrom_sizes(chrom_sizes)
    summary = read_json_object(require_file(summary_path))
    read_filter = read_filter_of(summary)
    with tempfile.TemporaryDirectory(prefix="ribolm-depth-") as folder:
        store = _DepthStore(Path(folder), sizes)
        reads = {library: store.add(library, path, read_filter, threads) for library, path in {**ip, **control}.items()}
        store.tell_unknown(chrom_sizes)
        scales = track_scales(summary, reads)
        choice("pseudocount of the log2 ratio", f"{scales.pseudocount:.4g}", "one read where one weighs most")
        with atomic_directory(outdir) as out:
            for track in TRACKS:
                runs = _all_runs(track, store, sorted(ip), sorted(control), scales)
                write_bigwig(out / f"{name}.{track}.bw", sizes, runs)
            write_json(out / f"{name}.tracks.json", {"name": name, "unit": scales.text, **vars(scales)})


class _DepthStore:
    """Depths of libraries by contig, kept on disk and mapped on demand."""

    def __init__(self, folder: Path, sizes: Mapping[str, int]) -> None:
        self.folder, self.sizes = folder, sizes
        self.paths: dict[tuple[str, str], Path] = {}
        self.unknown: dict[str, Path] = {}

    def add(self, library: str, bam: Path, read_filter: ReadFilter, threads: int) -> AlignedReads:
        def keep(contig: str, depth: Depth) -> None:
            if contig not in self.sizes:
                self.unknown.setdefault(contig, bam)
                return
            if depth.position0[-1] > self.sizes[contig]:
                raise DataError(
                    f"{bam}: has reads on contig '{contig}' up to {depth.position0[-1]:,} nt, which the table "
                    f"of contig lengths gives {self.sizes[contig]:,} nt. Use files of one genome."
                )
            path = self.folder / f"{len(self.paths)}.npy"
            np.save(path, np.stack(depth))
            self.paths[library, contig] = path

        return read_depth(bam, keep, read_filter, threads)

    def tell_unknown(self, chrom_sizes: Path) -> None:
        """Say which contigs have reads but no length; DataError when no others do (another genome)."""
        if not self.unknown:
            return
        bam = next(iter(self.unknown.values()))
        if not self.paths:
            require_shared_contigs(f"BAM {bam.name}", list(self.unknown), f"table {chrom_sizes.name}", list(self.sizes))
        names = shown(list(self.unknown))
        notice(
            f"BAM {bam.name}: reads on contigs without length in {chrom_sizes.name} are left out of tracks ({names})."
        )

    def contigs(self) -> list[str]:
        return sorted({contig for _, contig in self.paths}, key=str.encode)

    def depth(self, library: str, contig: str) -> Depth | None:
        path = self.paths.get((library, contig))
        return Depth(*np.load(path, mmap_mode="r")) if path else None


def _all_runs(
    track: str, store: _DepthStore, ip: Sequence[str], control: Sequence[str], scales: TrackScales
) -> Iterator[tuple[str, int, int, float]]:
    for contig in store.contigs():
        means = [
            (depth, scales.per_read[library] / len(group), is_ip)
            for is_ip, group in ((True, ip), (False, control))
            for library in group
            if (depth := store.depth(library, contig)) is not None
        ]
        for start0 in range(0, store.sizes[contig], SEGMENT_NT):
            end0 = min(start0 + SEGMENT_NT, store.sizes[contig])
            edges, values = segment_runs(track, means, start0, end0, scales.pseudocount)
            shown = np.flatnonzero(np.isfinite(values))
            triples = (edges[:-1][shown].tolist(), edges[1:][shown].tolist(), values[shown].tolist())
            for low, high, value in zip(*triples, strict=True):
                yield contig, low, high, value


def segment_runs(
    track: str, means: Sequence[tuple[Depth, float, bool]], start0: int, end0: int, pseudocount: float
) -> Runs:
    """Runs of one track in [start0, end0): edges int64 [k + 1], values float64 [k], NaN where nothing is drawn.

    `means`: depth, weight and whether it is IP, of each library.
    """
    parts = []
    for depth, weight, is_ip in means:
        first = max(int(np.searchsorted(depth.position0, start0, side="right")) - 1, 0)
        last = int(np.searchsorted(depth.position0, end0))
        parts.append((np.asarray(depth.position0[first:last]), np.asarray(depth.depth[first:last]), weight, is_ip))
    inner = [position0[(position0 > start0) & (position0 < end0)] for position0, *_ in parts]
    edges = np.unique(np.concatenate([np.array([start0, end0]), *inner])).astype(np.int64)
    total = np.zeros((2, len(edges) - 1))
    covered = np.zeros(len(edges) - 1, dtype=bool)
    for position0, depth_here, weight, is_ip in parts:
        at = np.searchsorted(position0, edges[:-1], side="right") - 1
        here = np.where(at >= 0, depth_here[np.maximum(at, 0)], 0) if len(position0) else np.zeros(len(at), int)
        total[0 if is_ip else 1] += weight * here
        covered |= here > 0
    if track == "log2ratio":
        values = np.where(covered, np.log2((total[0] + pseudocount) / (total[1] + pseudocount)), np.nan)
    else:
        one = total[TRACKS.index(track)]
        values = np.where(one > 0, one, np.nan)
    return join_equal(edges, np.asarray(np.round(values, DECIMALS), dtype=np.float64))


def join_equal(edges: npt.NDArray[np.int64], values: Float64) -> Runs:
    """Join neighbouring runs of one value."""
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    keep = np.r_[True, ~same]
    return np.r_[edges[:-1][keep], edges[-1]], values[keep]


def named_bams(arguments: Sequence[str], option: str) -> dict[str, Path]:
    """Read `NAME=BAM` or `BAM` arguments (the latter named by the stem without .sorted). UsageError for equal names."""
    found: dict[str, Path] = {}
    for argument in arguments:
        given, equals, path_text = argument.partition("=")
        path = Path(path_text if equals else argument)
        name = given if equals else path.name.removesuffix(".bam").removesuffix(".sorted")
        if name in found:
            raise UsageError(f"{option}: two libraries are called '{name}'. Write NAME=BAM with different names.")
        found[name] = require_file(path)
    return found
