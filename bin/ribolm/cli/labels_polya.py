"""Sub-commands of ribolm-labels for poly(A) sites: windows with and without a site, tokens of whole genes."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.tokenize import Kind

if TYPE_CHECKING:
    import typer

    from ribolm.labels.polya.build import PolyaInputs
    from ribolm.labels.polya.given_sites import SiteRules

HEXAMERS = "AATAAA,ATTAAA"


class Set(StrEnum):
    """Where negatives come from."""

    gene = "gene"
    intergene = "intergene"
    both = "both"


class Format(StrEnum):
    """Form of a site list."""

    auto = "auto"
    polyasite1 = "polyasite1"
    polyasite2 = "polyasite2"
    polyasite3 = "polyasite3"
    polya_db = "polya_db"
    gencode_gff = "gencode_gff"
    gencode_ucsc = "gencode_ucsc"
    gencode_bed = "gencode_bed"
    bed = "bed"


class Base(StrEnum):
    """What a single given base is."""

    auto = "auto"
    before = "before"
    anchor = "anchor"
    before1 = "before1"
    anchor1 = "anchor1"


class NotA(StrEnum):
    """What becomes of anchors that are no A."""

    drop = "drop"
    keep = "keep"


class Primed(StrEnum):
    """What becomes of sites before an A-rich stretch."""

    keep = "keep"
    drop = "drop"


class Preceding(StrEnum):
    """What may stand before a negative's A."""

    auto = "auto"
    any = "any"
    not_a = "not-a"
    cg = "cg"


INPUTS = (
    Spec("fasta", Path, REQUIRED, "Genome: plain or gzip FASTA."),
    Spec("gtf", Path, REQUIRED, "Genes: plain or gzip GTF with exon rows."),
    Spec("polya_sites", Path, REQUIRED, "Known sites: PolyASite, PolyA_DB, GENCODE polyA features or BED6."),
    Spec("file_format", Format, Format.auto, "Format of the list; auto: told from its columns.", {"flag": "--format"}),
    Spec("base", Base, Base.auto, "A single given base: the last before the A, or the A; from 0, or from 1."),
)
TOKENIZER = (
    Spec("tokenizer", Kind, Kind.nucleotide, "Tokenizer of the stores."),
    Spec("k", int | None, None, "Letters per word: kmer 3 or 5 [3], chunk 2 to 7 [6].", {"min": 1}),
    Spec("tokenizer_file", Path | None, None, "tokenizer.json of bpe, or vocab.txt of chunk."),
)
POLYA_OPTIONS = (
    *INPUTS,
    Spec("out", Path, REQUIRED, "Folder for sites.bed.gz, outcomes.tsv, a folder per set, sections of the report."),
    Spec("also_known", list[Path] | None, None, "Further site list that negatives keep away from; repeat."),
    Spec("kind", Set, Set.both, "Negatives in genes, between genes, or a set of each.", {"flag": "--set"}),
    Spec("width", int, 101, "Window in nt; the A has index width // 2.", {"min": 11, "max": 100_000}),
    Spec("margin", int | None, None, "nt from a negative to known sites [default: width-1; even: width].", {"min": 0}),
    Spec("hexamers", str, HEXAMERS, "Hexamers of negatives, comma-separated; any six letters."),
    Spec("nearest", int, 10, "Least distance in nt from the A back to the first base of the hexamer."),
    Spec("farthest", int, 35, "Largest distance."),
    Spec("preceding", Preceding, Preceding.auto, "Base before a negative's A; auto: no A where sites have none."),
    Spec("not_a", NotA, NotA.drop, "Anchors that are no A: left out, or kept and flagged; never edited."),
    Spec("internal_priming", Primed, Primed.keep, "Sites before an A-rich stretch: kept and flagged, or left out."),
    Spec("no_matched", bool, False, "Leave out the variant whose negatives have the hexamers of the sites.",
         {"flag": "--no-matched"}),
    *TOKENIZER,
    Spec("genome_name", str, "", "Name of the genome in the report, where there are several."),
    Spec("seed", int, 1, "Seed of the draw.", {"min": 0}),
)  # fmt: skip


