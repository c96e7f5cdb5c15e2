"""The transfer, exercised from end to end: one set of random weights, saved as fair-esm, RESM, Lightning and
transformers save theirs, goes unchanged through convert, map, continued pretraining and what reads the model then.

No published weights are at hand; where they are, the same commands take them (docs/tutorials/resm_weights.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.cli import evaluate, labels, predict, tokenize, train, weights
from ribolm.files import sha256_of
from ribolm.models.presets import ESM2_PARAMETERS
from ribolm.models.weights import load_model

from ..models.upstream import LAYOUTS, fair_esm_state, write_layout

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TINY, ESM2_8M = (2, 40, 4), (6, 320, 20)
STEPS = 3


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RNAs of two types, one of them longer than a crop."""
    path, chance = tmp_path_factory.mktemp("rna") / "rna.fa", np.random.default_rng(1)
    lengths = [*chance.integers(30, 80, 40).tolist(), 1500]
    records = [
        f">r{i} {'tRNA' if i % 2 else 'rRNA'}\n{''.join(chance.choice(list('ACGU'), n))}\n"
        for i, n in enumerate(lengths)
    ]
    path.write_text("".join(records))
    return path


def run(main: Callable[[list[str]], int], *words: object) -> None:
    assert main([str(word) for word in words]) == 0


def converted(folder: Path, layout: str, shape: tuple[int, int, int], seed: int = 7) -> Path:
    source = write_layout(folder / "source", layout, fair_esm_state(*shape, seed=seed), *shape)
    opt_in = ["--allow-pickle"] if layout == "Lightning .ckpt" else []
    run(weights.main, "convert", "--from", source, "--out", folder / "converted", "--mapping", "KDNY", *opt_in)
    return folder / "converted"


def pretrained(folder: Path, store: Path, init: Path, *more: object) -> Path:
    where = ["--store", store, "--init", init, "--out", folder / "model", "--checkpoint-dir", folder / "checkpoints"]
    how = ["--steps", STEPS, "--tokens-per-step", 1500, "--dev-share", 0.1, "--learning-rate", 1e-3, "--device", "cpu"]
    run(train.main, "pretrain", *where, *how, *more)
    return folder / "model"


def hairpins(folder: Path) -> Path:
    """Twelve RNAs that fold back on themselves, as dot-bracket and FASTA (known.fa)."""
    chance, lines, letters = np.random.default_rng(3), [], []
    for number in range(12):
        stem = "".join(chance.choice(list("ACGU"), 10))
        back = stem[::-1].translate(str.maketrans("ACGU", "UGCA"))
        letters += [f">h{number}", f"{stem}GAAA{back}"]
        lines += [*letters[-2:], f"{'(' * 10}....{')' * 10}"]
    (folder / "known.fa").write_text("\n".join([*letters, ""]))
    (folder / "known.dbn").write_text("\n".join([*lines, ""]))
    return folder / "known.dbn"


def readings(folder: Path, model: Path, fasta: Path) -> dict[str, str]:
    """Digest of what every command makes of a model that was transferred."""
    asked = ["--sequences", fasta, "--device", "cpu"]
    run(evaluate.main, "perplexity", "--model", model, *asked, "--outdir", folder / "perplexity", "--draws", 20)
    run(predict.main, "embed", "--model", model, *asked, "--out", folder / "embeddings.npz")
    known, short = hairpins(folder), ["--sequences", folder / "known.fa", "--device", "cpu"]
    fitted = ["--structures", known, "--out", folder / "contact_model", "--n", 10, "--device", "cpu"]
    run(train.main, "contacts", "--model", model, *fitted)
    run(predict.main, "contacts", "--model", folder / "contact_model", *short, "--out", folder / "contacts.tsv")
    run(labels.main, "structures", "--structures", known, "--out", folder / "known", "--tokenizer", "esm")
    tuned = ["--store", folder / "known", "--init", model, "--out", folder / "tuned", "--attention"]
    small = ["--width", 8, "--dilations", "1,2", "--side-width", 8, "--map-width", 4, "--tokens-per-step", 60]
    rest = ["--checkpoint-dir", folder / "checkpoints_tuned", "--steps", 2, "--dev-share", 0.2, "--device", "cpu"]
    run(train.main, "structure", *tuned, *small, *rest)
    run(predict.main, "structure", "--model", folder / "tuned", *short, "--out", folder / "structures.dbn")
    made = ("perplexity/perplexity.tsv", "contacts.tsv", "structures.dbn", "tuned/model.safetensors")
    with np.load(folder / "embeddings.npz") as vectors:
        embedded = hashlib.sha256(b"".join(vectors[name].tobytes() for name in sorted(vectors.files)))
    return {"embeddings": embedded.hexdigest(), **{name: sha256_of(folder / name) for name in made}}


def transferred(folder: Path, layouts: tuple[str, ...], shape: tuple[int, int, int], fasta: Path) -> None:
    """Every layout through all commands; nothing may differ between them."""
    store = folder / "store"
    run(tokenize.main, "rna", "--sequences", fasta, "--out", store)
    found = []
    for number, layout in enumerate(layouts):
        place = folder / str(number)
        init = converted(place, layout, shape)
        model = pretrained(place, store, init)
        told = json.loads((model / "manifest.json").read_text())
        assert (told["mapping"], told["parent"]) == ("KDNY", load_model(init).sha256)
        assert told["data"]["crop_tokens"] == 1024  # the longer RNA is cut anew in each epoch
        assert told["best"]["chance_loss"] == pytest.approx(np.log(4))
        identity = json.loads(next(place.glob("checkpoints/identity.json")).read_text())
        assert identity["settings"]["network"]["config"]["nucleotide_mapping"] == "KDNY"
        found.append({name: sha256_of(path / "model.safetensors") for name, path in (("init", init), ("model", model))})
        found[-1] |= readings(place, model, fasta)
    assert all(one == found[0] for one in found)
    assert found[0]["init"] != found[0]["model"]


