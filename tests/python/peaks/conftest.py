"""A small genome with genes, and BAM files written read by read."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pysam
import pytest

CONTIGS = {"chr1": 6000, "chr2": 4000, "chr3": 1500}
# gene, strand, exons (0-based half-open), coding part in genomic coordinates; chr3 has none.
GENES = [
    ("GENE_A", "chr1", "+", [(113, 500), (900, 1400), (2000, 2600)], (200, 2303)),
    ("GENE_B", "chr1", "-", [(3009, 3600), (4000, 4700)], (3203, 4600)),
    ("GENE_C", "chr2", "+", [(500, 1500)], None),
]


def gtf_rows(genes=GENES, attributes=""):
    """Lines of a GTF with exon, CDS (without the stop codon), start and stop codon rows."""
    rows = []
    for name, chrom, strand, exons, coding in genes:
        extra = f'gene_id "{name}"; transcript_id "{name}.1"; gene_name "{name.lower()}";{attributes}'

        def add(feature, start0, end0, strand=strand, chrom=chrom, extra=extra):
            rows.append("\t".join([chrom, "test", feature, str(start0 + 1), str(end0), ".", strand, ".", extra]))

        for start0, end0 in exons:
            add("exon", start0, end0)
        if coding:
            low, high = coding
            stop = (high - 3, high) if strand == "+" else (low, low + 3)
            start = (low, low + 3) if strand == "+" else (high - 3, high)
            cds = (low, high - 3) if strand == "+" else (low + 3, high)
            for start0, end0 in exons:
                if max(start0, cds[0]) < min(end0, cds[1]):
                    add("CDS", max(start0, cds[0]), min(end0, cds[1]))
            add("start_codon", *start)
            add("stop_codon", *stop)
    return rows


def write_bam(path, fragments, contigs=None, order="coordinate", seed=0):
    """Write paired 50 nt reads of fragments (chrom, start0, end0), one block each; sorted unless `order` says so."""
    contigs = contigs or CONTIGS
    header = {"HD": {"VN": "1.6", "SO": order}, "SQ": [{"SN": name, "LN": length} for name, length in contigs.items()]}
    names = list(contigs)
    records = []
    for i, (chrom, start0, end0) in enumerate(fragments):
        length = min(50, end0 - start0)
        ends = [(start0, 99), (end0 - length, 147)]
        for mate, (place, flag) in enumerate(ends):
            read = pysam.AlignedSegment()
            read.query_name, read.flag = f"read{i}", flag
            read.reference_id, read.reference_start = names.index(chrom), place
            read.next_reference_id, read.next_reference_start = names.index(chrom), ends[1 - mate][0]
            read.mapping_quality, read.cigartuples = 60, [(0, length)]
            read.query_sequence = "A" * length
            read.query_qualities = pysam.qualitystring_to_array("I" * length)
            records.append(read)
    if order == "coordinate":
        records.sort(key=lambda read: (read.reference_id, read.reference_start))
    else:
        records = [records[i] for i in np.random.default_rng(seed).permutation(len(records))]
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for read in records:
            handle.write(read)
    return path


def random_fragments(seed, background=900, peak_at=None, peak=0):
    """Fragments of 100 to 150 nt within exons, and `peak` more around each place of `peak_at` (chrom, position)."""
    random = np.random.default_rng(seed)
    exons = [(chrom, *exon) for _, chrom, _, exons, _ in GENES for exon in exons]
    lengths = np.array([end - start for _, start, end in exons])
    found = []
    for which in random.choice(len(exons), background, p=lengths / lengths.sum()):
        chrom, start, end = exons[which]
        length = int(random.integers(100, 151))
        place = int(random.integers(start, end - length + 1))
        found.append((chrom, place, place + length))
    for chrom, position in peak_at or []:
        for _ in range(peak):
            length = int(random.integers(100, 151))
            place = position - length // 2 + int(random.integers(-20, 21))
            found.append((chrom, place, place + length))
    return found


@dataclass
class World:
    """Paths of one simulated set of files, and the arguments that call peaks on them."""

    folder: Path
    gtf: Path
    fasta: Path
    bams: dict[str, Path] = field(default_factory=dict)

    def arguments(self, outdir, *more, fasta=True):
        """Arguments of a call on all libraries; names that begin with ip are IP."""
        options = ["call", "--gtf", str(self.gtf), "--outdir", str(outdir), "--strandedness", "unstranded"]
        for name, path in self.bams.items():
            options += ["--ip" if name.startswith("ip") else "--input", f"{name}={path}"]
        return [*options, *(["--fasta", str(self.fasta)] if fasta else []), *map(str, more)]


PEAKS = [("chr1", 2350), ("chr1", 4300)]


def build_world(folder, replicates=2, peak=300):
    random = np.random.default_rng(42)
    fasta = folder / "genome.fa"
    fasta.write_text("".join(f">{n}\n{''.join(random.choice(list('ACGT'), k))}\n" for n, k in CONTIGS.items()))
    gtf = folder / "genes.gtf"
    gtf.write_text("\n".join(gtf_rows()) + "\n")
    world = World(folder, gtf, fasta)
    for i in range(1, replicates + 1):
        world.bams[f"ip_{i}"] = write_bam(folder / f"ip_{i}.bam", random_fragments(i, 900, PEAKS, peak))
    for i in range(1, replicates + 1):
        world.bams[f"input_{i}"] = write_bam(folder / f"input_{i}.bam", random_fragments(100 + i, 1000))
    return world


@pytest.fixture(scope="session", name="shared_world")
def _shared_world(tmp_path_factory):
    """Two IP with peaks near the stop codons of GENE_A and in the CDS of GENE_B, two inputs; do not write into it."""
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(name="world")
def _world(shared_world, tmp_path):
    """The same files, in a folder of this test, free to be changed."""
    import shutil

    folder = tmp_path / "in"
    shutil.copytree(shared_world.folder, folder)
    bams = {name: folder / path.name for name, path in shared_world.bams.items()}
    return World(folder, folder / "genes.gtf", folder / "genome.fa", bams)


@pytest.fixture(scope="session", name="tools")
def _tools():
    """The writers above, for tests that build their own files."""
    from types import SimpleNamespace

    return SimpleNamespace(
        write_bam=write_bam, random_fragments=random_fragments, gtf_rows=gtf_rows, contigs=CONTIGS, genes=GENES
    )
