"""The token store: sequences as ids on disk, memory-mapped, with labels beside them and a manifest that is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError, UsageError
from ribolm.files import atomic_directory, require_no_other_kind, sha256_of, write_json
from ribolm.genome.coordinates import Int64
from ribolm.sequences.places import COLUMNS, NamesWriter, Place, PlaceBatch, names_table
from ribolm.sequences.streamed import NpyStream, RawStream
from ribolm.sequences.tokenizers import Tokenizer, tokenizer_from_dict
from ribolm.sequences.vocabulary import TokenArray

if TYPE_CHECKING:
    import polars as pl

FORMAT = "ribolm token store"
FORMAT_VERSION = 1
MANIFEST, TOKENS, OFFSETS, NAMES = "manifest.json", "tokens.bin", "offsets.npy", "names.parquet"
RANKS = ("token", "sequence", "multilabel")
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LabelSpec:
    """Form of one task's labels, always float32, NaN = unknown.

    `rank`: "token" (one per token), "sequence" ([n]) or "multilabel" ([n, width]). `names` of the columns.
    """

    rank: str
    width: int = 1
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rank not in RANKS or self.width < 1:
            raise ValueError(f"label rank {self.rank!r} of width {self.width} is not one of {', '.join(RANKS)}")

    def one_row(self, values: Any) -> Float32:
        """Labels of a single sequence as a batch of one."""
        return np.asarray(values, dtype=np.float32).reshape((1, -1) if self.rank == "multilabel" else (-1,))

    def check(self, task: str, values: Float32, n_rows: int, n_tokens: int) -> Float32:
        """Return labels of these rows as float32 of the right shape; ValueError when their number is wrong."""
        shape = {"token": (n_tokens,), "sequence": (n_rows,), "multilabel": (n_rows, self.width)}[self.rank]
        values = np.asarray(values, dtype=np.float32)
        if values.shape != shape:
            raise ValueError(f"labels of '{task}' have shape {values.shape}, these rows need {shape}")
        return values


class StoreWriter:
    """Writes a token store row by row or batch by batch in constant memory; it appears whole at the end or not at all.

    `source` is JSON data about where the sequences come from; it goes into the manifest, and so into the identity of
    the data: no dates, no folders.
    """

    def __init__(
        self,
        directory: Path | str,
        tokenizer: Tokenizer,
        labels: Mapping[str, LabelSpec] | None = None,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        self.directory, self.tokenizer = Path(directory), tokenizer
        self.labels, self.source = dict(labels or {}), dict(source or {})
        self.n_rows = self.n_tokens = 0
        self._stack = ExitStack()

    def __enter__(self) -> StoreWriter:
        require_no_other_kind(self.directory, lambda content: content.get("format") == FORMAT, "token store")
        self._folder = self._stack.enter_context(atomic_directory(self.directory))
        self._tokens = RawStream(self._folder / TOKENS)
        self._offsets = NpyStream(self._folder / OFFSETS, np.int64)
        self._offsets.append(np.zeros(1, dtype=np.int64))
        self._names = NamesWriter(self._folder / NAMES)
        self._labels = {task: open_labels(self._folder, task, spec) for task, spec in self.labels.items()}
        return self

    @property
    def folder(self) -> Path:
        """Where further files of the store may be put before it is finished; `source` must name them."""
        return self._folder

    def add(
        self,
        tokens: TokenArray,
        name: str,
        place: Place | None = None,
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one sequence; every task of the store needs its labels."""
        rows = {task: self.labels[task].one_row(values) for task, values in (labels or {}).items()}
        self.add_batch(tokens, np.array([0, len(tokens)], dtype=np.int64), [name], PlaceBatch.of([place]), rows)

    def add_batch(
        self,
        tokens: TokenArray,
        offsets: Int64,
        names: Sequence[str],
        places: PlaceBatch | None = None,
        labels: Mapping[str, Float32] | None = None,
    ) -> None:
        """Add rows laid end to end: row i is tokens[offsets[i]:offsets[i + 1]], offsets[0] = 0.

        `labels[task]` has one value per token, [n] or [n, k]. Raises ValueError for ids beyond the vocabulary, and
        for missing, foreign or misshapen labels.
        """
        if len(tokens) and int(tokens.max()) >= self.tokenizer.vocab_size:
            raise ValueError(f"token id {int(tokens.max())} is beyond a vocabulary of {self.tokenizer.vocab_size}")
        if set(labels or {}) != set(self.labels):
            raise ValueError(f"labels {sorted(labels or {})} are not those of the store, {sorted(self.labels)}")
        n = len(names)
        checked = {task: self.labels[task].check(task, v, n, len(tokens)) for task, v in (labels or {}).items()}
        if len(offsets) != n + 1 or offsets[0] != 0 or offsets[-1] != len(tokens):
            raise ValueError("offsets do not bound the rows")
        self._tokens.append(np.asarray(tokens, dtype=self.tokenizer.dtype))
        self._offsets.append(np.asarray(offsets[1:], dtype=np.int64) + self.n_tokens)
        self._names.append(names_table(names, places or PlaceBatch.of([None] * n)))
        for task, values in checked.items():
            self._labels[task].append(values)
        self.n_rows += n
        self.n_tokens += len(tokens)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tokens.close()
        self._names.close()
        for stream in (self._offsets, *self._labels.values()):
            stream.close()
        if kind is not None:
            self._stack.__exit__(kind, error, at)
            return
        with self._stack:
            known = {TOKENS: self._tokens.sha256}
            write_manifest(self._folder, self.tokenizer, self.labels, self.n_rows, self.n_tokens, self.source, known)


