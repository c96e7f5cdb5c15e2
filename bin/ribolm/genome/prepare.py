"""A user's FASTA and GTF made ready: plain, upper case, of one naming style, compared before anything is aligned."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import atomic_directory, open_bytes, require_file, write_json
from ribolm.genome.annotation import Annotation, FeatureTable, name_transcript, read_gtf
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs, shown
from ribolm.genome.coordinates import overlap_clusters
from ribolm.genome.fasta import FastaRepairs, read_fasta
from ribolm.genome.regions import read_bed, require_inside

LINE_NT = 60
BAI_LIMIT_NT = 2**29 - 1
SAM_NAME = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")  # SAM specification, 1.2.1


@dataclass(frozen=True)
class Contig:
    """One record of the written FASTA: length, number of N, and the byte where its first base stands."""

    name: str
    length_nt: int
    n_count: int
    first_byte: int

    @property
    def fai_line(self) -> str:
        """Its row of the samtools faidx index."""
        return f"{self.name}\t{self.length_nt}\t{self.first_byte}\t{LINE_NT}\t{LINE_NT + 1}\n"


def prepare_genome(
    fasta: Path, gtf: Path, spikein_fasta: Path | None, outdir: Path, peaks: Sequence[Path] = ()
) -> dict[str, object]:
    """Write genome.fa(.fai), chrom_sizes.tsv, genes.gtf, spikein_contigs.txt, genome.json; return the latter.

    Genes stay in the frame and naming of the GTF; rows on contigs that the FASTA lacks are left out with a notice.
    Raises DataError for the faults of `read_fasta` and `read_gtf`, names that SAM forbids or that two FASTA files
    share, GTF and FASTA of two naming styles, exons beyond the end of their contig, and `peaks` (BED files) that do not
    lie on the FASTA. Memory: the exons of the GTF; the sequence is streamed.
    """
    for path in (fasta, gtf, *([spikein_fasta] if spikein_fasta else []), *peaks):
        require_file(path)
    with atomic_directory(outdir) as folder:
        repairs, spikein_repairs = FastaRepairs(), FastaRepairs()
        with (folder / "genome.fa").open("wb") as out:
            contigs = list(write_fasta(fasta, out, repairs))
            spikeins = list(write_fasta(spikein_fasta, out, spikein_repairs)) if spikein_fasta else []
        _refuse_shared_names(fasta, contigs, spikein_fasta, spikeins)
        lengths = {contig.name: contig.length_nt for contig in contigs + spikeins}
        for path in peaks:
            require_inside(path, read_bed(path), lengths, f"FASTA {fasta.name}")
        annotation = read_gtf(gtf)
        left_out = compare_annotation(annotation, fasta, lengths)
        rows_left_out = copy_gtf(gtf, folder / "genes.gtf", lengths)
        _write_tables(folder, contigs, spikeins)
        summary = summarise(annotation, lengths, contigs, spikeins)
        summary["fasta_repairs"] = asdict(repairs)
        summary["gtf_left_out"] = {"contigs": left_out, "rows": rows_left_out}
        write_json(folder / "genome.json", summary)
    repairs.notices(f"FASTA {fasta.name}")
    if spikein_fasta:
        spikein_repairs.notices(f"FASTA {spikein_fasta.name}")
    if rows_left_out:
        text = f"{rows_left_out:,} rows on contigs that FASTA {fasta.name} lacks are left out"
        notice(f"{annotation.label}: {text}{f' ({shown(left_out)})' if left_out else ''}.")
    return summary


def write_fasta(path: Path, out: BinaryIO, repairs: FastaRepairs) -> Iterator[Contig]:
    """Append the records of a FASTA to `out` in lines of 60 letters and yield each when it is written.

    Records without sequence are left out with a notice. Raises DataError when nothing is left.
    """
    writer: _RecordWriter | None = None
    empty: list[str] = []
    written = 0
    for name, block in read_fasta(path, repairs):
        if block is None:
            if writer is not None:
                written += 1
                yield writer.finish()
            writer = None
            empty.append(_checked_name(path, name))
        elif block:
            if writer is None:
                writer = _RecordWriter(empty.pop(), out)
            writer.add(block)
    if writer is not None:
        written += 1
        yield writer.finish()
    if not written:
        raise DataError(f"{path}: none of its {len(empty)} records has a sequence. Give a genome.")
    if empty:
        notice(f"FASTA {path.name}: {len(empty)} records without sequence left out ({shown(empty)}).")


class _RecordWriter:
    """Writes one record; keeps the letters of an unfinished line until the next block."""

    def __init__(self, name: str, out: BinaryIO) -> None:
        self.name, self.out = name, out
        self.length_nt = self.n_count = 0
        self.unfinished = b""
        out.write(b">" + name.encode() + b"\n")
        self.first_byte = out.tell()

    def add(self, block: bytes) -> None:
        self.length_nt += len(block)
        self.n_count += int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == ord("N")))
        block = self.unfinished + block
        n_lines = len(block) // LINE_NT
        lines = np.full((n_lines, LINE_NT + 1), ord("\n"), dtype=np.uint8)
        lines[:, :LINE_NT] = np.frombuffer(block, dtype=np.uint8, count=n_lines * LINE_NT).reshape(n_lines, LINE_NT)
        self.out.write(lines.data)
        self.unfinished = block[n_lines * LINE_NT :]

    def finish(self) -> Contig:
        if self.unfinished:
            self.out.write(self.unfinished + b"\n")
        if self.length_nt > BAI_LIMIT_NT:
            text = f"'{self.name}' is longer than {BAI_LIMIT_NT:,} nt, which .bai indexes cannot hold"
            raise DataError(f"{text}. Split the contig (and shift its genes), as the makers of such genomes offer.")
        return Contig(self.name, self.length_nt, self.n_count, self.first_byte)


def _checked_name(path: Path, name: str) -> str:
    if not SAM_NAME.fullmatch(name):
        raise DataError(
            f"{path.name}, record {name!r}: the name holds characters that SAM forbids. "
            "Use letters, digits and the signs _ . | : - without spaces, commas, quotes or brackets, in the GTF too."
        )
    return name


def _refuse_shared_names(fasta: Path, contigs: list[Contig], spikein: Path | None, spikeins: list[Contig]) -> None:
    shared = [contig.name for contig in spikeins if contig.name in {other.name for other in contigs}]
    if shared and spikein:
        raise DataError(
            f"{spikein.name}: {shown(shared)} is also a contig of {fasta.name}. "
            "Give the spike-ins names of their own, or leave --spikein-fasta out when the genome holds them already."
        )


def compare_annotation(annotation: Annotation, fasta: Path, lengths: Mapping[str, int]) -> list[str]:
    """Return the contigs of the GTF that the FASTA lacks, in GTF order.

    Raises DataError when none is shared, when names differ by "chr" alone, and when exons lie beyond contig ends.
    """
    fasta_label, names = f"FASTA {fasta.name}", list(lengths)
    with_exons = [annotation.chroms[chrom] for chrom in np.unique(annotation.exons.chrom)]
    require_shared_contigs(fasta_label, names, annotation.label, with_exons)
    require_one_naming_style(fasta_label, names, annotation.label, annotation.chroms)
    limit = np.array([lengths.get(chrom, np.iinfo(np.int64).max) for chrom in annotation.chroms], dtype=np.int64)
    tables = (annotation.exons, annotation.cds, annotation.start_codons, annotation.stop_codons)
    beyond = [(table, np.flatnonzero(table.end0 > limit[table.chrom])) for table in tables]
    n_beyond = sum(len(rows) for _, rows in beyond)
    if n_beyond:
        table, row = min(
            ((t, int(rows[0])) for t, rows in beyond if len(rows)), key=lambda found: found[0].line[found[1]]
        )
        chrom = annotation.chroms[table.chrom[row]]
        more = f" (and {n_beyond - 1:,} rows more)" if n_beyond > 1 else ""
        raise DataError(
            f"{annotation.path.name} line {table.line[row]}, column 'end': {table.end0[row]} lies beyond contig "
            f"'{chrom}', which is {lengths[chrom]:,} nt long in {fasta.name}{more}. "
            "Use a GTF and a FASTA of one genome build."
        )
    return [chrom for chrom in annotation.chroms if chrom not in lengths]


def copy_gtf(gtf: Path, out: Path, lengths: Mapping[str, int]) -> int:
    """Copy a GTF that `read_gtf` accepts as plain text, without rows on unknown contigs; return how many those are.

    Exon, CDS and codon rows without transcript_id get their gene_id for one, as `read_gtf` understands them.
    """
    known = {name.encode() for name in lengths}
    left_out = 0
    with open_bytes(gtf) as source, out.open("wb") as target:
        for raw in source:
            line = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            if not line:
                continue
            if line[:1] != b"#":
                if line.split(b"\t", 1)[0] not in known:
                    left_out += 1
                    continue
                line = name_transcript(line)
            target.write(line + b"\n")
    return left_out


def _write_tables(folder: Path, contigs: list[Contig], spikeins: list[Contig]) -> None:
    together = contigs + spikeins
    (folder / "genome.fa.fai").write_text("".join(contig.fai_line for contig in together), "utf-8")
    sizes = "".join(f"{contig.name}\t{contig.length_nt}\n" for contig in together)
    (folder / "chrom_sizes.tsv").write_text(sizes, "utf-8")
    (folder / "spikein_contigs.txt").write_text("".join(f"{contig.name}\n" for contig in spikeins), "utf-8")


def summarise(
    annotation: Annotation, lengths: Mapping[str, int], contigs: list[Contig], spikeins: list[Contig]
) -> dict[str, object]:
    """Counts of a prepared genome for genome.json; lengths in nt, features on its contigs only."""
    is_known = np.array([chrom in lengths for chrom in annotation.chroms], dtype=bool)
    exons = annotation.exons.take(is_known[annotation.exons.chrom])
    transcripts = np.unique(exons.transcript)
    length_nt = sum(contig.length_nt for contig in contigs)
    with_genes = {annotation.chroms[chrom] for chrom in np.unique(exons.chrom)}
    return {
        "contigs": len(contigs),
        "contigs_without_genes": sum(contig.name not in with_genes for contig in contigs),
        "length_nt": length_nt,
        "n_fraction": sum(contig.n_count for contig in contigs) / length_nt,
        "spikein_contigs": len(spikeins),
        "spikein_length_nt": sum(contig.length_nt for contig in spikeins),
        "genes": len(np.unique(annotation.transcript_gene[transcripts])),
        "transcripts": len(transcripts),
        "exon_rows": len(exons),
        "cds_rows": int(is_known[annotation.cds.chrom].sum()),
        "transcribed_size_nt": transcribed_size_nt(exons),
    }


def transcribed_size_nt(exons: FeatureTable) -> int:
    """Bases that lie in at least one exon of either strand."""
    order, cluster = overlap_clusters(exons.chrom.astype(np.int64), exons.start0, exons.end0)
    if not len(order):
        return 0
    opens = np.flatnonzero(np.r_[True, np.diff(cluster) > 0])
    return int((np.maximum.reduceat(exons.end0[order], opens) - exons.start0[order][opens]).sum())
