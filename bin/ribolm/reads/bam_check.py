"""A user's BAM made ready: of this genome, whole, sorted by coordinate, indexed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ribolm.console import notice
from ribolm.errors import DataError, ToolError
from ribolm.files import atomic_path, require_file
from ribolm.genome.contigs import (
    require_equal_lengths,
    require_one_naming_style,
    require_shared_contigs,
    shown,
)
from ribolm.reads.bgzf import read_bgzf

EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # SAM specification, 4.1.2
UNSORTED = ("Unsorted positions", "Chromosome blocks not continuous", "NO_COOR reads not in a single block")
MAX_HEADER_BYTES = 1 << 28
COPY_AGAIN = "Copy or download it again."


def prepare_bam(bam: Path, fai: Path, out: Path, threads: int) -> bool:
    """Write `out` and `out`.bai: the user's alignments, sorted where they were not; return whether they were sorted.

    Raises DataError for what is no BAM, is truncated or damaged, was aligned to other contigs than those of the FASTA
    index `fai`, or lists none; ToolError when samtools is missing or stops for another reason. A BAM without reads
    passes. Cost: one reading by samtools, and its sorting time where unsorted.
    """
    require_file(bam)
    require_whole_bam(bam)
    compare_header(bam, fai)
    if out.resolve() == bam.resolve():
        raise DataError(f"{out}: is the input file itself. Choose another --out.")
    with atomic_path(out) as checked, atomic_path(out.with_name(out.name + ".bai")) as index:
        is_sorted = _index(bam, bam, index, threads)
        if is_sorted:
            shutil.copyfile(bam, checked)
        else:
            _samtools(
                bam, ["sort", "-@", str(threads - 1), "-T", f"{checked}.sort", "-O", "bam", "-o", str(checked)], bam
            )
            _index(bam, checked, index, threads)
    if not is_sorted:
        notice(f"{bam.name}: sorted by coordinate.")
    return is_sorted


def require_whole_bam(bam: Path) -> None:
    """Raise DataError, saying what the file is instead, unless it begins and ends as a BAM does."""
    size = bam.stat().st_size
    with bam.open("rb") as handle:
        start = handle.read(18)
        handle.seek(max(0, size - len(EOF_BLOCK)))
        end = handle.read()
    if not size:
        raise DataError(f"{bam}: is empty (0 bytes). {COPY_AGAIN}")
    if not (start[:4] == b"\x1f\x8b\x08\x04" and start[12:14] == b"BC"):
        raise DataError(f"{bam}: {_other_format(start)}")
    if end != EOF_BLOCK:
        raise DataError(f"{bam}: is truncated (the closing block of a BAM is missing). {COPY_AGAIN}")


def _other_format(start: bytes) -> str:
    if start[:4] == b"CRAM":
        return "is CRAM, not BAM. Convert it with `samtools view -b -T genome.fa -o FILE.bam FILE.cram`."
    if start[:4] == b"BAM\1":
        return "is an uncompressed BAM. Compress it with `samtools view -b -o FILE.bam` and its name."
    if start[:3] in (b"@HD", b"@SQ", b"@RG", b"@PG", b"@CO"):
        return "is SAM text, not BAM. Convert it with `samtools sort -o FILE.bam FILE.sam`."
    if start[:2] == b"\x1f\x8b":
        return "is an ordinary gzip file, not BAM. Give alignments, or name reads in column fastq_1."
    if start[:1] in (b"@", b">"):
        return "looks like FASTQ or FASTA, not BAM. Name reads in column fastq_1."
    return "is not a BAM file. Give alignments as written by samtools or an aligner."


def compare_header(bam: Path, fai: Path) -> None:
    """Raise DataError unless the BAM was aligned to contigs of the FASTA; tell of contigs that only one side has."""
    in_bam, in_fasta = read_header_contigs(bam), _fai_contigs(fai)
    bam_label, fasta_label = f"BAM {bam.name}", f"FASTA {fai.name.removesuffix('.fai')}"
    if not in_bam:
        raise DataError(f"{bam}: its header lists no contigs (unaligned reads). Convert it with `samtools fastq`.")
    require_shared_contigs(fasta_label, list(in_fasta), bam_label, list(in_bam))
    require_one_naming_style(fasta_label, list(in_fasta), bam_label, list(in_bam))
    require_equal_lengths(fasta_label, in_fasta, bam_label, in_bam)
    unknown = [name for name in in_bam if name not in in_fasta]
    if unknown:
        notice(
            f"{bam_label}: {len(unknown)} contigs are not in the FASTA; their reads count nowhere ({shown(unknown)})."
        )
    absent = [name for name in in_fasta if name not in in_bam]
    if absent:
        notice(f"{bam_label}: {len(absent)} contigs of the FASTA were not aligned to ({shown(absent)}).")


def read_header_contigs(bam: Path) -> dict[str, int]:
    """Contig lengths in nt by name from the binary header of a BAM; DataError when it is damaged or names one twice.

    Read here and not by pysam, which writes a second complaint of its own when it closes a damaged file.
    """
    blocks = read_bgzf(bam)
    content = bytearray()

    def need(n_bytes: int) -> None:
        if n_bytes > MAX_HEADER_BYTES:
            raise DataError(f"{bam}: the header is damaged (a length is not possible). {COPY_AGAIN}")
        while len(content) < n_bytes:
            block = next(blocks, None)
            if block is None:
                raise DataError(f"{bam}: the header is damaged (it ends too early). {COPY_AGAIN}")
            content.extend(block)

    def number(at: int) -> int:
        need(at + 4)
        return int.from_bytes(content[at : at + 4], "little")

    need(4)
    if content[:4] != b"BAM\1":
        what = "compressed SAM text" if content[:1] == b"@" else "block-compressed, but not as BAM is"
        raise DataError(f"{bam}: is {what}. Convert it with `samtools sort -o FILE.bam` and its name.")
    at = 8 + number(4)
    n_contigs, at = number(at), at + 4
    contigs: dict[str, int] = {}
    for _ in range(n_contigs):
        end = at + 4 + number(at)
        length_nt = number(end)
        name = content[at + 4 : end - 1].decode("utf-8", "replace")
        if name in contigs:
            raise DataError(f"{bam}: its header lists contig '{name}' twice. Mend it with `samtools reheader`.")
        contigs[name], at = length_nt, end + 4
    return contigs


def _fai_contigs(fai: Path) -> dict[str, int]:
    contigs = {}
    for number, line in enumerate(require_file(fai).read_text("utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or not fields[1].isdecimal():
            raise DataError(f"{fai.name} line {number}: is no line of a FASTA index. Make it with `samtools faidx`.")
        contigs[fields[0]] = int(fields[1])
    return contigs


def _index(bam: Path, source: Path, index: Path, threads: int) -> bool:
    """Write the index of `source` by reading all of it; False when it is unsorted. `bam` is named in messages."""
    complaint = _run(["index", "-b", "-@", str(threads - 1), "-o", str(index), str(source)])
    if complaint is None:
        return True
    if any(text in complaint for text in UNSORTED):
        return False
    raise _damage(bam, complaint)


def _samtools(bam: Path, arguments: Sequence[str], source: Path) -> None:
    complaint = _run([*arguments, str(source)])
    if complaint is not None:
        raise _damage(bam, complaint)


def _run(arguments: Sequence[str]) -> str | None:
    """Run samtools; return what it complained of when it failed."""
    try:
        done = subprocess.run(
            ["samtools", *arguments], capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError as error:
        raise ToolError("samtools is not installed. Install samtools, or run in a container profile.") from error
    if done.returncode == 0:
        return None
    return done.stderr.decode("utf-8", "replace") or f"exit status {done.returncode}"


def _damage(bam: Path, complaint: str) -> DataError | ToolError:
    reason = _first_line(complaint)
    if any(text in complaint for text in ("No space left", "annot allocate", "open file handles", "Permission denied")):
        return ToolError(f"samtools stopped at {bam.name}: {reason}.")
    return DataError(f"{bam}: is damaged (samtools: {reason}). {COPY_AGAIN}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message").rstrip(".")