def open_labels(folder: Path, task: str, spec: LabelSpec) -> NpyStream:
    """Begin labels/<task>.npy in the folder of a store."""
    (folder / "labels").mkdir(exist_ok=True)
    return NpyStream(folder / label_file(task), np.float32, (spec.width,) if spec.rank == "multilabel" else ())


def label_file(task: str) -> str:
    """Name of a task's labels inside a store; UsageError for a task that is no plain name."""
    if not task or not task.replace("_", "").replace("-", "").isalnum():
        raise UsageError(f"Task '{task}' is no plain name. Use letters, digits, _ and - only.")
    return f"labels/{task}.npy"


def write_manifest(
    folder: Path,
    tokenizer: Tokenizer,
    labels: Mapping[str, LabelSpec],
    n_rows: int,
    n_tokens: int,
    source: Mapping[str, Any],
    known_sha256: Mapping[str, str] | None = None,
) -> None:
    """Write manifest.json over the files of a finished store: sizes, digests, vocabulary, forms of labels, source."""
    names = [TOKENS, OFFSETS, NAMES, *(label_file(task) for task in labels)]
    files = {
        name: {
            "bytes": (folder / name).stat().st_size,
            "sha256": (known_sha256 or {}).get(name) or sha256_of(folder / name),
        }
        for name in names
    }
    content = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "sequences": n_rows,
        "tokens": n_tokens,
        "dtype": tokenizer.dtype.name,
        "tokenizer": tokenizer.to_dict(),
        "labels": {task: {**asdict(spec), "dtype": "float32"} for task, spec in labels.items()},
        "files": files,
        "source": dict(source),
    }
    write_json(folder / MANIFEST, content)


