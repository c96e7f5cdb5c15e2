"""`ribolm-predict contacts`: what the fitted head says, as tables and matrices."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.cli.predict import main
from ribolm.inference import contacts
from ribolm.inference.contact_files import contact_pairs
from ribolm.models.attention_features import attention_features
from ribolm.models.contact_head import set_contact_head
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

RECORDS = {"a": "ACGUNACGUUAGCGGAU", "b": "GG", "c": "GGGGCCAAAAGGCCCC", "d": "ACGUNACGUUAGCGGAU"}
WEIGHTS = torch.tensor([6.0, 0.0, -3.0, 8.0])
BIAS = -0.4
HEADER = "name\ti0\tj0\tprobability"


def save_fitted(directory: Path, token_dropout: bool = False, kind: str = "esm") -> Path:
    """A tiny encoder with a contact head as `ribolm-train contacts` would leave it."""
    tokenizer = make_tokenizer(kind)
    config = replace(preset_config("tiny", tokenizer), token_dropout=True, initializer_range=0.3)
    plain = load_model(save_model(directory.with_name("plain"), new_network(config, MASKED_LM, 1), tokenizer))
    manifest = set_contact_head(plain, WEIGHTS, BIAS, {"separation": 6, "token_dropout": token_dropout})
    return save_model(directory, plain.network, tokenizer, manifest=manifest)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_fitted(tmp_path_factory.mktemp("fitted") / "m")


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(
        out: str, *more: str, records: dict[str, str] = RECORDS, model: Path | str = fitted
    ) -> tuple[int, str, str]:
        path = tmp_path / "s.fa"
        path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records.items()))
        places = ["--model", str(model), "--sequences", str(path), "--out", str(tmp_path / out)]
        code = main(["contacts", *places, "--device", "cpu", *more])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@torch.no_grad()
def expected(model: Path, letters: str, token_dropout: bool = False) -> np.ndarray:
    """Probabilities [L, L] from features of every pair."""
    loaded = load_model(model)
    loaded.network.encoder.embeddings.token_dropout = token_dropout
    inner = loaded.tokenizer.encode(np.frombuffer(letters.encode(), dtype=np.uint8))
    pairs = torch.cartesian_prod(torch.arange(len(letters)), torch.arange(len(letters)))
    features = attention_features(loaded.network, torch.tensor([0, *inner, 2]), pairs)
    return (features @ WEIGHTS + BIAS).sigmoid().view(len(letters), -1).numpy()


def test_a_table_has_the_pairs_that_are_far_apart_and_likely(call: Call, fitted: Path, tmp_path: Path) -> None:
    code, out, err = call("o.tsv", "--threshold", "0.4")
    assert code == 0 and "chosen: memory" in err and "2 nt" not in err
    lines = (tmp_path / "o.tsv").read_text().splitlines()
    rows = []
    for name, letters in RECORDS.items():
        matrix = expected(fitted, letters)
        for i in range(len(letters)):
            rows += [(name, i, j, matrix[i, j]) for j in range(i + 6, len(letters)) if matrix[i, j] >= 0.4]
    assert lines[0] == HEADER and len(lines) - 1 == len(rows) > 20 and f"{len(rows)} pairs" in out
    for line, (name, i, j, chance) in zip(lines[1:], rows, strict=True):
        words = line.split("\t")
        assert words[:3] == [name, str(i), str(j)] and float(words[3]) == pytest.approx(chance, abs=2e-6)
    facts = json.loads((tmp_path / "o.tsv.json").read_text())
    assert facts["contacts"]["tokenizer"]["mapping"] == "KDNY" and facts["threshold"] == 0.4
    assert (facts["model_sha256"], facts["token_dropout"]) == (load_model(fitted).sha256, False)


def test_parquet_has_the_same_pairs(call: Call, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for out in ("o.tsv", "o.parquet"):
        assert call(out, "--separation", "1", "--threshold", "0")[0] == 0
    table = pq.read_table(tmp_path / "o.parquet")
    rows = zip(*(table[name].to_pylist() for name in HEADER.split("\t")), strict=True)
    lines = [f"{name}\t{i}\t{j}\t{chance:.6f}" for name, i, j, chance in rows]
    assert lines == (tmp_path / "o.tsv").read_text().splitlines()[1:]
    assert len(lines) == sum(len(letters) * (len(letters) - 1) // 2 for letters in RECORDS.values())
    assert json.loads(table.schema.metadata[b"ribolm"])["token_dropout"] is False


def test_a_folder_has_whole_matrices(call: Call, fitted: Path, tmp_path: Path) -> None:
    assert call("o")[0] == 0
    index = [line.split("\t") for line in (tmp_path / "o" / "index.tsv").read_text().splitlines()]
    assert index[0] == ["file", "name", "length_nt"] and [row[1] for row in index[1:]] == list(RECORDS)
    for file, name, length in index[1:]:
        found = np.load(tmp_path / "o" / file)
        assert (str(found["name"]), str(found["letters"])) == (name, RECORDS[name]) and int(length) == len(
            RECORDS[name]
        )
        np.testing.assert_allclose(found["probabilities"], expected(fitted, RECORDS[name]), atol=1e-6)
    assert call("o", records={"z": "ACGU"})[0] == 0  # of the same kind: replaced
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["000001.npz", "about.json", "index.tsv"]


@pytest.mark.parametrize("content", ["file\tname\tlength_nt\n2024_run.npz\ta\t4\n", "sample\tvalue\n"])
def test_a_folder_of_something_else_is_left_as_it_is(call: Call, tmp_path: Path, content: str) -> None:
    theirs = {"index.tsv": content, "2024_run.npz": "theirs"}
    (tmp_path / "o").mkdir()
    for name, text in theirs.items():
        (tmp_path / "o" / name).write_text(text)
    code, _, err = call("o")
    assert code == 65 and "something else than contacts" in err
    assert {path.name: path.read_text() for path in (tmp_path / "o").iterdir()} == theirs


def test_a_file_put_among_matrices_stays(call: Call, tmp_path: Path) -> None:
    assert call("o")[0] == 0
    (tmp_path / "o" / "2024_run.npz").write_text("theirs")
    assert call("o", records={"z": "ACGU"})[0] == 0
    assert (tmp_path / "o" / "2024_run.npz").read_text() == "theirs"


def test_what_else_is_predicted_changes_no_bit(call: Call, tmp_path: Path) -> None:
    assert call("all.tsv", "--threshold", "0")[0] == 0
    lines = (tmp_path / "all.tsv").read_text().splitlines()[1:]
    assert [line[1:] for line in lines if line[0] == "a"] == [line[1:] for line in lines if line[0] == "d"]
    assert call("one.tsv", "--threshold", "0", records={"c": RECORDS["c"]})[0] == 0
    assert [line for line in lines if line[0] == "c"] == (tmp_path / "one.tsv").read_text().splitlines()[1:]


def test_token_dropout_is_that_of_the_fit(call: Call, tmp_path: Path) -> None:
    model = save_fitted(tmp_path / "with" / "m", token_dropout=True)
    code, _, err = call("o", model=model, records={"c": RECORDS["c"]})
    assert code == 0 and "chosen: token dropout = on (as the contact head was fitted)" in err
    found = np.load(tmp_path / "o" / "000001.npz")["probabilities"]
    np.testing.assert_allclose(found, expected(model, RECORDS["c"], token_dropout=True), atol=1e-6)
    assert np.abs(found - expected(model, RECORDS["c"])).max() > 1e-4


@pytest.mark.parametrize("out", ["o.tsv", "o.parquet", "o"])
def test_no_record_is_a_valid_empty_result(call: Call, tmp_path: Path, out: str) -> None:
    assert call(out, records={})[0] == 0
    assert (tmp_path / out).exists()
    if out == "o.tsv":
        assert (tmp_path / out).read_text() == HEADER + "\n"


def test_no_pair_is_a_valid_empty_table(call: Call, tmp_path: Path) -> None:
    assert call("o.tsv", "--threshold", "1")[0] == 0
    assert (tmp_path / "o.tsv").read_text() == HEADER + "\n"


def test_thresholds_hold_at_their_bounds() -> None:
    logits = np.full((8, 8), -200.0, dtype=np.float32)
    logits[0, 7] = logits[7, 0] = 0.0
    assert [len(contact_pairs(logits, threshold, 6)[0]) for threshold in (0.0, 1e-9, 0.5, 0.5001, 1.0)] == [
        3,
        1,
        1,
        0,
        0,
    ]
    pairs, chance = contact_pairs(logits, 0.5, 6)
    assert pairs.tolist() == [[0, 7]] and chance.tolist() == [0.5]


def test_a_head_that_was_not_fitted_on_rna_is_refused(call: Call, fitted: Path, tmp_path: Path) -> None:
    code, _, err = call("o.tsv", model=fitted.with_name("plain"))
    assert code == 65 and "has no contact head fitted on RNA (one that came with ESM-2 is for proteins)" in err
    assert not (tmp_path / "o.tsv").exists()


def test_a_head_of_other_weights_is_refused(call: Call, fitted: Path, tmp_path: Path) -> None:
    loaded = load_model(fitted)
    loaded.network.encoder.embeddings.word_embeddings.weight.data[5] += 1
    save_model(tmp_path / "other", loaded.network, loaded.tokenizer, manifest=loaded.manifest)
    code, _, err = call("o.tsv", model=tmp_path / "other")
    assert code == 65 and "was fitted for other weights" in err


@pytest.mark.parametrize(
    ("preset", "kind", "code", "words"),
    [("hyena-tiny", "hyena", 2, "has no attention"), ("tiny", "chunk", 65, "its tokens are not single bases")],
)
def test_models_that_join_no_bases_are_refused(
    call: Call, tmp_path: Path, preset: str, kind: str, code: int, words: str
) -> None:
    tokenizer = make_tokenizer(kind)
    save_model(tmp_path / "m", new_network(preset_config(preset, tokenizer), None, 1), tokenizer)
    found, _, err = call("o.tsv", model=tmp_path / "m")
    assert found == code and words in err


@pytest.mark.parametrize(
    ("out", "records", "code", "words"),
    [
        ("o.csv", RECORDS, 2, "has the suffix '.csv'"),
        ("o.tsv", {"a": "AC-GU"}, 65, "is a gap"),
        ("o.tsv", {"a": "MKVL"}, 65, "not a protein"),
    ],
)
def test_what_is_refused_leaves_nothing(
    call: Call, tmp_path: Path, out: str, records: dict[str, str], code: int, words: str
) -> None:
    found, _, err = call(out, records=records)
    assert found == code and words in err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["s.fa"]


def test_too_little_memory_is_told_before_anything_is_computed(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(contacts, "available_bytes", lambda _device: (1_000_000_000, "memory of the machine"))
    code, _, err = call("o.tsv", records={"a": "ACGU" * 10_000})
    assert code == 2 and "Contacts of 40,000 nt will need" in err and "1.0 GB are free" in err
    assert not (tmp_path / "o.tsv").exists()
