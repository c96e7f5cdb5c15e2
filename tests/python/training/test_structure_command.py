"""ribolm-train structure from the command line: a model with its threshold, exact resume, bad input."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.labels import main as labels
from ribolm.cli.train import main
from ribolm.labels.structure.dot_bracket import write_dot_bracket
from ribolm.labels.structure.pairs import Structure
from ribolm.models.weights import load_model
from ribolm.training import faults
from ribolm.training.recipes import pair_decoding

Train = Callable[..., int]
SHAPE = {"width": 8, "dilations": "1,2", "side-width": 8, "side-depth": 1, "map-width": 4}


def hairpins(n: int, seed: int) -> list[Structure]:
    """RNAs of one hairpin each, between tails of various length."""
    random = np.random.default_rng(seed)
    mate = dict(zip("ACGU", "UGCA", strict=True))
    found = []
    for number in range(n):
        arm = random.choice(list("ACGU"), 7).tolist()
        head, tail = (random.choice(list("ACGU"), random.integers(1, 9)).tolist() for _ in range(2))
        text = "".join([*head, *arm, *"GAAA", *(mate[base] for base in reversed(arm)), *tail])
        pairs = [(len(head) + k, len(head) + 17 - k) for k in range(7)]
        found.append(Structure.from_pairs(f"{seed}_{number}", text, pairs))
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train and dev, with pair lists; plain without."""
    folder = tmp_path_factory.mktemp("structures")
    for name, n, seed, more in (("train", 24, 1, []), ("dev", 8, 2, []), ("plain", 8, 3, ["--no-thermodynamics"])):
        write_dot_bracket(folder / f"{name}.dbn", hairpins(n, seed))
        assert (
            labels(["structures", "--structures", str(folder / f"{name}.dbn"), "--out", str(folder / name), *more]) == 0
        )
    return folder


@pytest.fixture
def train(data: Path, tmp_path: Path) -> Train:
    """Run the command on the stores, tiny and on the CPU; further options replace those."""

    def run(*options: str, command: str = "structure", **changes: object) -> int:
        standard = {
            "store": data / "train", "dev": data / "dev", "out": tmp_path / "model", "steps": 4, "device": "cpu",
            "checkpoint-dir": tmp_path / "checkpoints", "tokens-per-step": 200, "preset": "tiny", **SHAPE,
        }  # fmt: skip
        chosen = {**standard, **{name.replace("_", "-"): value for name, value in changes.items()}}
        named = [text for name, value in chosen.items() if value is not None for text in (f"--{name}", str(value))]
        return main([*command.split(), *named, *options])

    return run


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_model_comes_out_with_its_threshold_and_what_it_was_shown(train: Train, tmp_path: Path, capsys) -> None:
    assert train(steps=30) == 0
    said = capsys.readouterr()
    model = load_model(tmp_path / "model")
    task = model.task
    assert task is not None and model.network.spec is not None
    assert (task["task"], task["level"]) == ("structure", "structure")
    assert task["pair_map"]["dilations"] == [1, 2] and "thermodynamics" in task["channels"]
    assert task["thermodynamics"]["parameters"] == ["rna_turner2004"]
    number = {"greedy": "threshold", "expected_f1": "recall_weight"}[task["decoding"]]
    assert task["dev_n"] == 8 and task[number] > 0 and 0 < task["threshold"] < 1 and task["dev_f1"] > 0.5
    assert {f"{number}_without", "dev_f1_without"} <= task.keys()
    assert f"{number.replace('_', ' ')} = {task[number]}" in said.err and "chosen: memory" in said.err
    assert "best f1 on dev" in said.out
    assert model.manifest["kind"] == "structure" and "dev" in model.manifest["data"]
    assert train("--steps", "30", command="key structure") == 0
    assert capsys.readouterr().out.strip() == model.manifest["key"]


