"""A model of mapped nucleotides takes the ids of its mapping and no others, from whatever way they come."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.errors import DataError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.mapped_ids import MappedIds
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.recipes.assembly import Start


def mapped(mapping: str = "KDNY") -> Network:
    return new_network(preset_config("tiny", make_tokenizer("esm", mapping=mapping)), MASKED_LM, seed=1).eval()


def protein(text: str) -> np.ndarray:
    """Ids of a text read as a protein, cls and eos around it."""
    tokens = make_tokenizer("esm").tokens
    return np.array([0, *(tokens.index(letter) for letter in text), 2])


@pytest.mark.parametrize("mapping", ["KDNY", "KEDR", "unmapped", "WFHM"])
def test_what_the_mapping_gives_is_taken(mapping: str) -> None:
    tokenizer = make_tokenizer("esm", mapping=mapping, aligned=True)
    ids = tokenizer.encode(np.frombuffer(b"ACGUTNRYacgun-", dtype=np.uint8))
    mapped(mapping)(pack([np.r_[0, ids, 32, 1, 2]]))


def test_rna_read_as_a_protein_is_refused() -> None:
    """Under KDNY bases give themselves away; a raw N would be C, which the table of letters alone prevents."""
    with pytest.raises(DataError, match=r"Token id 5 \(A\) is not of mapping KDNY, which gives 0, 1, 2, 13, 15"):
        mapped()(pack([protein("ACGT")]))
    mapped()(pack([protein("N")]))
    assert make_tokenizer("esm").encode(np.frombuffer(b"N", dtype=np.uint8)).tolist() == [24]


@pytest.mark.parametrize(
    ("of", "fed"), [("KDNY", "KEDR"), ("KEDR", "KDNY"), ("unmapped", "KDNY"), ("KDNY", "unmapped")]
)
def test_ids_of_another_mapping_are_refused_on_every_way_in(of: str, fed: str) -> None:
    network = mapped(of)
    ids = make_tokenizer("esm", mapping=fed).encode(np.frombuffer(b"ACGU", dtype=np.uint8))
    batch = pack([np.r_[0, ids, 2]])
    for way in (
        lambda: network(batch),
        lambda: network(batch, torch.tensor([1])),
        lambda: network.encoder(batch),
        lambda: network.encoder(batch, network.encoder.embed(batch)),
        lambda: network.encoder(batch, on_attention=lambda *_: None),
    ):
        with pytest.raises(DataError, match=f"is not of mapping {of}"):
            way()


def test_unknown_tokens_are_refused_and_further_ones_may_be_admitted() -> None:
    network, batch = mapped(), pack([np.array([0, 15, 3, 2])])
    with pytest.raises(DataError, match=r"Token id 3 \(<unk>\)"):
        network(batch)
    network.encoder.mapped_ids = network.encoder.mapped_ids.with_more([3])
    network(batch)


def test_models_without_a_mapping_take_any_id() -> None:
    for kind in ("nucleotide", "rna", "kmer"):
        config = preset_config("tiny", make_tokenizer(kind))
        assert isinstance(config, EncoderConfig) and MappedIds.of(config) is None
        assert "nucleotide_mapping" not in config.to_dict()


def test_every_file_of_a_model_names_its_mapping(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("esm", mapping="KEDR")
    config = preset_config("tiny", tokenizer)
    from ribolm.models.heads import HeadSpec

    task = {"task": "any", "level": "sequence", "labels": ["any"], "pooling": "mean"}
    save_model(tmp_path, new_network(config, HeadSpec("sequence"), seed=1), tokenizer, task)
    told = {
        name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("config", "task", "manifest", "vocab")
    }
    assert told["config"]["nucleotide_mapping"] == "KEDR"
    assert (told["task"]["mapping"], told["task"]["tokenizer"]["mapping"], told["task"]["token_dropout"]) == (
        "KEDR",
        "KEDR",
        False,
    )
    assert (told["manifest"]["mapping"], told["vocab"]["mapping"]) == ("KEDR", "KEDR")
    assert load_model(tmp_path).mapping == "KEDR"


def test_a_directory_that_names_no_mapping_has_that_of_its_vocabulary(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("esm", mapping="KEDR")
    config = preset_config("tiny", tokenizer)
    assert isinstance(config, EncoderConfig)
    save_model(tmp_path, new_network(replace(config, nucleotide_mapping=None), MASKED_LM, seed=1), tokenizer)
    assert load_model(tmp_path).mapping == "KEDR"


def test_weights_and_ids_of_different_mappings_do_not_meet(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("esm", mapping="KEDR")
    network = new_network(preset_config("tiny", tokenizer), MASKED_LM, seed=1)
    with pytest.raises(
        DataError, match=r"of mapping KEDR by their config.json, but the tokenizer gives the ids of KDNY"
    ):
        save_model(tmp_path, network, make_tokenizer("esm"))
    save_model(tmp_path, network, tokenizer)
    for other in ("KDNY", "unmapped"):
        with pytest.raises(DataError, match=rf"\(esm, mapping KEDR\) than that of the store \(esm, mapping {other}\)"):
            Start(init=tmp_path).load(make_tokenizer("esm", mapping=other), "masked_lm")
