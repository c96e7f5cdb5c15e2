"""The sentences of the methods text and of the limits, chosen by what a run did."""

import html
from typing import Any

from ribolm.report.run.polya_paragraphs import REFERENCES as POLYA_REFERENCES
from ribolm.report.run.polya_paragraphs import polya_limits, polya_paragraphs
from ribolm.report.run.record import Run
from ribolm.report.run.rna_paragraphs import REFERENCES as RNA_REFERENCES
from ribolm.report.run.rna_paragraphs import rna_limits, rna_paragraphs
from ribolm.report.run.site_paragraphs import REFERENCES as SITE_REFERENCES
from ribolm.report.run.site_paragraphs import site_limits, site_paragraphs

REFERENCES = {
    "nextflow": "Di Tommaso P et al. (2017) Nextflow enables reproducible computational workflows. "
    "<i>Nat Biotechnol</i> 35:316. doi:10.1038/nbt.3820",
    "fastp": "Chen S et al. (2018) fastp: an ultra-fast all-in-one FASTQ preprocessor. <i>Bioinformatics</i> 34:i884. "
    "doi:10.1093/bioinformatics/bty560",
    "cutadapt": "Martin M (2011) Cutadapt removes adapter sequences from high-throughput sequencing reads. "
    "<i>EMBnet.journal</i> 17:10. doi:10.14806/ej.17.1.200",
    "hisat2": "Kim D et al. (2019) Graph-based genome alignment and genotyping with HISAT2 and HISAT-genotype. "
    "<i>Nat Biotechnol</i> 37:907. doi:10.1038/s41587-019-0201-4",
    "samtools": "Danecek P et al. (2021) Twelve years of SAMtools and BCFtools. <i>GigaScience</i> 10:giab008. "
    "doi:10.1093/gigascience/giab008",
    "exomepeak2": "Wei Z et al. exomePeak2: bias awareness peak calling and quantification for MeRIP-seq. "
    "Bioconductor package, version 1.16",
    "deseq2": "Love MI, Huber W, Anders S (2014) Moderated estimation of fold change and dispersion for RNA-seq data "
    "with DESeq2. <i>Genome Biol</i> 15:550. doi:10.1186/s13059-014-0550-8",
    "bh": "Benjamini Y, Hochberg Y (1995) Controlling the false discovery rate. <i>J R Stat Soc B</i> 57:289",
    "macs": "Zhang Y et al. (2008) Model-based analysis of ChIP-Seq (MACS). <i>Genome Biol</i> 9:R137. "
    "doi:10.1186/gb-2008-9-9-r137",
    "meyer": "Meyer KD et al. (2012) Comprehensive analysis of mRNA methylation reveals enrichment in 3' UTRs and near "
    "stop codons. <i>Cell</i> 149:1635. doi:10.1016/j.cell.2012.05.003",
    "dominissini": "Dominissini D et al. (2012) Topology of the human and mouse m6A RNA methylomes revealed by "
    "m6A-seq. <i>Nature</i> 485:201. doi:10.1038/nature11112",
    "logomaker": "Tareen A, Kinney JB (2020) Logomaker: beautiful sequence logos in Python. <i>Bioinformatics</i> "
    "36:2272. doi:10.1093/bioinformatics/btz921",
    "multiqc": "Ewels P et al. (2016) MultiQC: summarize analysis results for multiple tools and samples in a single "
    "report. <i>Bioinformatics</i> 32:3047. doi:10.1093/bioinformatics/btw354",
    **SITE_REFERENCES,
    **POLYA_REFERENCES,
    **RNA_REFERENCES,
}


def paragraphs(run: Run) -> list[str]:
    """Sentences for a methods section; [key] marks a reference of `REFERENCES`."""
    steps = [*_asked(run)]
    together = f"Results were put together with MultiQC{run.version('multiqc')} [multiqc]."
    if run.get("track") == "polya":
        return [*polya_paragraphs(run, steps), together]
    if run.get("track") == "resm":
        return [*rna_paragraphs(run, steps), together]
    text = [
        f"Data were processed with ribolm{run.version('ribolm')} under Nextflow{run.version('nextflow')} [nextflow], "
        "from methylated RNA immunoprecipitation sequencing (MeRIP-seq, m6A-seq [dominissini][meyer])."
    ]
    if "preprocess" in steps and _ran(run, str(run.get("trimmer", "fastp"))):
        text.append(_trimming(run))
    if {"align", "peaks"} & set(steps):
        text.append(_alignment(run, "align" in steps and _ran(run, "hisat2")))
    if "peaks" in steps:
        text += _macs(run) if run.get("peak_caller", "ribolm") == "macs3" else _peaks(run)
    if "quality" in steps:
        text.append(_quality(run))
    return [*text, *site_paragraphs(run, steps), together]


