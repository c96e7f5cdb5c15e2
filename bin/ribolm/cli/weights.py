"""ribolm-weights: model directories made, converted, checked and shown."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli import new_app, run

if TYPE_CHECKING:
    import typer

TOKENIZERS = "nucleotide, kmer, chunk, bpe, esm, rna or hyena."
PRESETS = (
    "tiny, mini, small, base, 8m, 35m, 150m or 650m; hyenadna-tiny-1k, -tiny-1k-d256, -tiny-16k-d128, -small-32k, "
    "-medium-160k, -medium-450k or -large-1m."
)
WORDS = "Length of the words of kmer and chunk."
MAPPING = "Amino acids for A, U, C, G in esm: KDNY, KEDR, four others, AUCG=KDNY, a JSON or TSV file, or unmapped."
SOURCE = "Published model: folder with config.json and weights, or a .pt or .ckpt of fair-esm or RESM."
PICKLE = "Read a file that names classes of the script that wrote it, with empty ones in their place."
TOKENIZER_FILE = "tokenizer.json of bpe, vocab.txt of chunk."


class Vocabulary(StrEnum):
    """Vocabularies of mapped models."""

    compact = "compact"
    esm = "esm"


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-weights."""
    return run(app, argv, "ribolm-weights")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_init, _add_convert, _add_transplant, _add_unite, _add_verify, _add_show):
        add(cli)
    return cli


def _require_no_model(out: Path) -> None:
    """Random or converted weights must not replace trained ones by a slip, nor what else a folder holds."""
    from ribolm.errors import UsageError
    from ribolm.models.directories import OWN_FILES, WEIGHTS

    taken = next((name for name in OWN_FILES if (out / name).exists()), None)
    if taken == WEIGHTS:
        raise UsageError(f"--out {out} holds a model already. Choose another folder, or remove that one.")
    if taken is not None:
        raise UsageError(f"--out {out} holds {taken} already, which a model would replace. Choose another folder.")


def _add_init(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def init(
        out: Annotated[Path, Option(help="Model directory to write.")],
        preset: Annotated[str, Option(help=PRESETS)] = "small",
        tokenizer: Annotated[str | None, Option(help=f"{TOKENIZERS} [default: the preset's]")] = None,
        k: Annotated[int | None, Option(min=1, max=12, help=WORDS)] = None,
        mapping: Annotated[str, Option(help=MAPPING)] = "KDNY",
        tokenizer_file: Annotated[Path | None, Option(help=TOKENIZER_FILE)] = None,
        token_dropout: Annotated[bool | None, Option(help="ESM-2's token dropout [default: as the preset].")] = None,
        seed: Annotated[int, Option(min=0, help="Seed of the random weights.")] = 1,
    ) -> None:
        """Write a model with random weights and its language model's head: where pretraining from scratch begins."""
        from ribolm.models.initial import write_initial_model
        from ribolm.models.presets import preset_tokenizer
        from ribolm.sequences.tokenizers import make_tokenizer

        _require_no_model(out)
        chosen = make_tokenizer(tokenizer or preset_tokenizer(preset), k=k, mapping=mapping, file=tokenizer_file)
        write_initial_model(out, preset, chosen, seed, token_dropout)


def _add_convert(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def convert(
        source: Annotated[Path, Option("--from", help=SOURCE)],
        out: Annotated[Path, Option(help="Model directory to write.")],
        tokenizer: Annotated[str | None, Option(help=f"{TOKENIZERS} [default: the published model's]")] = None,
        k: Annotated[int | None, Option(min=1, max=12, help=WORDS)] = None,
        mapping: Annotated[str | None, Option(help=f"{MAPPING} [default: by the source's name, else KDNY]")] = None,
        tokenizer_file: Annotated[Path | None, Option(help=TOKENIZER_FILE)] = None,
        allow_pickle: Annotated[bool, Option("--allow-pickle", help=PICKLE)] = False,
    ) -> None:
        """Turn a published model into a model directory and tell what became of every weight.

        ESM-2 and RESM (files of fair-esm, Lightning or transformers), Nucleotide Transformer (both versions), DNABERT-2
        and HyenaDNA are read, from safetensors or, without running code, from pickles.
        """
        from ribolm.errors import UsageError
        from ribolm.models.conversion import convert_model
        from ribolm.sequences.tokenizers import make_tokenizer

        _require_no_model(out)
        if tokenizer is None and (k is not None or tokenizer_file is not None):
            raise UsageError("--k and --tokenizer-file describe a tokenizer. Name it with --tokenizer.")
        chosen = make_tokenizer(tokenizer, k=k, mapping=mapping or "KDNY", file=tokenizer_file) if tokenizer else None
        convert_model(source, out, chosen, mapping, allow_pickle)


def _add_transplant(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def transplant(
        model: Annotated[Path, Option(help="Pretrained model directory with ESM-2's or the compact vocabulary.")],
        out: Annotated[Path, Option(help="Model directory to write.")],
        vocabulary: Annotated[Vocabulary, Option(help="compact: eleven RNA tokens; esm: ESM-2's 33.")],
        rows: Annotated[str, Option(help="Where the four bases begin: kept, random, unmapped, or a mapping.")] = "kept",
        rows_of: Annotated[Path | None, Option(help="Model of the other 22 rows, for the way back to esm.")] = None,
        seed: Annotated[int, Option(min=0, help="Seed of random rows.")] = 1,
    ) -> None:
        """Move rows of the embedding: to a compact vocabulary and back without loss, or other rows for the bases."""
        from ribolm.models.transplant import transplant as move

        _require_no_model(out)
        move(model, out, vocabulary.value, rows, rows_of, seed)


def _add_unite(cli: "typer.Typer") -> None:
    from typer import Option

    @cli.command()
    def unite(
        model: Annotated[list[Path], Option(help="Model directory of a trained convolution; once for each.")],
        out: Annotated[Path, Option(help="Model directory to write.")],
    ) -> None:
        """Put trained convolutional models of one recipe, of other seeds say, into one: the mean of their logits."""
        from ribolm.models.uniting import unite_models

        _require_no_model(out)
        unite_models(model, out)


def _add_verify(cli: "typer.Typer") -> None:
    from typer import Argument, Option

    @cli.command()
    def verify(
        directory: Annotated[Path, Argument(help="Model directory.")],
        against_transformers: Annotated[
            bool, Option("--against-transformers", help="Also compare outputs with transformers' ESM classes.")
        ] = False,
    ) -> None:
        """Hold a model directory against its manifest, its configuration and finite weights."""
        from ribolm.models.verification import verify_model

        verify_model(directory, against_transformers)


def _add_show(cli: "typer.Typer") -> None:
    from typer import Argument

    @cli.command()
    def show(directory: Annotated[Path, Argument(help="Model directory.")]) -> None:
        """Print what a model directory holds, as JSON."""
        import json

        from ribolm.models.verification import describe_model

        print(json.dumps(describe_model(directory), indent=2))
