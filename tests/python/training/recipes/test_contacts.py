"""`ribolm-train contacts`: a published regression, fitted to attention, bound to its backbone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.cli.train import main
from ribolm.errors import DataError, UsageError
from ribolm.labels.structure.pairs import Structure
from ribolm.models import contact_head
from ribolm.models.attention_features import attention_features
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.recipes import contacts

HAIRPIN = ("GGGGCCAAAAGGCCCC", "((((((....))))))")
KNOT = ("GGGAACCCAAGGGUUCCC", "(((..[[[..)))..]]]")


def drawn_hairpins(n: int, seed: int = 1) -> list[tuple[str, str]]:
    """Stems of five pairs around loops of random length, between random flanks."""
    random, found = np.random.default_rng(seed), []
    for _ in range(n):
        before, loop, after = (int(length) for length in random.integers(3, 12, 3))
        five = "".join(random.choice(list("ACGU"), 5))
        three = five[::-1].translate(str.maketrans("ACGU", "UGCA"))
        parts = ("".join(random.choice(list("ACGU"), length)) for length in (before, loop, after))
        left, inside, right = parts
        found.append((left + five + inside + three + right, f"{'.' * before}((((({'.' * loop}))))){'.' * after}"))
    return found


def dbn(path: Path, records: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f">r{i}\n{letters}\n{pairs}\n" for i, (letters, pairs) in enumerate(records)))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny encoder whose attention differs from token to token."""
    tokenizer = make_tokenizer("esm")
    network = new_network(preset_config("tiny", tokenizer), MASKED_LM, 1)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(12 if weight.ndim == 2 else 1)
        network.encoder.contact_head.regression.weight.fill_(5.0)  # as if of a protein model
    return save_model(tmp_path / "model", network, tokenizer, manifest={"preset": "tiny"}, card="# A card\n")


Fit = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fit(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Fit:
    def run(*more: str, records: list[tuple[str, str]] | None = None) -> tuple[int, str, str]:
        path = dbn(tmp_path / "s.dbn", drawn_hairpins(30) if records is None else records)
        places = ["--model", str(model), "--structures", str(path), "--out", str(tmp_path / "out")]
        code = main(["contacts", *places, "--device", "cpu", *more])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_a_model_with_its_head_and_what_it_depends_on_is_written(fit: Fit, model: Path, tmp_path: Path) -> None:
    code, out, err = fit("--n", "12", "--c", "50")
    assert (code, "chosen: memory" in err) == (0, True)
    before, after = load_model(model), load_model(tmp_path / "out")
    weights, bias, record = contact_head.fitted_contact_head(after)
    assert weights.shape == (1, 4) and 0 < record["maps_used"] == int((weights != 0).sum())
    assert f"{record['maps_used']} of 4 attention maps" in out and np.isfinite(bias)
    assert (record["separation"], record["c"], record["seed"], record["token_dropout"]) == (6, 50.0, 0, False)
    assert record["tokenizer"]["mapping"] == "KDNY" and len(record["rnas"]) == 12
    assert record["backbone_sha256"] == contact_head.backbone_digest(before.network)
    assert after.manifest["preset"] == "tiny" and (tmp_path / "out" / "README.md").read_text() == "# A card\n"
    state = after.network.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in before.network.state_dict().items() if "contact" not in name
    )


def test_the_same_seed_gives_the_same_head_and_another_one_other_rnas(fit: Fit, tmp_path: Path) -> None:
    found = []
    for seed in ("0", "0", "1"):
        assert fit("--n", "6", "--seed", seed, "--out", str(tmp_path / seed))[0] == 0
        found.append(json.loads((tmp_path / seed / "manifest.json").read_text()))
    assert found[0] == found[1]
    assert found[0]["contacts"]["rnas"] != found[2]["contacts"]["rnas"]


