"""Tokenizers made, written and read: nucleotide, kmer, chunk, bpe, esm, rna, hyena."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ribolm.errors import DataError, UsageError
from ribolm.files import atomic_path, require_file, write_json
from ribolm.sequences.byte_pairs import BytePairTokenizer
from ribolm.sequences.kmers import ChunkTokenizer, KmerTokenizer
from ribolm.sequences.mappings import DEFAULT, mapping_name
from ribolm.sequences.single import EsmTokenizer, HyenaTokenizer, NucleotideTokenizer, RnaTokenizer
from ribolm.sequences.vocabulary import NO_TOKEN, Tokenizer

__all__ = [
    "KINDS",
    "NO_TOKEN",
    "Tokenizer",
    "is_description",
    "make_tokenizer",
    "mapping_of",
    "read_tokenizer",
    "tokenizer_from_dict",
    "write_tokenizer",
]

KINDS = ("nucleotide", "kmer", "chunk", "bpe", "esm", "rna", "hyena")
VOCABULARY_FILE = "vocab.json"
DEFINITION_FILE = "tokenizer.json"


def make_tokenizer(
    kind: str = "nucleotide",
    *,
    k: int | None = None,
    mapping: str = DEFAULT,
    file: Path | str | None = None,
    aligned: bool = False,
) -> Tokenizer:
    """Build a tokenizer by name.

    `k`: length of words (kmer: 3 by default, chunk: 6). `mapping`: esm's amino acids, see `mappings.mapping_name`.
    `file`: the tokenizer.json of bpe (required), or the vocab.txt of a published chunk vocabulary. `aligned`: esm and
    rna admit gaps. Raises UsageError for a wrong choice, DataError for a bad file.
    """
    _refuse_unused(kind, k, mapping, file)
    try:
        if kind == "nucleotide":
            return NucleotideTokenizer.create()
        if kind == "hyena":
            return HyenaTokenizer.create()
        if kind == "kmer":
            return KmerTokenizer.create(3 if k is None else k)
        if kind == "esm":
            return EsmTokenizer.create(mapping_name(mapping), aligned)
        if kind == "rna":
            return RnaTokenizer.create(aligned)
        if kind == "chunk" and file is None:
            return ChunkTokenizer.create(6 if k is None else k)
    except ValueError as error:
        raise UsageError(f"Tokenizer '{kind}': {error}.") from error
    if kind not in KINDS:
        raise UsageError(f"Tokenizer '{kind}' is not one of {', '.join(KINDS)}.")
    if file is None:
        raise UsageError("Tokenizer 'bpe' needs its tokenizer.json: give --tokenizer-file.")
    return _published(kind, k, require_file(file))


def _published(kind: str, k: int | None, path: Path) -> Tokenizer:
    """The tokenizer of a file that came with a published model."""
    try:
        text = path.read_text("utf-8")
        if kind == "chunk":
            return ChunkTokenizer.from_tokens(text.split(), 6 if k is None else k)
        return BytePairTokenizer.create(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}. Give the file that came with the published tokenizer.") from error


def mapping_of(tokenizer: Tokenizer) -> str | None:
    """The name of the mapping whose amino acids a tokenizer gives, None for one that gives nucleotides."""
    return tokenizer.mapping if isinstance(tokenizer, EsmTokenizer) else None


def _refuse_unused(kind: str, k: int | None, mapping: str, file: Path | str | None) -> None:
    """Raise UsageError for a choice that a kind of tokenizer does not have."""
    read_by = {
        "--k": (k is not None, ("kmer", "chunk")),
        "--mapping": (mapping != DEFAULT, ("esm",)),
        "--tokenizer-file": (file is not None, ("bpe", "chunk")),
    }
    for option, (is_given, kinds) in read_by.items():
        if is_given and kind in KINDS and kind not in kinds:
            raise UsageError(f"{option} has no effect: tokenizer '{kind}' does not read it. Leave it out.")


def tokenizer_from_dict(content: Mapping[str, Any]) -> Tokenizer:
    """Build the tokenizer that `Tokenizer.to_dict` described; DataError when the description is none of ours."""
    kind = content.get("kind")
    try:
        if kind == "nucleotide":
            made: Tokenizer = NucleotideTokenizer.create()
        elif kind == "hyena":
            made = HyenaTokenizer.create()
        elif kind == "kmer":
            made = KmerTokenizer.create(int(content["k"]))
        elif kind == "chunk":
            made = ChunkTokenizer.from_tokens(content["tokens"], int(content["k"]), int(content["eos_id"]) != NO_TOKEN)
        elif kind == "esm":
            made = EsmTokenizer.create(str(content["mapping"]), bool(content.get("aligned", False)))
        elif kind == "rna":
            made = RnaTokenizer.create(bool(content.get("aligned", False)))
        elif kind == "bpe":
            made = BytePairTokenizer.create(str(content["definition"]))
        else:
            raise DataError(f"Tokenizer kind {kind!r} is not one of {', '.join(KINDS)}. Check the vocabulary file.")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"The description of a '{kind}' tokenizer is not complete or wrong ({error}).") from error
    if list(content.get("tokens", made.tokens)) != list(made.tokens):
        raise DataError(f"The tokens of a '{kind}' tokenizer are not those of this version. Convert the model again.")
    return made


def is_description(content: object, tokenizer: Tokenizer) -> bool:
    """Whether JSON data describe a tokenizer: in short (`Tokenizer.identity`) or, as before, whole (`to_dict`)."""
    if not isinstance(content, Mapping) or "kind" not in content:
        return False
    if "sha256" not in content:
        return tokenizer_from_dict(content) == tokenizer
    identity = tokenizer.identity()
    return all(identity.get(name) == value for name, value in content.items())


def write_tokenizer(directory: Path | str, tokenizer: Tokenizer) -> Path:
    """Write vocab.json, or tokenizer.json for byte pairs, and return its path."""
    if isinstance(tokenizer, BytePairTokenizer):
        path = Path(directory) / DEFINITION_FILE
        with atomic_path(path) as temporary:
            temporary.write_text(tokenizer.definition, "utf-8")
        return path
    path = Path(directory) / VOCABULARY_FILE
    write_json(path, tokenizer.to_dict())
    return path


def read_tokenizer(directory: Path | str) -> Tokenizer:
    """Read the tokenizer of a model or store directory; DataError when it has none."""
    path = Path(directory) / VOCABULARY_FILE
    if not path.exists() and (Path(directory) / DEFINITION_FILE).exists():
        return make_tokenizer("bpe", file=Path(directory) / DEFINITION_FILE)
    require_file(path)
    try:
        return tokenizer_from_dict(json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no JSON ({error}). Copy the model again.") from error
