"""Folders of Nucleotide Transformer and DNABERT-2, and weights that were published as pickles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import Tensor, nn

from ribolm.alphabet import letters
from ribolm.errors import DataError, UsageError
from ribolm.models.conversion import convert_model
from ribolm.models.network import MASKED_LM
from ribolm.models.pickles import read_pickle
from ribolm.models.state import read_state
from ribolm.models.verification import verify_model
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.tokenizers import make_tokenizer

from .drawn import drawn_state
from .ports import assert_close, network_of, reference
from .test_nucleotide_transformer import TINY, TINY_V2, peer_of

WORDS = ["".join(word) for word in product("ATCG", repeat=6)]
VOCABULARY = ["<unk>", "<pad>", "<mask>", "<cls>", *WORDS, *"ATCGN"]
V1 = {**TINY, "vocab_size": 4105}
V2 = {**TINY_V2, "vocab_size": 4107}
Changes = dict[str, Tensor | None]
DECODER = "cls.predictions.decoder.weight"
EMBEDDING = "bert.embeddings.word_embeddings.weight"


def folder(path: Path, content: dict[str, Any], state: dict[str, Tensor], pickled: bool = False) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(content))
    if pickled:
        torch.save(state, path / "pytorch_model.bin")
    else:
        save_file(state, path / "model.safetensors", metadata={"format": "pt"})
    return path


def nucleotide_transformer(
    path: Path, content: dict[str, Any], pickled: bool = False, changes: Changes | None = None
) -> Path:
    """A folder as published: of the second version with a table of positions and frequencies in every layer."""
    state = dict(network_of(content, seed=3).state_dict())
    tokens = VOCABULARY
    if "add_bias_fnn" in content:
        frequencies = state.pop("esm.rotary_embeddings.inv_freq")
        for layer in range(2):
            state[f"esm.encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"] = frequencies.clone()
        state["esm.embeddings.position_embeddings.weight"] = torch.zeros(2050, 16)
        tokens = [*VOCABULARY, "<eos>", "<bos>"]
    state = {name: value for name, value in {**state, **(changes or {})}.items() if value is not None}
    found = folder(path, content, state, pickled)
    (found / "vocab.txt").write_text("\n".join(tokens))
    return found


def dnabert2(
    path: Path, pickled: bool = False, config: dict[str, Any] | None = None, changes: Changes | None = None
) -> Path:
    """A folder as published, the decoder stored beside the embedding matrix where it is a pickle."""
    content = {**reference("mosaicbert").config, "vocab_size": 14, "model_type": "bert", "pad_token_id": 0}
    state = dict(network_of(content, seed=3).state_dict())
    if pickled:
        state[DECODER] = state[EMBEDDING]
    state = {name: value for name, value in {**state, **(changes or {})}.items() if value is not None}
    found = folder(path, {**content, **(config or {})}, state, pickled)
    (found / "tokenizer.json").write_text(byte_pairs())
    return found


def byte_pairs() -> str:
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    merges = [("A", "A"), ("T", "A"), ("AA", "TA"), ("C", "C"), ("G", "G")]
    vocabulary = {word: i for i, word in enumerate([*specials, *"ACGT", *("".join(pair) for pair in merges)])}
    added = [
        dict(id=i, special=True, content=word, single_word=False, lstrip=False, rstrip=False, normalized=False)
        for i, word in enumerate(specials)
    ]
    model = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": merges}
    return json.dumps(
        {"version": "1.0", "added_tokens": added, "pre_tokenizer": {"type": "Whitespace"}, "model": model}
    )


def converted(source: Path) -> LoadedModel:
    convert_model(source, source.parent / "model")
    return load_model(source.parent / "model")


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "pickle"])
@pytest.mark.parametrize(("content", "left_out"), [(V1, 0), (V2, 2)], ids=["first", "second"])
def test_nucleotide_transformer_converts(
    tmp_path: Path, content: dict[str, Any], left_out: int, pickled: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    model = converted(nucleotide_transformer(tmp_path / "source", content, pickled))
    expected = network_of(content, seed=3).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.network.state_dict().items())
    assert len(model.manifest["parent"]["left_out"]) == left_out
    tokenizer = model.tokenizer
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids) == ((3,), ())
    assert tokenizer.encode(letters("aaaaaaCCN")).tolist() == [VOCABULARY.index(word) for word in ("A" * 6, *"CCN")]
    assert "chosen: tokenizer = chunk (that of Nucleotide Transformer, words of vocab.txt)" in capsys.readouterr().err


def test_a_folder_of_transformers_gives_the_same_logits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = network_of(V1, seed=3)
    peer = peer_of(network)
    peer.save_pretrained(tmp_path / "source")
    (tmp_path / "source" / "vocab.txt").write_text("\n".join(VOCABULARY))
    model = converted(tmp_path / "source")
    ids = torch.tensor([[3, 10, 11, 12, 13, 14]])
    batch = reference("mosaicbert").batch._replace(
        tokens=ids[0], cu_seqlens=torch.tensor([0, 6], dtype=torch.int32), lengths=(6,)
    )
    with torch.no_grad():
        assert_close(model.network(batch), peer(ids, attention_mask=torch.ones_like(ids)).logits[0])
    verify_model(model.directory, against_transformers=True)
    assert "hidden states and logits equal transformers' to" in capsys.readouterr().err


def test_classes_of_the_same_name_in_transformers_are_not_taken(tmp_path: Path) -> None:
    """Its BERT has no ALiBi, its ESM no gate."""
    for source in (dnabert2(tmp_path / "source"), nucleotide_transformer(tmp_path / "second", V2)):
        convert_model(source, tmp_path / f"{source.name}-model")
        with pytest.raises(UsageError, match=r"transformers has no .* of type"):
            verify_model(tmp_path / f"{source.name}-model", against_transformers=True)


@pytest.mark.parametrize("pickled", [False, True], ids=["decoder left out", "decoder stored too"])
def test_dnabert2_converts(tmp_path: Path, pickled: bool) -> None:
    model = converted(dnabert2(tmp_path / "source", pickled))
    assert model.manifest["parent"]["left_out"] == ([DECODER] if pickled else [])
    assert model.network.spec == MASKED_LM
    tokenizer = model.tokenizer
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids, tokenizer.pad_id, tokenizer.mask_id) == ((1,), (2,), 3, 4)
    assert tokenizer.encode(letters("AATACC")).tolist() == [11, 12]
    assert model.network.config.to_dict()["pad_token_id"] == 3


def test_a_fine_tuned_classifier_converts(tmp_path: Path) -> None:
    parts: Changes = {
        "bert.pooler.dense.weight": torch.zeros(24, 24), "bert.pooler.dense.bias": torch.zeros(24),
        "classifier.weight": torch.ones(2, 24), "classifier.bias": torch.tensor([1.0, 2.0]),
        "cls.predictions.decoder.bias": None,
    }  # fmt: skip
    parts |= {
        f"cls.predictions.transform.{name}.{part}": None
        for name in ("dense", "LayerNorm")
        for part in ("weight", "bias")
    }
    model = converted(dnabert2(tmp_path / "source", config={"id2label": {"0": "no", "1": "yes"}}, changes=parts))
    assert model.task is not None
    assert (model.task["level"], model.task["labels"], model.task["pooling"]) == ("sequence", ["no", "yes"], "cls")
    with torch.no_grad():
        batch = reference("mosaicbert").batch
        short = batch._replace(tokens=batch.tokens % 14)
        assert torch.equal(model.network(short), torch.tensor([[1.0, 2.0]]).expand(3, 2))


class Shared(nn.Module):
    """Embedding and decoder as one tensor under two names."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.state = nn.ParameterDict({name.replace(".", "/"): nn.Parameter(value) for name, value in state.items()})
        self.state[DECODER.replace(".", "/")] = self.state[EMBEDDING.replace(".", "/")]