def test_dev_chooses_for_rnas_longer_than_those_trained_on_apart(train: Train, tmp_path: Path, monkeypatch) -> None:
    assert train("--max-nt", "26", steps=8) == 0
    together = load_model(tmp_path / "model").task
    assert together is not None and together["dev_n"] == 8 and "within_nt" not in together
    monkeypatch.setattr(pair_decoding, "LEAST_RNAS", 2)
    assert train("--max-nt", "26", steps=8, out=tmp_path / "apart") == 0
    task = load_model(tmp_path / "apart").task
    assert task is not None and task["within_nt"] == task["trained_nt"]["longest"] <= 26
    assert task["dev_n"] + task["dev_n_beyond"] == task["dev_n_without"] == 8 and 2 <= task["dev_n"] <= 6
    shares = [task.get(f"program_share{suffix}", 0) for suffix in ("", "_beyond")]
    assert max(shares) > 0, "ViennaRNA knows hairpins better than 8 steps teach them"
    assert "program_share_without" not in task


def test_a_model_that_reads_attention_says_so(train: Train, tmp_path: Path, capsys) -> None:
    assert train("--attention", steps=4) == 0
    task = load_model(tmp_path / "model").task
    assert task is not None and task["pair_map"]["attention"] and "attention" in task["channels"]


def test_out_of_memory_while_decoding_is_chosen_asks_for_another_try(train: Train, capsys) -> None:
    options = {"tokens_per_micro_batch": 200}
    faults.plan("decision.batch@1=oom")
    assert train(**options) == 75
    assert "100 are taken then" in capsys.readouterr().err
    faults.plan("")
    assert train(**options) == 0


def test_a_run_cut_short_goes_on_bit_for_bit(train: Train, tmp_path: Path, capsys) -> None:
    options = {"steps": 6, "checkpoint_every_steps": 2, "dev": None, "dev_share": 0}
    assert train(**options) == 0
    assert "no RNA is held out" in capsys.readouterr().err
    whole = sha256(tmp_path / "model/model.safetensors")
    again = {**options, "out": tmp_path / "cut", "checkpoint_dir": tmp_path / "other"}
    faults.plan("step.forward@4=full")
    assert train(**again) == 1
    faults.plan("")
    assert list((tmp_path / "other").glob("step-*"))
    assert train(**again) == 0
    assert "Resumed after step" in capsys.readouterr().err
    assert sha256(tmp_path / "cut/model.safetensors") == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"dev": None, "dev_share": 0.4, "lora": 2},
        {"freeze": 2, "crop_tokens": 20, "downsampling": 1},
        {"tokens_per_micro_batch": 30, "max_nt": 30},
    ],
)
def test_other_ways_to_train(train: Train, tmp_path: Path, changes: dict) -> None:
    assert train(steps=2, **changes) == 0
    assert load_model(tmp_path / "model").manifest["steps"] == 2


def test_a_pretrained_backbone_is_kept_where_it_is_frozen(train: Train, tmp_path: Path) -> None:
    from ribolm.models.initial import write_initial_model
    from ribolm.sequences.tokenizers import make_tokenizer

    write_initial_model(tmp_path / "start", "tiny", make_tokenizer("nucleotide"), 5)
    assert train(preset=None, init=tmp_path / "start", freeze=2) == 0
    before, after = (load_model(tmp_path / name, None).network.state_dict() for name in ("start", "model"))
    assert all(before[name].equal(after[name]) for name in before)