def test_four_layouts_of_one_checkpoint_go_the_whole_way_unchanged(tmp_path: Path, fasta: Path) -> None:
    transferred(tmp_path, LAYOUTS, TINY, fasta)


@pytest.mark.slow
def test_so_does_the_shape_of_esm2_8m(tmp_path: Path, fasta: Path) -> None:
    transferred(tmp_path, ("fair-esm", "Lightning .ckpt"), ESM2_8M, fasta)
    assert load_model(tmp_path / "0" / "model").network.n_parameters() == ESM2_PARAMETERS["8m"]


def test_layer_norms_and_token_dropout_survive_training(tmp_path: Path, fasta: Path) -> None:
    run(tokenize.main, "rna", "--sequences", fasta, "--out", tmp_path / "store")
    init = converted(tmp_path, "RESM .pt", TINY)
    model = load_model(pretrained(tmp_path, tmp_path / "store", init, "--learning-rate", 1e-9))
    before, after = load_model(init).network.state_dict(), model.network.state_dict()
    assert before.keys() == after.keys()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0)
    assert model.network.config.token_dropout is True


def test_controls_start_from_one_store(tmp_path: Path, fasta: Path) -> None:
    """Mapped, unmapped and random rows in the compact vocabulary: one store, three beginnings, and one from scratch."""
    run(tokenize.main, "rna", "--sequences", fasta, "--out", tmp_path / "store", "--tokenizer", "rna")
    source = converted(tmp_path, "RESM .pt", TINY)
    models = []
    for rows in ("kept", "KEDR", "unmapped", "random"):
        place = tmp_path / rows
        run(
            weights.main,
            "transplant",
            "--model",
            source,
            "--out",
            place / "init",
            "--vocabulary",
            "compact",
            "--rows",
            rows,
        )
        models.append(pretrained(place, tmp_path / "store", place / "init"))
    run(weights.main, "init", "--preset", "tiny", "--tokenizer", "rna", "--out", tmp_path / "scratch" / "init")
    models.append(pretrained(tmp_path / "scratch", tmp_path / "store", tmp_path / "scratch" / "init"))
    assert [load_model(model).mapping for model in models] == ["KDNY", "KEDR", "unmapped", "random", None]
    assert len({sha256_of(model / "model.safetensors") for model in models}) == len(models)


def test_weights_do_not_train_on_ids_of_another_mapping(
    tmp_path: Path, fasta: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tokenize.main, "rna", "--sequences", fasta, "--out", tmp_path / "store", "--mapping", "unmapped")
    init = converted(tmp_path, "RESM .pt", TINY)
    words = ["--store", tmp_path / "store", "--init", init, "--out", tmp_path / "m", "--checkpoint-dir", tmp_path / "c"]
    assert train.main(["pretrain", *map(str, words), "--steps", "2", "--device", "cpu"]) == 65
    assert "(esm, mapping KDNY) than that of the store (esm, mapping unmapped)" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_the_published_replacements_may_be_asked_for(
    tmp_path: Path, fasta: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tokenize.main, "rna", "--sequences", fasta, "--out", tmp_path / "store")
    init = converted(tmp_path, "RESM .pt", TINY)
    own, quirk = (
        pretrained(tmp_path / name, tmp_path / "store", init, *more)
        for name, more in (("own", ()), ("quirk", ("--published-replacements",)))
    )
    assert sha256_of(own / "model.safetensors") != sha256_of(quirk / "model.safetensors")
    manifests = [json.loads((model / "manifest.json").read_text()) for model in (own, quirk)]
    assert [told["settings"]["objective"].get("replacements") for told in manifests] == [None, "as published"]
    assert manifests[0]["key"] != manifests[1]["key"]
    run(tokenize.main, "rna", "--sequences", fasta, "--out", tmp_path / "compact", "--tokenizer", "rna")
    words = [
        "--store",
        tmp_path / "compact",
        "--preset",
        "tiny",
        "--out",
        tmp_path / "m",
        "--checkpoint-dir",
        tmp_path / "c",
    ]
    assert train.main(["pretrain", *map(str, words), "--steps", "2", "--published-replacements"]) == 2
    assert "are ids of ESM-2's vocabulary, the store has the tokenizer rna" in capsys.readouterr().err


def test_fine_tuning_reads_whole_sequences_without_token_dropout(
    tmp_path: Path, fasta: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ribolm.sequences.store import LabelSpec, StoreWriter
    from ribolm.sequences.tokenizers import make_tokenizer

    init, chance = converted(tmp_path, "RESM .pt", TINY), np.random.default_rng(2)
    tokenizer = make_tokenizer("esm")
    with StoreWriter(tmp_path / "labelled", tokenizer, {"load": LabelSpec("sequence")}) as writer:
        for row in range(40):
            writer.add(
                chance.choice(tokenizer.base_ids, 30).astype(np.uint8), f"s{row}", None, {"load": chance.random()}
            )
    words = [
        "--store",
        tmp_path / "labelled",
        "--init",
        init,
        "--out",
        tmp_path / "m",
        "--checkpoint-dir",
        tmp_path / "c",
    ]
    run(train.main, "finetune", *words, "--task", "load", "--level", "regression", "--steps", 2, "--device", "cpu")
    assert "chosen: token dropout = off" in capsys.readouterr().err
    model = load_model(tmp_path / "m")
    assert model.task is not None
    assert (model.task["mapping"], model.task["token_dropout"]) == ("KDNY", False)
    assert model.network.config.token_dropout is False