def test_tensors_stored_once_for_several_names_are_found(tmp_path: Path) -> None:
    save_model(Shared({EMBEDDING: torch.ones(4, 2), "other": torch.zeros(1)}), str(tmp_path / "shared.safetensors"))
    state = {
        name.replace("/", ".").removeprefix("state."): value
        for name, value in read_state(tmp_path / "shared.safetensors").items()
    }
    assert set(state) == {EMBEDDING, DECODER, "other"}
    assert torch.equal(state[EMBEDDING], state[DECODER])


@pytest.mark.parametrize(
    ("family", "changes", "told"),
    [
        ("first", {"lm_head.decoder.weight": None}, r"missing \(lm_head.decoder.weight\)"),
        ("first", {"esm.embeddings.position_embeddings.weight": None}, r"missing \(esm.embeddings.position_emb"),
        ("second", {"esm.encoder.layer.0.output.dense.bias": torch.zeros(16)}, r"unknown \(esm.encoder.layer.0.out"),
        (
            "second",
            {"esm.encoder.layer.1.intermediate.dense.weight": torch.zeros(24, 16)},
            r"\(24, 16\) instead of \(48",
        ),
        ("dnabert2", {"bert.encoder.layer.0.mlp.gated_layers.weight": None}, r"missing \(bert.encoder.layer.0.mlp.gat"),
        (
            "dnabert2",
            {"bert.embeddings.position_embeddings.weight": torch.zeros(4, 24)},
            r"unknown \(bert.embeddings.p",
        ),
        ("dnabert2", {"cls.predictions.transform.dense.bias": None}, r"missing \(cls.predictions.transform.dense.bias"),
    ],
)
def test_wrong_weights_are_refused_by_name(
    tmp_path: Path, family: str, changes: dict[str, Tensor | None], told: str
) -> None:
    if family == "dnabert2":
        source = dnabert2(tmp_path / "source", changes=changes)
    else:
        source = nucleotide_transformer(tmp_path / "source", V1 if family == "first" else V2, changes=changes)
    with pytest.raises(DataError, match=told):
        convert_model(source, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    source = nucleotide_transformer(tmp_path / "source", V1)
    with pytest.raises(DataError, match="not the 'chunk' tokenizer's"):
        convert_model(source, tmp_path / "model", make_tokenizer("chunk"))
    (source / "vocab.txt").unlink()
    with pytest.raises(DataError, match=r"lacks vocab\.txt, the vocabulary of Nucleotide Transformer"):
        convert_model(source, tmp_path / "model")


def test_weights_are_found_in_shards(tmp_path: Path) -> None:
    source = nucleotide_transformer(tmp_path / "source", V1, pickled=True)
    state = torch.load(source / "pytorch_model.bin", weights_only=True)
    names = sorted(state)
    for number, part in enumerate((names[:9], names[9:])):
        torch.save({name: state[name] for name in part}, source / f"part-{number}.bin")
    (source / "pytorch_model.bin").unlink()
    places = {name: f"part-{int(i >= 9)}.bin" for i, name in enumerate(names)}
    (source / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    model = converted(source)
    assert set(model.manifest["parent"]["sha256"]) == {"part-0.bin", "part-1.bin"}


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('code of the file has run')",))


@pytest.fixture(params=["code", "cut", "list", "number", "nan", "empty"])
def bad_pickle(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    path = tmp_path / "pytorch_model.bin"
    content, told = {
        "code": ({"a": Hostile()}, "asks for more than weights"),
        "cut": ({"a": torch.zeros(100)}, "is cut short or no file of weights"),
        "list": ([torch.zeros(2)], "holds no weights"),
        "number": ({"a": torch.zeros(2), "step": 3}, "step is no tensor"),
        "nan": ({"a": torch.tensor([np.nan])}, "weight a holds NaN"),
        "empty": ({}, "holds no weights"),
    }[request.param]
    torch.save(content, path)
    if request.param == "cut":
        path.write_bytes(path.read_bytes()[:-300])
    yield path, told


def test_bad_pickles_are_refused_without_running_them(bad_pickle: tuple[Path, str]) -> None:
    path, told = bad_pickle
    with pytest.raises(DataError, match=told):
        read_pickle(path)


def test_weights_of_a_training_checkpoint_are_found(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2, dtype=torch.float64)}, "epoch": 3}, tmp_path / "weights.ckpt")
    found = read_pickle(tmp_path / "weights.ckpt")
    assert found.state["a"].dtype == torch.float32 and found.beside == {"epoch": 3}


def test_drawn_weights_do_not_change() -> None:
    """The references in tests/data/parity stand on them."""
    state = drawn_state({"a.weight": (2,), "norm.weight": (1,)}, seed=11)
    assert state["a.weight"].tolist() == pytest.approx([-0.2987625, 0.2542915])
    assert state["norm.weight"].tolist() == pytest.approx([0.8439624])