def _asked(run: Run) -> list[str]:
    known = ["preprocess", "align", "peaks", "quality", "predict", "report"]
    known += ["corpus", "labels", "evaluate"] if run.get("sites") else []
    given = run.get("steps")
    names = given if isinstance(given, list) else str(given).split(",") if given else known
    return [str(name).strip() for name in names]


def _value(run: Run, name: str, default: Any) -> str:
    return html.escape(str(run.get(name, default)))


def _ran(run: Run, tool: str) -> bool:
    """Whether a tool told its version; without any version nothing is known, and the steps are believed."""
    return not run.versions or tool in run.versions


def _trimming(run: Run) -> str:
    if run.get("trimmer", "fastp") == "cutadapt":
        return f"Adapters and low-quality ends were trimmed with Cutadapt{run.version('cutadapt')} [cutadapt]."
    return f"Adapters and low-quality ends were trimmed with fastp{run.version('fastp')} [fastp]."


def _alignment(run: Run, is_aligned: bool) -> str:
    duplicates = {
        "keep": "Duplicates were neither marked nor removed, since enriched fragments of abundant transcripts coincide "
        "by chance.",
        "mark": "Duplicates were marked and still counted.",
        "exclude": "Duplicates were marked and not counted.",
    }[str(run.get("duplicates", "keep"))]
    if not is_aligned:
        return f"Alignments were given by the user. {duplicates}"
    return (
        f"Reads were aligned to the genome with HISAT2{run.version('hisat2')} [hisat2], which was given the "
        f"splice sites of the annotation, and sorted with samtools{run.version('samtools')} [samtools]. "
        f"{duplicates}"
    )


def _peaks(run: Run) -> list[str]:
    size, step, cutoff = _value(run, "bin_size", 25), _value(run, "step_size", 25), _value(run, "p_cutoff", "1e-10")
    return [
        "Peaks were called by ribolm's own implementation of the algorithm published with exomePeak2 "
        "[exomepeak2]. Exons of each gene, joined with genes that share exon bases on the same strand, were "
        f"laid end to end, and bins of {size} nt were placed every {step} nt, from the lowest genomic "
        "coordinate. A fragment (the aligned blocks of both mates) counted once for every bin it overlaps. "
        f"{_counting(run)}",
        f"{_size_factors(run)} {_gc(run)} {_test(run)} Bins with a raw p-value of at most {cutoff} were called, "
        "and called bins that follow each other in exon space were joined to peaks. A peak's p-value, adjusted "
        "p-value and log2 fold change are plain means over its bins; adjusted p-values of bins follow "
        f"Benjamini and Hochberg [bh]. {_replicates(run)}",
    ]


def _counting(run: Run) -> str:
    multimappers = {
        "primary": "of multi-mapped reads the primary alignment",
        "unique": "of multi-mapped reads none",
        "all": "of multi-mapped reads all alignments",
    }[str(run.get("multimappers", "primary"))]
    mapq = int(run.get("min_mapq", 0))
    least = f" and alignments of mapping quality {mapq} or more" if mapq else ""
    strand = _value(run, "strandedness", "auto")
    how = "inferred per library where the samplesheet did not give it" if strand == "auto" else f"taken as {strand}"
    return (
        "Unmapped, supplementary and QC-failed alignments never counted; "
        f"{multimappers} did{least}. Strandedness was {how}."
    )


def _size_factors(run: Run) -> str:
    if run.get("size_factors"):
        return "Size factors were given by the user."
    if run.get("spikein_fasta"):
        return "Size factors were estimated from fragments on spike-in contigs."
    return (
        "Background bins were found by a mixture of two normal distributions of the log ratio of IP to input "
        "counts (bins with at least 5 counts in both), all such bins being background where the two means lie less "
        "than a standard deviation apart; the size factor of a library is the median of its non-zero counts over them."
    )


def _gc(run: Run) -> str:
    if _without_gc(run):
        return "Counts were not corrected for GC content."
    reach = _value(run, "fragment_length", 100)
    return (
        f"The dependence of counts on GC content (bin and {reach} nt on either side, along spliced RNA) was "
        "fitted per library by a Poisson regression on a natural cubic spline and taken into the offsets."
    )


def _without_gc(run: Run) -> bool:
    return str(run.get("gc_correction", True)).lower() == "false"


def _test(run: Run) -> str:
    if run.get("peak_test", "poisson") == "negative-binomial":
        used: dict[str, Any] = next((s["dispersion"] for s in run.summaries if s.get("dispersion")), {})
        estimator = f" (dispersion: {html.escape(str(used['estimator']))})" if used.get("estimator") else ""
        return f"Enrichment was tested by a negative binomial model{estimator}, one-sided Wald test of IP over input."
    return (
        "Enrichment was tested by a Poisson model, one-sided Wald test of IP over input, fitted as in DESeq2 [deseq2]."
    )


def _replicates(run: Run) -> str:
    together = "Replicates of a group were called together"
    return f"{together}, and each replicate alone as well." if run.get("peaks_per_replicate") else f"{together}."