def test_training_without_the_folding_program(train: Train, data: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pair_decoding, "LEAST_RNAS", 1)
    assert train("--no-thermodynamics", "--max-nt", "26", store=data / "plain", dev=None, dev_share=0.4) == 0
    task = load_model(tmp_path / "model").task
    assert task is not None and task["channels"] == ["pair_types", "distances", "states"]
    assert not [name for name in task if name.endswith(("_without", "_beyond")) or name == "within_nt"]


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"store": "PLAIN"}, 65, "has no pair probabilities"),
        ({"dev": "PLAIN"}, 65, "has no pair probabilities"),
        ({"dilations": "1,two"}, 2, "--dilations 1,two are no numbers"),
        ({"downsampling": 3}, 65, "downsampled by 1, 2, 4"),
        ({"dev_share": 0.2}, 2, "--dev is the store of dev"),
        ({"fold": 3}, 2, "--fold 3 has no effect: --dev is the store of dev"),
        ({"folds": "f.tsv"}, 2, "--folds f.tsv has no effect"),
        ({"fold": 1, "dev": None}, 2, "--fold needs --folds"),
        ({"max_nt": 5}, 65, "no RNA is left"),
        ({"preset": "hyena-tiny"}, 2, "has the tokenizer hyena"),
        ({"preset": None}, 2, "--preset or --init"),
    ],
)
def test_bad_input_is_refused(train: Train, data: Path, tmp_path: Path, capsys, changes, code, sentence) -> None:
    assert train(**{name: data / "plain" if value == "PLAIN" else value for name, value in changes.items()}) == code
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said and not (tmp_path / "model").exists()


def test_a_share_of_nothing_is_refused(train: Train, tmp_path: Path, capsys) -> None:
    assert train("--no-thermodynamics", hidden_share=0.9) == 2
    assert "--hidden-share 0.9 has no effect" in capsys.readouterr().err and not (tmp_path / "model").exists()


def test_training_that_will_not_fit_is_refused_before_it_starts(train: Train, monkeypatch, capsys) -> None:
    monkeypatch.setattr("ribolm.training.recipes.pair_memory.available_bytes", lambda _device: (10**8, "memory"))
    assert train() == 2
    assert "Training will need" in capsys.readouterr().err


def test_dev_rnas_that_no_option_cuts_are_counted(
    train: Train, data: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    long = Structure.from_pairs("long", "GGGGCCACGAAAGUGGCCCC" + "A" * 1_500, [(k, 19 - k) for k in range(8)])
    write_dot_bracket(tmp_path / "long.dbn", [long])
    store = ["--structures", str(tmp_path / "long.dbn"), "--out", str(tmp_path / "long"), "--no-thermodynamics"]
    assert labels(["structures", *store]) == 0
    options = {"store": data / "plain", "dev": tmp_path / "long", "crop_tokens": 20, "steps": 1}
    assert train("--no-thermodynamics", **options) == 0
    told = re.findall(r"memory(?: of dev)? = ([0-9.]+) of", capsys.readouterr().err)
    training, dev = (float(size) * 1e9 for size in told[:2])
    assert dev > training + 2e7
    monkeypatch.setattr(
        "ribolm.training.recipes.pair_memory.available_bytes", lambda _device: (int((training + dev) / 1.9), "memory")
    )
    assert train("--no-thermodynamics", **options, out=tmp_path / "other", checkpoint_dir=tmp_path / "anew") == 2
    assert "an RNA of dev of 1,522 nt will need" in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_what_training_keeps_is_what_was_told() -> None:
    import torch

    from ribolm.models.heads import HeadSpec
    from ribolm.models.network import new_network
    from ribolm.models.pair_maps.configuration import PairMapConfig
    from ribolm.models.pair_maps.folding import fold
    from ribolm.models.presets import preset_config
    from ribolm.models.ragged import pack
    from ribolm.sequences.tokenizers import make_tokenizer
    from ribolm.training.recipes.pair_memory import pair_map_bytes

    shape = PairMapConfig((4, 5, 6, 7))
    network = new_network(preset_config("tiny", make_tokenizer("nucleotide")), HeadSpec("structure", pair_map=shape), 1)
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    n = 150
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = next(fold(network, pack([np.full(n + 2, 5)]), [None]))
        logits.log_probability(torch.full((n,), -1)).sum()
    told = pair_map_bytes(shape, n * n)
    assert 0.6 * told < sum(kept.values()) < told, json.dumps([sum(kept.values()), told])
