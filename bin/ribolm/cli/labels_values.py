"""ribolm-labels values: measured values of whole sequences, from tables or FASTA headers, to a token store."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.tokenize import MAPPING, Kind
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.labels.values.rows import ValueRows


class Transform(StrEnum):
    """What is learnt of a value."""

    none = "none"
    log = "log"
    log1p = "log1p"


class Keep(StrEnum):
    """Which end of a sequence is read."""

    last = "last"
    first = "first"


class Short(StrEnum):
    """What becomes of sequences shorter than the window."""

    pad = "pad"
    keep = "keep"


VALUES = (
    Spec("out", Path, REQUIRED, "Folder for store/, sequences.fa and summary.json."),
    Spec("value", list[str], REQUIRED, "Column, or key in the headers, with measured values; repeat."),
    Spec("table", Path | None, None, "CSV or TSV with a header, plain or gzip."),
    Spec("sequence", str, "sequence", "Column of --table with the sequences."),
    Spec("name", str | None, None, "Column of --table with the names [default: row_1, row_2, …]."),
    Spec("sequences", Path | None, None, "Instead of a table: FASTA with key=value parts in its headers."),
    Spec("group", str | None, None, "Column or key, as of genes, whose rows folds keep together."),
    Spec("transform", Transform, Transform.none, "What is learnt: the value, its natural log, or log(1 + value)."),
    Spec("window", int | None, None, "nt that are read of each sequence [default: all].", {"min": 1, "max": 1 << 20}),
    Spec("keep", Keep, Keep.last, "With --window: which end of a longer sequence is read."),
    Spec("short", Short, Short.pad, "With --window: shorter ones are filled up with N, or kept as they are."),
    Spec("tokenizer", Kind, Kind.nucleotide, "Tokenizer of the store."),
    Spec("k", int | None, None, "Letters per word: kmer 3 or 5 [3], chunk 2 to 7 [6].", {"min": 1}),
    Spec("mapping", str, "KDNY", MAPPING),
    Spec("tokenizer_file", Path | None, None, "tokenizer.json of bpe, or vocab.txt of chunk."),
)


def add_values(cli: "typer.Typer") -> None:
    """Add `ribolm-labels values`."""

    def values(**chosen: Any) -> None:
        """Sequences with measured values, such as ribosome load or expression, to learn by --level regression."""
        from ribolm.files import require_other_than
        from ribolm.labels.values.build import ValueRules, length_rule_of, write_value_store
        from ribolm.sequences.tokenizers import make_tokenizer

        out = chosen["out"]
        require_other_than(out, (chosen["table"], chosen["sequences"]))
        rule = length_rule_of(chosen["window"], chosen["keep"].value, chosen["short"].value)
        file, mapping = chosen["tokenizer_file"], chosen["mapping"]
        tokenizer = make_tokenizer(chosen["tokenizer"].value, k=chosen["k"], mapping=mapping, file=file)
        rows = _rows(chosen)
        summary = write_value_store(out, rows, tokenizer, ValueRules(chosen["transform"].value, rule))
        print(f"{out}: {summary['sequences']:,} sequences with {', '.join(summary['values'])}")

    add_command(cli, "values", VALUES, values)


def _rows(chosen: dict[str, Any]) -> "ValueRows":
    from ribolm.labels.values.rows import read_headers, read_table

    wanted = chosen["value"]
    twice = next((value for value in wanted if wanted.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"--value {twice} is given twice. Give each once.")
    if (chosen["table"] is None) == (chosen["sequences"] is None):
        raise UsageError("Give either --table or --sequences.")
    if chosen["table"] is not None:
        return read_table(chosen["table"], chosen["sequence"], wanted, chosen["name"], chosen["group"])
    for option, default in (("sequence", "sequence"), ("name", None)):
        if chosen[option] != default:
            raise UsageError(f"--{option} has no effect with --sequences, which has no columns. Leave it out.")
    return read_headers(chosen["sequences"], wanted, chosen["group"])