def add_polya(cli: "typer.Typer") -> None:
    """Add `ribolm-labels polya`."""

    def polya(**chosen: Any) -> None:
        """Windows around known poly(A) sites and as many negatives with the signal hexamers, in stores."""
        from ribolm.files import atomic_directory, require_other_than
        from ribolm.labels.polya.anchors import base_table_text
        from ribolm.labels.polya.build import SearchOptions, build_polya
        from ribolm.labels.polya.negatives import KINDS
        from ribolm.labels.polya.output import write_polya
        from ribolm.labels.polya.sets import SetRules
        from ribolm.report.polya.set_sections import write_polya_sections
        from ribolm.sequences.tokenizers import make_tokenizer

        out, width, kind = chosen["out"], chosen["width"], chosen["kind"].value
        require_other_than(out, (chosen["fasta"], chosen["gtf"], chosen["polya_sites"], *(chosen["also_known"] or ())))
        tokenizer = make_tokenizer(chosen["tokenizer"].value, k=chosen["k"], file=chosen["tokenizer_file"])
        search = SearchOptions(chosen["nearest"], chosen["farthest"], chosen["preceding"].value, chosen["margin"])
        kinds = KINDS if kind == "both" else (kind,)
        rules = SetRules(kinds, _hexamers(chosen["hexamers"]), width, 0, not chosen["no_matched"], chosen["seed"])
        data = build_polya(_inputs(chosen), _site_rules(chosen), search, rules)
        with atomic_directory(out) as folder:
            write_polya(folder, data, tokenizer)
            write_polya_sections(folder, data, chosen["genome_name"])
        if len(data.given.kept):
            print(base_table_text(data.bases))
        for one in data.sets:
            print(f"{one.name}: {len(one):,} windows, {int(one.label.sum()):,} with a site: {out}/{one.name}")

    add_command(cli, "polya", POLYA_OPTIONS, polya)


TOKEN_OPTIONS = (
    *INPUTS,
    Spec("out", Path, REQUIRED, "Folder for crops/, genes/, their tables of folds, outcomes.tsv, summary.json."),
    Spec("crop", int, 4096, "Length in nt of crops to train on.", {"min": 100}),
    Spec("background", float, 1.0, "Crops elsewhere in genes for each crop at a 3' end.", {"min": 0, "max": 1000}),
    Spec("tile", int, 32_768, "Longest row in nt of whole genes; longer genes are tiled.", {"min": 200}),
    Spec("overlap", int, 1024, "nt that tiles share; each base is labelled in one of them.", {"min": 0}),
    Spec("folds", int, 5, "Folds of whole clusters of genes.", {"min": 2, "max": 1000}),
    Spec("fold", int, 0, "Fold whose whole genes are written; -1: all.", {"min": -1}),
    Spec("internal_priming", Primed, Primed.keep, "Sites before an A-rich stretch: labelled 1, or unknown."),
    *TOKENIZER[:2],
    Spec("seed", int, 1, "Seed of crops and folds.", {"min": 0}),
)


def add_polya_tokens(cli: "typer.Typer") -> None:
    """Add `ribolm-labels polya-tokens`."""

    def polya_tokens(**chosen: Any) -> None:
        """Labels per nucleotide: crops around 3' ends to train on, whole genes of a fold to test on."""
        from ribolm.errors import UsageError
        from ribolm.files import atomic_directory, require_other_than
        from ribolm.labels.polya.given_sites import SiteRules
        from ribolm.labels.polya.token_sets import TokenRules, write_token_sets
        from ribolm.sequences.tokenizers import make_tokenizer

        out, folds, fold = chosen["out"], chosen["folds"], chosen["fold"]
        if fold >= folds:
            raise UsageError(f"--fold {fold} does not exist; there are folds 0 to {folds - 1}.")
        require_other_than(out, (chosen["fasta"], chosen["gtf"], chosen["polya_sites"]))
        tokenizer = make_tokenizer(chosen["tokenizer"].value, k=chosen["k"])
        sizes = (chosen["crop"], chosen["background"], chosen["tile"], chosen["overlap"])
        site_rules = SiteRules(1, chosen["base"].value, False, chosen["internal_priming"].value == "keep")
        rules = TokenRules(*sizes, folds, fold, chosen["seed"])
        with atomic_directory(out) as folder:
            told = write_token_sets(folder, _inputs(chosen), site_rules, rules, tokenizer)
        print(f"{told} are sites: {out}")

    add_command(cli, "polya-tokens", TOKEN_OPTIONS, polya_tokens)


def _inputs(chosen: dict[str, Any]) -> "PolyaInputs":
    from ribolm.labels.polya.build import PolyaInputs

    more = tuple(chosen.get("also_known") or ())
    return PolyaInputs(chosen["fasta"], chosen["gtf"], chosen["polya_sites"], chosen["file_format"].value, more)


def _site_rules(chosen: dict[str, Any]) -> "SiteRules":
    from ribolm.labels.polya.given_sites import SiteRules

    keep_not_a = chosen["not_a"].value == "keep"
    return SiteRules(chosen["width"], chosen["base"].value, keep_not_a, chosen["internal_priming"].value == "keep")


def _hexamers(text: str) -> tuple[str, ...]:
    """The hexamers named in an option, upper case, U as T, each once."""
    return tuple(dict.fromkeys(one.strip().upper().replace("U", "T") for one in text.split(",") if one.strip()))