def test_weights_are_those_of_the_published_regression(fit: Fit, model: Path, tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    records = drawn_hairpins(4)
    assert fit("--n", "4", "--c", "50", records=records)[0] == 0
    loaded = load_model(model)
    features, labels = [], []
    for letters, text in records:
        tokens = torch.tensor([0, *loaded.tokenizer.encode(np.frombuffer(letters.encode(), dtype=np.uint8)), 2])
        stem = [i for i, mark in enumerate(text) if mark == "("]
        partner = dict(zip(stem, reversed([i for i, mark in enumerate(text) if mark == ")"]), strict=True))
        pairs = [(i, j) for i in range(len(letters)) for j in range(i + 6, len(letters))]
        features.append(attention_features(loaded.network, tokens, torch.tensor(pairs)).numpy())
        labels += [partner.get(i) == j for i, j in pairs]
    peer = LogisticRegression(l1_ratio=1, C=50, solver="liblinear", random_state=0).fit(np.vstack(features), labels)
    weights, bias, _ = contact_head.fitted_contact_head(load_model(tmp_path / "out"))
    np.testing.assert_allclose(weights[0].numpy(), peer.coef_[0], rtol=1e-5)
    assert bias == pytest.approx(peer.intercept_[0], rel=1e-5)


def test_a_model_of_another_fit_is_not_replaced(fit: Fit, model: Path, tmp_path: Path) -> None:
    assert fit("--n", "6")[0] == 0
    before = (tmp_path / "out/model.safetensors").read_bytes()
    code, _, err = fit("--n", "6", "--seed", "3")
    assert code == 2 and "holds a model already" in err and "seed: 0, not 3" in err
    assert "n: 6, not 7" in fit("--n", "7")[2]
    assert (tmp_path / "out/model.safetensors").read_bytes() == before
    assert fit("--n", "6")[0] == 0, "the same fit again"
    other = save_model(tmp_path / "other", load_model(model).network, make_tokenizer("esm"), manifest={})
    code, _, err = fit("--n", "6", "--out", str(other))
    assert code == 2 and "without a contact head" in err


def test_pairs_of_unknown_bases_are_no_examples() -> None:
    structure = Structure.from_pairs("a", "GGNAAAAAACC", [(0, 10), (1, 9)])
    pairs = contacts.resolved_pairs(structure, 6)
    assert (pairs[:, 1] - pairs[:, 0]).min() == 6
    assert 2 not in pairs and len(pairs) == 15 - 3
    assert len(contacts.resolved_pairs(Structure.from_pairs("b", "ACGU", []), 6)) == 0


def test_rnas_without_a_pair_that_far_apart_are_not_chosen() -> None:
    useful = [Structure.from_pairs(f"u{i}", "A" * 12, [(0, 11)]) for i in range(3)]
    short = [Structure.from_pairs(f"s{i}", "A" * 12, [(0, 4)]) for i in range(5)]
    chosen = contacts.choose_structures([*short, *useful], 2, 0, 6)
    assert len(chosen) == 2 and {one.name for one in chosen} < {"u0", "u1", "u2"}
    with pytest.raises(DataError, match=r"3 of 8 structures .* at least 6 bases apart, fewer than --n 4"):
        contacts.choose_structures([*short, *useful], 4, 0, 6)


def test_rnas_whose_pairs_are_of_unknown_bases_are_not_chosen(fit: Fit, tmp_path: Path) -> None:
    unknown = [("NGGACCAAAAGGUCCN", "(" + "." * 14 + ")"), ("A" * 15 + "N", "(" + "." * 14 + ")")]
    code, _, err = fit("--n", "1", records=unknown)
    assert code == 65 and "0 of 2 structures have a pair of known bases" in err
    assert fit("--n", "1", records=[*unknown, HAIRPIN])[0] == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["contacts"]["rnas"] == ["r2"]


def test_examples_of_one_kind_are_refused(fit: Fit, tmp_path: Path) -> None:
    code, _, err = fit("--n", "1", records=[("GAAAAAC", "(.....)")])
    assert code == 65 and "all of 1 examples are pairs" in err and not (tmp_path / "out").exists()


def test_attention_that_says_nothing_is_told(fit: Fit, tmp_path: Path) -> None:
    code, out, err = fit("--n", "3", "--c", "1e-6", records=[HAIRPIN, KNOT, HAIRPIN])
    assert code == 0 and "all weights are 0" in err and "0 of 4 attention maps" in out


@pytest.mark.parametrize(
    ("more", "records", "code", "words"),
    [
        (["--n", "99"], None, 65, "fewer than --n 99"),
        ([], [("ACG-U", "(...)")], 65, "is a gap"),
        ([], [("ACGU", "((.)")], 65, "nothing closes"),
        (["--c", "0"], None, 2, "--c"),
    ],
)
def test_what_is_refused_leaves_no_model(
    fit: Fit, tmp_path: Path, more: list[str], records: list[tuple[str, str]] | None, code: int, words: str
) -> None:
    found, _, err = fit(*more, records=records)
    assert found == code and words in err
    assert not (tmp_path / "out").exists()


def saved(tmp_path: Path, preset: str, kind: str) -> Path:
    tokenizer = make_tokenizer(kind)
    return save_model(tmp_path / preset, new_network(preset_config(preset, tokenizer), None, 1), tokenizer)


def test_a_backbone_without_attention_is_refused(tmp_path: Path) -> None:
    path = dbn(tmp_path / "s.dbn", [HAIRPIN])
    options = contacts.ContactOptions(saved(tmp_path, "hyena-tiny", "hyena"), path, tmp_path / "o")
    with pytest.raises(UsageError, match="has no attention"):
        contacts.fit_contacts(options)


def test_tokens_that_are_words_are_refused(tmp_path: Path) -> None:
    path = dbn(tmp_path / "s.dbn", [HAIRPIN])
    options = contacts.ContactOptions(saved(tmp_path, "tiny", "chunk"), path, tmp_path / "o")
    with pytest.raises(DataError, match="its tokens are not single bases"):
        contacts.fit_contacts(options)


def test_too_little_memory_is_told_first(fit: Fit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(contacts, "available_bytes", lambda _device: (1_000_000, "memory of the machine"))
    code, _, err = fit("--n", "3")
    assert code == 2 and "are free (memory of the machine)" in err and not (tmp_path / "out").exists()
