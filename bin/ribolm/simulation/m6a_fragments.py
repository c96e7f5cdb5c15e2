"""Fragments of one library, drawn from transcripts by abundance, methylation, GC content and local noise.

An IP library is a mixture: fragments of all RNA, and (enrichment − 1) times as many again of the fragments that hold a
methylated site. Candidates of that mixture are thinned by the yield of their GC share and by a gamma factor per 500 nt
of genome and strand, so that counts in such a window are negative binomial with variance mu + dispersion · mu².
"""

import dataclasses

import numpy as np

from ribolm.genome.coordinates import Int64
from ribolm.simulation.m6a_methylation import Sites
from ribolm.simulation.m6a_options import Library, M6aOptions
from ribolm.simulation.m6a_transcriptome import Transcriptome
from ribolm.simulation.streams import stream

CHUNK = 1 << 18
NOISE_WINDOW_NT = 500
GC_SPAN = 0.25
GC_SLOPE_SD = 0.1
GC_SLOPE_OF_INPUT = 0.4


@dataclasses.dataclass(frozen=True)
class Fragments:
    """Fragments of one library as sequenced: `transcript` int32, `start` int32 on it, `length_nt` int16; all [n]."""

    transcript: np.ndarray
    start: np.ndarray
    length_nt: np.ndarray

    def __len__(self) -> int:
        return len(self.transcript)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What all libraries share; `gc_before` is the result of `running_gc`, or None without GC bias."""

    options: M6aOptions
    transcripts: Transcriptome
    abundance: np.ndarray
    sites: Sites
    gc_before: np.ndarray | None


def fragment_lengths(options: M6aOptions) -> tuple[Int64, np.ndarray]:
    """Fragment lengths (int64, nt) and their probabilities (float64): a normal cut at read length and at +4 SD.

    The probability of a whole length is the density at that length, renormalised.
    """
    longest_nt = max(options.fragment_length_nt, int(options.fragment_length_nt + 4 * options.fragment_length_sd_nt))
    lengths_nt = np.arange(options.read_length_nt, longest_nt + 1)
    spread_nt = max(options.fragment_length_sd_nt, 1e-3)
    density = np.exp(-0.5 * ((lengths_nt - options.fragment_length_nt) / spread_nt) ** 2)
    return lengths_nt, density / density.sum()


def gc_slope(options: M6aOptions, library: Library) -> float:
    """Slope of ln(yield) per 0.1 of GC in one library: all of --gc-bias in IP, 0.4 of it in input, ± 0.1 by chance."""
    mean = 1.0 if library.assay == "ip" else GC_SLOPE_OF_INPUT
    draw = float(stream(options.seed, "library", library.name, "gc").standard_normal())
    return options.gc_bias * (mean + GC_SLOPE_SD * draw)


def running_gc(transcripts: Transcriptome) -> np.ndarray:
    """Number of G and C before each place of the end-to-end transcripts, int32 [n + 1]."""
    is_gc = (transcripts.sequence == ord("G")) | (transcripts.sequence == ord("C"))
    counts = np.zeros(len(is_gc) + 1, dtype=np.int32)
    np.cumsum(is_gc, out=counts[1:])
    return counts


def draw_fragments(experiment: Experiment, library: Library) -> Fragments:
    """Draw exactly `options.fragments` fragments. Cost: about 0.4 s per million without GC bias and noise."""
    proposal = _Proposal(experiment, library)
    thinning = _Thinning(experiment, library)
    rng = stream(experiment.options.seed, "library", library.name, "fragments")
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    missing = experiment.options.fragments
    while missing > 0:
        transcript, start, length_nt = proposal.draw(rng, CHUNK)
        keep = rng.random(len(transcript)) < thinning.yields(transcript, start, length_nt)
        part = tuple(x[keep][:missing] for x in (transcript, start, length_nt))
        parts.append((part[0].astype(np.int32), part[1].astype(np.int32), part[2].astype(np.int16)))
        missing -= len(part[0])
    if not parts:
        return Fragments(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int16))
    return Fragments(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Proposal:
    """Candidates before thinning: fragments of any transcript, and of the surroundings of present sites."""

    def __init__(self, experiment: Experiment, library: Library) -> None:
        options, sites, self.transcripts = experiment.options, experiment.sites, experiment.transcripts
        self.lengths_nt, pmf = fragment_lengths(options)
        self.length_cdf = np.cumsum(pmf)
        self.longest_nt = int(self.lengths_nt[-1])
        excess = options.enrichment - 1 if library.assay == "ip" else 0.0
        pairs = np.flatnonzero(sites.present[library.group_index][sites.pair_site])
        self.pair_transcript, self.pair_position = sites.pair_transcript[pairs], sites.pair_position[pairs]
        background = experiment.abundance * self.transcripts.length_nt
        captured = experiment.abundance[self.pair_transcript] * excess * self.longest_nt
        self.cumulative = np.cumsum(np.r_[background, captured])

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Int64, Int64, Int64]:
        """Return (transcript, start, length_nt) of those of n candidates that lie on their transcript."""
        row = np.searchsorted(self.cumulative, rng.random(n) * self.cumulative[-1], side="right")
        length_nt = self.lengths_nt[np.searchsorted(self.length_cdf[:-1], rng.random(n), side="right")]
        place = rng.random(n)
        n_transcripts = len(self.transcripts.length_nt)
        captured = row >= n_transcripts
        pair = row[captured] - n_transcripts
        transcript = row.astype(np.int64)
        transcript[captured] = self.pair_transcript[pair]
        whole_nt = self.transcripts.length_nt[transcript]
        start = (place * whole_nt).astype(np.int64)
        before = (place[captured] * self.longest_nt).astype(np.int64)
        start[captured] = self.pair_position[pair] - before
        valid = (start >= 0) & (start + length_nt <= whole_nt)
        valid[captured] &= before < length_nt[captured]
        return transcript[valid], start[valid], length_nt[valid]


class _Thinning:
    """Probability to keep a candidate, so that what is kept follows GC yield and local noise."""

    def __init__(self, experiment: Experiment, library: Library) -> None:
        options, self.transcripts = experiment.options, experiment.transcripts
        self.slope = gc_slope(options, library)
        self.gc_before = experiment.gc_before if options.gc_bias else None
        self.noise: np.ndarray | None = None
        if options.dispersion:
            n_windows = len(self.transcripts.genome) // NOISE_WINDOW_NT + 1
            rng = stream(options.seed, "library", library.name, "noise")
            noise = rng.gamma(1 / options.dispersion, options.dispersion, size=(2, n_windows))
            self.noise = noise / noise.max()

    def yields(self, transcript: Int64, start: Int64, length_nt: Int64) -> np.ndarray:
        """Probability to keep, float64 [n], scaled so that the best possible candidate has 1."""
        kept = np.ones(len(transcript))
        place = self.transcripts.transcript_offset[transcript] + start
        if self.gc_before is not None:
            gc = (self.gc_before[place + length_nt] - self.gc_before[place]) / length_nt
            shift = np.clip(gc - 0.5, -GC_SPAN, GC_SPAN)
            kept *= np.exp(self.slope * shift / 0.1 - abs(self.slope) * GC_SPAN / 0.1)
        if self.noise is not None:
            gene = self.transcripts.transcript_gene[transcript]
            contig = self.transcripts.gene_contig[gene]
            middle0 = self.transcripts.contig_offset[contig] + self.transcripts.to_genome0(place + length_nt // 2)
            kept *= self.noise[(self.transcripts.gene_strand[gene] < 0).astype(np.intp), middle0 // NOISE_WINDOW_NT]
        return kept


def expected_input_fragments(experiment: Experiment) -> np.ndarray:
    """Fragments of one input library expected to hold each site, without GC bias and noise; float64 [sites]."""
    options, transcripts, sites = experiment.options, experiment.transcripts, experiment.sites
    lengths_nt, pmf = fragment_lengths(options)
    starts = np.maximum(transcripts.length_nt[:, None] - lengths_nt + 1, 0) @ pmf
    total = float((experiment.abundance * starts).sum())
    whole_nt = transcripts.length_nt[sites.pair_transcript][:, None]
    position = sites.pair_position[:, None]
    holding = np.minimum(position, whole_nt - lengths_nt) - np.maximum(0, position - lengths_nt + 1) + 1
    per_pair = experiment.abundance[sites.pair_transcript] * (np.maximum(holding, 0) @ pmf)
    held = np.bincount(sites.pair_site, weights=per_pair, minlength=len(sites))
    return np.asarray(options.fragments * held / total) if total else np.zeros(len(sites))