def _macs(run: Run) -> list[str]:
    reach_nt = _value(run, "macs_extsize", run.get("fragment_length", 100))
    size = f"{_value(run, 'macs_gsize', '')} (given)" if run.get("macs_gsize") else "the number of transcribed bases"
    return [
        f"Peaks were called with MACS3{run.version('macs3')} [macs] without a shifting model, from primary alignments, "
        f"duplicates among them, extended to {reach_nt} nt; the effective genome size is {size}. MACS3 knows neither "
        "splicing nor strand: strand, gene and region were given to its peaks by the exons they overlap, and peaks "
        f"with exons on both strands are flagged as ambiguous. {_replicates(run)}"
    ]


def _quality(run: Run) -> str:
    scale = "" if run.get("peak_caller", "ribolm") == "macs3" else " of the effective library size"
    return (
        "Reads in peaks are fragments on exons that overlap a peak. DRACH in the middle 100 nt of peaks was "
        "compared with windows of the same number and lengths from the same genes (and, where possible, the "
        "same transcript region) that touch no peak: odds ratio with an interval from a bootstrap over genes "
        "(1,000 draws), and a one-sided Monte Carlo permutation of peaks and disjoint windows within genes "
        "(1,000 draws). Logos were drawn with Logomaker [logomaker]. The expectation along transcripts is that "
        "of the same peaks placed anywhere on their own transcripts. Genome tracks show the mean over replicates of "
        f"spliced depth, in fragments per million{scale}; every library is scaled to the same number of aligned bases "
        "per fragment, whether its reads are single or paired, short or long."
    )


GENERAL_LIMITS = (
    "A peak is a stretch of RNA that the antibody enriched, about as wide as the fragments. It shows that "
    "m6A (or m6Am, which most antibodies bind too) is near, not which adenosine is methylated, nor what "
    "share of the molecules.",
    "Antibodies also enrich RNA without m6A. DRACH enrichment and the place along transcripts speak for the set of "
    "peaks as a whole and do not prove any single one.",
    "Peaks need expression: a gene without enough reads in input and IP has no peak, whatever its "
    "methylation. Compare numbers of peaks between groups only at similar depth.",
    "A peak of one group that is missing in another is not a difference in methylation. Differences need a "
    "test across groups with replicates, which this report does not make.",
    "Intervals of shares and ratios count fragments or peaks as independent. They show counting error; differences "
    "between biological replicates come on top.",
)
MACS_LIMIT = (
    "MACS3 was made for DNA: its peaks may run into introns and have no strand of their own. Prefer ribolm's "
    "caller for spliced transcripts."
)
PLACE_LIMITS = (
    "DRACH is frequent by chance. A peak with the motif need not be methylated there, and about a quarter "
    "of mapped m6A sites lie outside it.",
    "Regions and distances refer to one transcript per peak (the one with the longest coding region). The "
    "isoform that carried the m6A may be another.",
    "If the reference was made from the same reads, mapping rates say nothing about accuracy.",
)


def limits(run: Run) -> list[str]:
    """What the results cannot show, in plain words (HTML)."""
    if run.get("track") == "polya":
        return polya_limits()
    if run.get("track") == "resm":
        return rna_limits()
    steps = _asked(run)
    of_caller = _caller_limits(run) if "peaks" in steps else []
    return [*GENERAL_LIMITS, *of_caller, *PLACE_LIMITS, *site_limits(steps)]


def _caller_limits(run: Run) -> list[str]:
    if run.get("peak_caller", "ribolm") == "macs3":
        return [MACS_LIMIT]
    cutoff = (
        f"The cutoff ({_value(run, 'p_cutoff', '1e-10')}) is on raw p-values of bins. A peak's p-value is the "
        "plain mean over its bins, not a combined test; use it to rank peaks, not as an error rate."
    )
    if run.get("peak_test", "poisson") == "poisson":
        cutoff += (
            " The Poisson model knows no variation between replicates, so its p-values are too small where replicates "
            "differ."
        )
    if _without_gc(run):
        return [cutoff, *_fallbacks(run)]
    return [
        cutoff,
        "GC correction learns the curve from the bins of this run. With few transcripts, or a reference in "
        "which much of the sequence is unknown (N), the curve is uncertain; then look at results without it, "
        "too.",
        *_fallbacks(run),
    ]


def _fallbacks(run: Run) -> list[str]:
    without = [
        str(summary.get("name"))
        for summary in run.summaries
        if not ((summary.get("bins") or {}).get("background") or 0)
    ]
    if not without or run.get("size_factors") or run.get("spikein_fasta"):
        return []
    return [
        f"<b>No background bins were found in {html.escape(', '.join(without))}</b>, so size factors come from "
        "a fallback (see the table of size factors). Fold changes of such groups are uncertain."
    ]
