"""`ribolm-predict embed`: vectors that depend on their RNA alone, in three forms with the same content."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.cli.predict import main
from ribolm.inference import embedded_records, embeddings
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

RECORDS = {"a": "ACGUNACGUUAGC", "b": "GG", "c": "ACGUNACGUUAGC", "d": "UUGACCA" * 9, "e": "A"}
SUFFIXES = (".parquet", ".npz", ".zarr")


@pytest.fixture(scope="module")
def esm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of ESM's form that was trained with token dropout, as ESM-2."""
    tokenizer = make_tokenizer("esm")
    config = replace(preset_config("tiny", tokenizer), token_dropout=True, initializer_range=0.3)
    return save_model(tmp_path_factory.mktemp("esm") / "m", new_network(config, MASKED_LM, 1), tokenizer)


def fasta(path: Path, records: Mapping[str, str] = RECORDS) -> Path:
    path.write_text("".join(f">{name} more\n{letters}\n" for name, letters in records.items()))
    return path


def run(model: Path, sequences: Path, out: Path, *more: str) -> int:
    places = ["--model", str(model), "--sequences", str(sequences), "--out", str(out)]
    return main(["embed", *places, "--device", "cpu", *more])


def read(out: Path) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    """Names by vector, vectors, facts."""
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(out)
        width = table.schema.field("embedding").type.list_size
        values = np.array(table["embedding"].to_pylist(), dtype=np.float32).reshape(table.num_rows, width)
        return table["name"].to_pylist(), values, json.loads(table.schema.metadata[b"ribolm"])
    if out.suffix == ".npz":
        found: Any = np.load(out)
        facts = json.loads(str(found["metadata"]))
    else:
        import zarr

        found = zarr.open_group(out, mode="r")
        facts = dict(found.attrs["ribolm"])
    names, values = found["names"][:], found["embeddings"][:]
    if facts["level"] == "token":
        names = np.repeat(names, np.diff(found["offsets"][:]))
    return names.tolist(), values, facts


@torch.no_grad()
def expected(model: Path, letters: str, token_dropout: bool = False) -> np.ndarray:
    loaded = load_model(model, head=None)
    loaded.network.encoder.embeddings.token_dropout = token_dropout
    tokenizer = loaded.tokenizer
    inner = tokenizer.encode(np.frombuffer(letters.encode(), dtype=np.uint8))
    return loaded.network(pack([np.r_[tokenizer.prefix_ids, inner, tokenizer.suffix_ids]])).numpy()[1:-1]


