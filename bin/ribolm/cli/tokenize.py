"""ribolm-tokenize: sequences to token arrays on disk, for training and for scoring stored rows."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.sequences.sieve import CorpusCounts

MAX_NT = 1_000_000
EXCLUDE = "Evaluation set to keep out: FASTA, dot-bracket, CT, BPSEQ, Stockholm or FILE.csv:COLUMN; repeat."
MAPPING = "Amino acids for A, U, C, G in esm: KDNY, KEDR, four others, AUCG=KDNY, a JSON or TSV file, or unmapped."


class Kind(StrEnum):
    """Tokenizers."""

    nucleotide = "nucleotide"
    kmer = "kmer"
    chunk = "chunk"
    bpe = "bpe"
    esm = "esm"
    rna = "rna"
    hyena = "hyena"


class Remove(StrEnum):
    """What of the evaluation sets is taken out of an RNA corpus."""

    exact = "exact"
    kmers = "kmers"
    nothing = "nothing"


EXACT = Remove.exact


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-tokenize."""
    return run(app, argv, "ribolm-tokenize")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_peaks, _add_fasta, _add_rna, _add_show):
        add(cli)
    return cli


def _add_peaks(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def peaks(
        fasta: Annotated[Path, Option(help="Genome: plain or gzip FASTA.")],
        out: Annotated[Path, Option(help="Folder of the token store to write.")],
        bed: Annotated[list[Path] | None, Option(help="Peaks: BED3 to BED12; repeat for more files.")] = None,
        gtf: Annotated[Path | None, Option(help="Genes: peaks are read in exon space.")] = None,
        tokenizer: Annotated[Kind, Option(help="Tokenizer.")] = Kind.nucleotide,
        k: Annotated[int | None, Option(min=1, help="Letters per word: kmer 3 or 5 [3], chunk 2 to 7 [6].")] = None,
        mapping: Annotated[str, Option(help=MAPPING)] = "KDNY",
        tokenizer_file: Annotated[Path | None, Option(help="tokenizer.json of bpe, or vocab.txt of chunk.")] = None,
        window: Annotated[int, Option(min=1, max=MAX_NT, help="Width of tiles in nt.")] = 510,
        overlap: Annotated[int, Option(min=0, max=MAX_NT, help="Overlap of tiles in nt.")] = 128,
        flank: Annotated[
            int | None, Option(min=0, max=MAX_NT, help="nt beside a peak to read too [default: up to one window].")
        ] = None,
        max_n: Annotated[float, Option(min=0, max=1, help="Largest share of N in a tile.")] = 0.6,
        keep_duplicates: Annotated[bool, Option("--keep-duplicates", help="Keep repeated sequences.")] = False,
    ) -> None:
        """Tiles under peaks, on a grid fixed per gene, N-filtered and without duplicates."""
        from ribolm.files import require_file, require_other_than
        from ribolm.sequences.corpus import CorpusOptions, tokenize_peaks
        from ribolm.sequences.tokenizers import make_tokenizer

        for path in (*(bed or []), fasta, *([gtf] if gtf else [])):
            require_file(path)
            require_other_than(out, (path,))
        chosen = make_tokenizer(tokenizer.value, k=k, mapping=mapping, file=tokenizer_file)
        options = CorpusOptions(window, overlap, flank, max_n, keep_duplicates)
        _tell(out, tokenize_peaks(bed or [], fasta, gtf, chosen, options, out))


def _add_fasta(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def fasta(
        sequences: Annotated[Path, Option(help="DNA or RNA: plain or gzip FASTA.")],
        out: Annotated[Path, Option(help="Folder of the token store to write.")],
        tokenizer: Annotated[Kind, Option(help="Tokenizer.")] = Kind.nucleotide,
        k: Annotated[int | None, Option(min=1, help="Letters per word: kmer 3 or 5 [3], chunk 2 to 7 [6].")] = None,
        mapping: Annotated[str, Option(help=MAPPING)] = "KDNY",
        tokenizer_file: Annotated[Path | None, Option(help="tokenizer.json of bpe, or vocab.txt of chunk.")] = None,
        window: Annotated[int, Option(min=1, max=MAX_NT, help="Longer records are cut into tiles of it.")] = 510,
        overlap: Annotated[int, Option(min=0, max=MAX_NT, help="Overlap of tiles in nt.")] = 128,
        max_n: Annotated[float, Option(min=0, max=1, help="Largest share of N in a sequence.")] = 0.6,
        keep_duplicates: Annotated[bool, Option("--keep-duplicates", help="Keep repeated sequences.")] = False,
    ) -> None:
        """The records of a FASTA, one sequence each or cut into tiles."""
        from ribolm.files import require_file
        from ribolm.sequences.corpus import CorpusOptions, tokenize_fasta
        from ribolm.sequences.tokenizers import make_tokenizer

        require_file(sequences)
        chosen = make_tokenizer(tokenizer.value, k=k, mapping=mapping, file=tokenizer_file)
        options = CorpusOptions(window, overlap, max_n=max_n, keep_duplicates=keep_duplicates)
        _tell(out, tokenize_fasta(sequences, chosen, options, out))


def _add_rna(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def rna(
        sequences: Annotated[list[Path], Option(help="RNA: plain or gzip FASTA; repeat for more files.")],
        out: Annotated[Path, Option(help="Folder of the token store to write.")],
        tokenizer: Annotated[Kind, Option(help="Tokenizer; rna: the compact vocabulary.")] = Kind.esm,
        k: Annotated[int | None, Option(min=1, help="Letters per word: kmer 3 or 5 [3], chunk 2 to 7 [6].")] = None,
        mapping: Annotated[str, Option(help=MAPPING)] = "KDNY",
        tokenizer_file: Annotated[Path | None, Option(help="tokenizer.json of bpe, or vocab.txt of chunk.")] = None,
        exclude: Annotated[list[str] | None, Option(help=EXCLUDE)] = None,
        remove: Annotated[Remove, Option(help="Of what --exclude has: equal RNAs, 31-mers too, or nothing.")] = EXACT,
        audit: Annotated[Path | None, Option(help="Table to write: what corpus and evaluation sets share.")] = None,
        min_nt: Annotated[int, Option(min=1, help="Shorter RNAs are left out.")] = 16,
        max_nt: Annotated[int | None, Option(min=1, help="Longer RNAs are left out.")] = None,
        crop_nt: Annotated[int, Option(min=1, max=MAX_NT, help="Training cuts longer RNAs to a stretch of it.")] = 1024,
        max_n: Annotated[float, Option(min=0, max=1, help="Largest share of N in an RNA.")] = 0.6,
        keep_duplicates: Annotated[bool, Option("--keep-duplicates", help="Keep repeated RNAs.")] = False,
    ) -> None:
        """RNAs for pretraining, stored whole: cleaned, without duplicates and without what models are judged by."""
        from ribolm.files import require_file
        from ribolm.labels.evaluation_sets import read_evaluation_set
        from ribolm.sequences.overlap import write_audit
        from ribolm.sequences.rna_corpus import RnaOptions, tokenize_rna
        from ribolm.sequences.tokenizers import make_tokenizer

        for path in sequences:
            require_file(path)
        if not exclude and (audit is not None or remove is not EXACT):
            raise UsageError("--audit and --remove say what becomes of --exclude. Give it, or leave them out.")
        chosen = make_tokenizer(tokenizer.value, k=k, mapping=mapping, file=tokenizer_file)
        options = RnaOptions(min_nt, max_nt, crop_nt, max_n, keep_duplicates, remove.value)
        counts, found = tokenize_rna(sequences, chosen, options, out, [read_evaluation_set(s) for s in exclude or []])
        if audit is not None:
            write_audit(audit, found)
        _tell(out, counts)


def _tell(out: Path, counts: "CorpusCounts") -> None:
    from ribolm.console import notice

    if not counts.written:
        notice("no sequence is left: the store is valid and empty.")
    print(f"{out}: {counts.written:,} sequences, {counts.nucleotides:,} nt")


def _add_show(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def show(
        store: Annotated[Path, Option(help="Folder of a token store.")],
        verify: Annotated[bool, Option("--verify", help="Check the sha256 of every file.")] = False,
        rows: Annotated[int, Option(min=0, help="Rows to print.")] = 3,
    ) -> None:
        """Check a token store and print what it holds."""
        from ribolm.sequences.store import TokenStore, describe

        print(describe(TokenStore.open(store, verify), rows))