@dataclass(frozen=True)
class TokenStore:
    """An opened store: `tokens` memory map [T], `offsets` int64 [n + 1], `manifest` its JSON data.

    Row i is tokens[offsets[i]:offsets[i + 1]], without special tokens.
    """

    directory: Path
    manifest: Mapping[str, Any]
    tokenizer: Tokenizer
    tokens: TokenArray
    offsets: Int64

    @classmethod
    def open(cls, directory: Path | str, verify: bool = False) -> TokenStore:
        """Open and check a store: every file's size always, its sha256 with `verify`.

        Raises DataError for a folder that is no store, a file of another size or digest, and a manifest that
        contradicts its files. Memory: the offsets (8 bytes per sequence); tokens and labels are mapped.
        """
        directory = Path(directory)
        manifest = _read_manifest(directory)
        for name, expected in manifest["files"].items():
            _check_file(directory / name, expected, verify)
        offsets = np.load(directory / OFFSETS)
        dtype, n_tokens = np.dtype(manifest["dtype"]), int(manifest["tokens"])
        is_sound = offsets.dtype == np.int64 and len(offsets) == manifest["sequences"] + 1 and offsets[0] == 0
        if not is_sound or offsets[-1] != n_tokens or (np.diff(offsets) < 0).any():
            raise DataError(f"{directory / OFFSETS}: does not fit the manifest. Write the store again.")
        mapped = np.memmap(directory / TOKENS, dtype=dtype, mode="r") if n_tokens else np.zeros(0, dtype=dtype)
        if len(mapped) != n_tokens:
            raise DataError(f"{directory / TOKENS}: holds {len(mapped):,} tokens, not {n_tokens:,}. Write it again.")
        return cls(directory, manifest, tokenizer_from_dict(manifest["tokenizer"]), mapped, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> TokenArray:
        """Tokens of one sequence."""
        return np.asarray(self.tokens[self.offsets[index] : self.offsets[index + 1]])

    @cached_property
    def digest(self) -> str:
        """Identity of the data: sha256 of manifest.json, which holds those of all files."""
        return sha256_of(self.directory / MANIFEST)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that have labels."""
        return tuple(self.manifest["labels"])

    def label_spec(self, task: str) -> LabelSpec:
        """Form of a task's labels; DataError when the store has none."""
        found = self.manifest["labels"].get(task)
        if found is None:
            have = ", ".join(self.tasks) or "none"
            raise DataError(f"{self.directory}: has no labels of task '{task}' (it has: {have}). Name another task.")
        return LabelSpec(str(found["rank"]), int(found["width"]), tuple(found["names"]))

    def label(self, task: str) -> Float32:
        """Labels of a task, mapped: float32 [T], [n] or [n, k] by rank."""
        spec = self.label_spec(task)
        shape = {"token": (len(self.tokens),), "sequence": (len(self),), "multilabel": (len(self), spec.width)}
        path = self.directory / label_file(task)
        values: Float32 = np.load(path, mmap_mode="r" if len(self) else None)
        if values.shape != shape[spec.rank] or values.dtype != np.float32:
            raise DataError(f"{path}: has shape {values.shape}, not {shape[spec.rank]}. Write the store again.")
        return values

    def names(self, columns: Iterable[str] = COLUMNS) -> pl.DataFrame:
        """The table of names and places, row order of `offsets`; ask only for the columns you need."""
        import polars as pl

        return pl.read_parquet(self.directory / NAMES, columns=list(columns), memory_map=False)


def add_labels(
    store: TokenStore, directory: Path | str, labels: Mapping[str, tuple[LabelSpec, Iterable[Float32]]]
) -> None:
    """Write a copy of a store with labels of further tasks, each given as its form and a stream of arrays of rows.

    A task that the store has already is replaced. Atomic; memory: one array of a stream at a time.
    """
    specs = {task: store.label_spec(task) for task in store.tasks} | {task: spec for task, (spec, _) in labels.items()}
    require_no_other_kind(directory, lambda content: content.get("format") == FORMAT, "token store")
    with atomic_directory(directory) as folder:
        (folder / "labels").mkdir()
        for name in (TOKENS, OFFSETS, NAMES, *(label_file(task) for task in store.tasks if task not in labels)):
            shutil.copyfile(store.directory / name, folder / name)
        for task, (spec, pieces) in labels.items():
            with open_labels(folder, task, spec) as stream:
                for values in pieces:
                    stream.append(values)
            expected = len(store.tokens) if spec.rank == "token" else len(store)
            if stream.n_rows != expected:
                raise ValueError(f"{stream.n_rows} labels of '{task}' for {expected} places")
        known = {name: str(store.manifest["files"][name]["sha256"]) for name in (TOKENS, OFFSETS, NAMES)}
        write_manifest(folder, store.tokenizer, specs, len(store), len(store.tokens), store.manifest["source"], known)


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    if not path.is_file():
        raise DataError(f"{directory}: is no token store, it has no {MANIFEST}. Make one with `ribolm-tokenize`.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no JSON ({error}). Write the store again.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != FORMAT_VERSION:
        raise DataError(f"{path}: is no manifest of a token store of version {FORMAT_VERSION}. Write the store again.")
    missing = {"sequences", "tokens", "dtype", "tokenizer", "labels", "files", "source"} - set(content)
    if missing or not {TOKENS, OFFSETS, NAMES} <= set(content["files"]):
        raise DataError(f"{path}: lacks {', '.join(sorted(missing)) or 'files'}. Write the store again.")
    return content


def _check_file(path: Path, expected: Mapping[str, Any], verify: bool) -> None:
    if not path.is_file():
        raise DataError(f"{path}: is missing, though the manifest names it. Copy the whole store again.")
    if path.stat().st_size != expected["bytes"]:
        found = f"{path.stat().st_size:,} bytes, not {expected['bytes']:,}"
        raise DataError(f"{path}: has {found}. The copy is cut or changed; copy the whole store again.")
    if verify and sha256_of(path) != expected["sha256"]:
        raise DataError(f"{path}: its sha256 is not that of the manifest. The file was changed; write the store again.")


def describe(store: TokenStore, n_rows: int = 3) -> str:
    """What a store holds, as lines of text: size, vocabulary, labels, the first rows."""
    length = np.diff(store.offsets)
    span = f"{length.min():,} to {length.max():,}, median {np.median(length):,.0f}" if len(length) else "none"
    lines = [
        f"{store.directory}: {len(store):,} sequences, {len(store.tokens):,} tokens ({store.tokenizer.kind}, "
        f"vocabulary {store.tokenizer.vocab_size:,}, {store.tokens.dtype})",
        f"tokens per sequence: {span}",
        f"digest: {store.digest}",
    ]
    for task in store.tasks:
        spec, values = store.label_spec(task), store.label(task)
        known = int(np.count_nonzero(~np.isnan(values)))
        lines.append(f"labels '{task}': per {spec.rank}, width {spec.width}, {known:,} of {values.size:,} known")
    shown = store.names(("name", "chrom", "strand", "gene", "cluster")).head(n_rows).rows()
    for i, row in enumerate(shown):
        head = " ".join(store.tokenizer.tokens[t] for t in store.row(i)[:12].tolist())
        lines.append("\t".join("." if value is None else str(value) for value in row) + f"\t{head} …")
    return "\n".join(lines)