@pytest.mark.parametrize("level", ["pooled", "token"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_form_has_names_vectors_and_what_made_them(
    esm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, level: str
) -> None:
    monkeypatch.setattr(embedded_records, "PART_VALUES", 20 * 32)  # several parts
    out = tmp_path / f"out{suffix}"
    assert run(esm, fasta(tmp_path / "s.fa"), out, "--level", level) == 0
    names, values, facts = read(out)
    of_tokens = [expected(esm, letters) for letters in RECORDS.values()]
    if level == "token":
        assert names == [name for name, letters in RECORDS.items() for _ in letters]
        np.testing.assert_allclose(values, np.concatenate(of_tokens), atol=1e-5)
    else:
        assert names == list(RECORDS)
        np.testing.assert_allclose(values, [one.mean(axis=0) for one in of_tokens], atol=1e-5)
    assert facts["model_sha256"] == load_model(esm).sha256
    assert (facts["tokenizer"]["mapping"], facts["token_dropout"], facts["level"]) == ("KDNY", False, level)
    assert facts["sequences"]["file"] == "s.fa"


def test_tokens_are_numbered_from_0_in_parquet(esm: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    assert run(esm, fasta(tmp_path / "s.fa"), tmp_path / "o.parquet", "--level", "token") == 0
    table = pq.read_table(tmp_path / "o.parquet")
    assert table["token0"].to_pylist() == [at for letters in RECORDS.values() for at in range(len(letters))]


@pytest.mark.parametrize(("more", "tolerance"), [([], 2e-6), (["--tokens-per-batch", "1"], 0.0)])
def test_what_else_is_embedded_changes_no_vector(esm: Path, tmp_path: Path, more: list[str], tolerance: float) -> None:
    more = ["--level", "token", *more]
    assert run(esm, fasta(tmp_path / "all.fa"), tmp_path / "all.npz", *more) == 0
    names, values, _ = read(tmp_path / "all.npz")
    for name, letters in RECORDS.items():
        assert run(esm, fasta(tmp_path / "one.fa", {name: letters}), tmp_path / "one.npz", *more) == 0
        difference = np.abs(read(tmp_path / "one.npz")[1] - values[[other == name for other in names]]).max()
        assert difference <= tolerance * np.abs(values).max()


def test_rows_that_would_be_padded_do_not_share_a_pass() -> None:
    for lengths, budget, n in (
        ([100, 100, 100, 99, 98], 2048, 5),
        ([100, 100, 100, 99, 98], 300, 3),
        ([40, 30, 30, 30, 30], 2048, 1),
        ([30, 30, 30, 30, 30, 20], 2048, 6),
        ([500, 30, 20], 2048, 3),
        ([5000, 30], 2048, 1),
        ([3], 0, 1),
    ):
        assert embeddings._n_rows(np.array(lengths), budget) == n


def test_token_dropout_is_off_and_an_option(esm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fasta(tmp_path / "s.fa")
    assert run(esm, path, tmp_path / "off.npz") == 0
    assert "chosen: token dropout = off" in capsys.readouterr().err
    assert run(esm, path, tmp_path / "on.npz", "--token-dropout") == 0
    off, on = (read(tmp_path / f"{name}.npz") for name in ("off", "on"))
    np.testing.assert_allclose(on[1][0], expected(esm, RECORDS["a"], token_dropout=True).mean(axis=0), atol=1e-5)
    assert (off[2]["token_dropout"], on[2]["token_dropout"]) == (False, True)
    assert np.abs(on[1] - off[1]).max() > 1e-3


@pytest.mark.parametrize("kind", ["hyena", "chunk"])
def test_every_backbone_can_be_asked(tmp_path: Path, kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    preset = "hyena-tiny" if kind == "hyena" else "tiny"
    save_model(tmp_path / "m", new_network(preset_config(preset, tokenizer), None, 1), tokenizer)
    assert run(tmp_path / "m", fasta(tmp_path / "s.fa"), tmp_path / "o.npz", "--level", "token") == 0
    _, values, facts = read(tmp_path / "o.npz")
    letters = np.frombuffer("".join(RECORDS.values()).encode(), dtype=np.uint8)
    bounds = np.cumsum([0, *map(len, RECORDS.values())])
    assert len(values) == len(tokenizer.encode_rows(letters, bounds)[0])
    assert (facts["tokenizer"]["kind"], facts["token_dropout"]) == (kind, False if kind == "chunk" else None)


@pytest.mark.parametrize("level", ["pooled", "token"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_record_is_a_valid_empty_result(esm: Path, tmp_path: Path, suffix: str, level: str) -> None:
    (tmp_path / "s.fa").write_text("")
    assert run(esm, tmp_path / "s.fa", tmp_path / f"o{suffix}", "--level", level) == 0
    names, values, _ = read(tmp_path / f"o{suffix}")
    assert names == [] and values.size == 0


def test_a_result_replaces_its_own_kind_only(esm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = fasta(tmp_path / "s.fa"), tmp_path / "o.zarr"
    assert run(esm, path, out, "--level", "token") == 0
    assert run(esm, fasta(path, {"z": "ACG"}), out) == 0
    assert read(out)[0] == ["z"] and read(out)[1].shape == (1, 32)
    other = tmp_path / "p.zarr"
    other.mkdir()
    (other / "precious").write_text("kept")
    assert run(esm, path, other) == 65
    assert "holds something else than embeddings" in capsys.readouterr().err
    assert (other / "precious").read_text() == "kept"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["o.zarr", "p.zarr", "s.fa"]


Refused = tuple[dict[str, str], list[str], int, str]
REFUSED: list[Refused] = [
    ({"a": "ACGU-"}, [], 65, "is a gap"),
    ({"a": "MKVL"}, [], 65, "not a protein"),
    ({"a": "ACG1"}, [], 65, "is a digit"),
    ({"a": "ACG"}, ["--level", "word"], 2, "--level"),
    ({"a": "ACG"}, ["--out", "o.csv"], 2, "has the suffix '.csv'"),
    ({"a": "ACG"}, ["--model", "nowhere"], 65, "is no model directory"),
]


@pytest.mark.parametrize(("records", "more", "code", "words"), REFUSED)
def test_what_is_refused_leaves_nothing(
    esm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], records: dict[str, str], more: list[str], code: int,
    words: str,
) -> None:  # fmt: skip
    assert run(esm, fasta(tmp_path / "s.fa", records), tmp_path / "o.npz", *more) == code
    told = capsys.readouterr().err.splitlines()[-1]
    assert words in told and told.startswith("ribolm-predict: error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["s.fa"]


@pytest.mark.parametrize(
    ("preset", "kind", "more", "code", "words"),
    [
        ("hyena-tiny", "hyena", ["--token-dropout"], 2, "has no effect"),
        ("convolution-101", "nucleotide", [], 65, "record 'long' has 102 tokens, but the model reads 101 at most"),
    ],
)
def test_what_a_model_cannot_do_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], preset: str, kind: str, more: list[str], code: int, words: str
) -> None:
    tokenizer = make_tokenizer(kind)
    save_model(tmp_path / "m", new_network(preset_config(preset, tokenizer), None, 1), tokenizer)
    path = fasta(tmp_path / "s.fa", {"short": "ACG", "long": "A" * 102})
    assert run(tmp_path / "m", path, tmp_path / "o.npz", *more) == code
    assert words in capsys.readouterr().err


def test_rna_is_repaired_as_everywhere(
    esm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_model: Callable[..., Path]
) -> None:
    assert run(esm, fasta(tmp_path / "s.fa", {"a": "acgtRA"}), tmp_path / "o.npz", "--level", "token") == 0
    assert "T read as U" in capsys.readouterr().err
    np.testing.assert_allclose(read(tmp_path / "o.npz")[1], expected(esm, "ACGUNA"), atol=1e-5)
    assert run(make_model(), fasta(tmp_path / "s.fa"), tmp_path / "p.npz") == 0  # of a fine-tuned model as well
