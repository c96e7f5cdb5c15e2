"""`ribolm-predict variants --sequences --variants`: masked marginals of a pretrained model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ribolm.cli.predict import main as predict
from ribolm.errors import DataError
from ribolm.inference.variants.substitutions import read_substitutions
from ribolm.models.configuration import EncoderConfig
from ribolm.models.network import language_model, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

HEADER = "name\tposition0\treference\talternative\n"
RNAS = {"a": "GGGAAACUUCGGUUUCCCN", "b": "ACGUACGUAC"}


@pytest.fixture(scope="module")
def make_masked(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(tokenizer: str = "esm", token_dropout: bool = True, preset: str = "tiny") -> Path:
        vocabulary = make_tokenizer(tokenizer)
        config = preset_config(preset, vocabulary)
        if isinstance(config, EncoderConfig):
            config = replace(config, token_dropout=token_dropout)
        network = new_network(config, language_model(config), seed=3)
        with torch.no_grad():
            for weight in network.parameters():
                weight.mul_(6 if weight.ndim == 2 else 1)  # probabilities that differ from base to base
        return save_model(tmp_path_factory.mktemp("model") / "m", network, vocabulary)

    return make


def files(folder: Path, rows: str, rnas: str = "") -> list[str]:
    (folder / "s.fa").write_text(rnas or "".join(f">{name} x\n{text}\n" for name, text in RNAS.items()))
    (folder / "v.tsv").write_text(HEADER + rows)
    return ["--sequences", str(folder / "s.fa"), "--variants", str(folder / "v.tsv"), "--out", str(folder / "o.tsv")]


def run(folder: Path, model: Path, rows: str, *more: str, rnas: str = "") -> int:
    return predict(["variants", "--model", str(model), *files(folder, rows, rnas), "--device", "cpu", *more])


def deltas(folder: Path) -> list[float]:
    header, *lines = (folder / "o.tsv").read_text().splitlines()
    assert header == HEADER.strip() + "\tdelta_log_probability"
    return [float(line.split("\t")[-1]) for line in lines]


@pytest.mark.parametrize("token_dropout", [True, False])
def test_the_effect_is_the_difference_of_log_probabilities_at_the_masked_base(
    tmp_path: Path, make_masked: Callable[..., Path], token_dropout: bool
) -> None:
    model = make_masked(token_dropout=token_dropout)
    assert run(tmp_path, model, "a\t3\tA\tC\na\t3\tA\tG\nb\t7\tU\tA\n") == 0
    loaded = load_model(model, "masked_lm")
    wanted = []
    for name, at, reference, alternative in (("a", 3, "A", "C"), ("a", 3, "A", "G"), ("b", 7, "U", "A")):
        ids = [0, *loaded.tokenizer.encode(np.frombuffer(RNAS[name].encode(), np.uint8)).tolist(), 2]
        ids[1 + at] = 32
        with torch.inference_mode():
            all_tokens = torch.log_softmax(loaded.network(pack([ids]))[1 + at].double(), dim=0)
        of = dict(zip("ACGU", (15, 17, 19, 13), strict=True))  # KDNY
        wanted.append(float(all_tokens[of[alternative]] - all_tokens[of[reference]]))
    assert np.abs(np.array(deltas(tmp_path)) - wanted).max() < 2e-6
    assert max(map(abs, wanted)) > 0.01
    facts = json.loads((tmp_path / "o.tsv.json").read_text())
    assert facts["token_dropout"] is token_dropout and facts["tokenizer"]["mapping"] == "KDNY"


def test_a_value_does_not_depend_on_what_else_is_asked(tmp_path: Path, make_masked: Callable[..., Path]) -> None:
    model = make_masked()
    rows = [f"a\t{at}\t{base}\t{'G' if base != 'G' else 'A'}" for at, base in enumerate(RNAS["a"][:-1])]
    assert run(tmp_path, model, "\n".join(rows)) == 0
    together = deltas(tmp_path)
    assert run(tmp_path, model, "\n".join([rows[5]])) == 0
    assert deltas(tmp_path) == [together[5]]
    assert run(tmp_path, model, "\n".join(rows), "--tokens-per-batch", "64") == 0
    assert np.abs(np.array(deltas(tmp_path)) - together).max() < 1e-5


def test_there_and_back_cancel(tmp_path: Path, make_masked: Callable[..., Path]) -> None:
    model = make_masked()
    assert run(tmp_path, model, "x\t2\tA\tC\ny\t2\tC\tA\n", rnas=">x\nGGAGG\n>y\nGGCGG\n") == 0
    first, second = deltas(tmp_path)
    assert first == pytest.approx(-second, abs=2e-6)


def test_letters_are_repaired_and_cells_stay(
    tmp_path: Path, make_masked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path
    assert run(folder, make_masked(), "b\t3\tt\tc\n", rnas=">b\nacgtac\n") == 0
    assert (folder / "o.tsv").read_text().splitlines()[1].startswith("b\t3\tt\tc\t")
    said = capsys.readouterr().err
    assert "lower-case" in said and "T read as U" in said


def test_no_substitution_gives_an_empty_table(tmp_path: Path, make_masked: Callable[..., Path]) -> None:
    assert run(tmp_path, make_masked(), "") == 0
    assert deltas(tmp_path) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "a\t3\tG\tC",
            r"v\.tsv line 2, column 'reference': 'G' is not the base of record 'a' at position0 3, which is A",
        ),
        ("a\t18\tA\tC", "at position0 18, which is N"),
        ("a\t19\tA\tC", "lies outside record 'a' of 19 nt, whose last base is 18"),
        ("a\t-1\tA\tC", "is no whole number from 0"),
        ("c\t0\tA\tC", "is no record of the sequences"),
        ("a\t3\tA\tA", "is the reference"),
        ("a\t3\tA\tN", "is not one of A, C, G, U"),
        ("a\t3\tAA\tC", "is not one of A, C, G, U"),
        ("a\t3\tA", "has 3 columns, the first line 4"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, row: str, said: str) -> None:
    (tmp_path / "v.tsv").write_text(HEADER + row + "\n")
    with pytest.raises(DataError, match=said):
        read_substitutions(tmp_path / "v.tsv", RNAS)


@pytest.mark.parametrize("text", ["", "name\tposition\treference\talternative\n", HEADER.replace("\t", ",")])
def test_another_header_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.tsv").write_text(text)
    with pytest.raises(DataError, match=r"v\.tsv"):
        read_substitutions(tmp_path / "v.tsv", RNAS)


def test_nothing_is_written_for_a_bad_table(tmp_path: Path, make_masked: Callable[..., Path]) -> None:
    assert run(tmp_path, make_masked(), "a\t3\tC\tG\n") == 65
    assert not (tmp_path / "o.tsv").exists()


@pytest.mark.parametrize(("tokenizer", "preset"), [("kmer", "tiny"), ("hyena", "hyena-tiny")])
def test_models_that_mask_no_single_base_are_refused(
    tmp_path: Path, make_masked: Callable[..., Path], tokenizer: str, preset: str
) -> None:
    assert run(tmp_path, make_masked(tokenizer, preset=preset), "a\t3\tA\tG\n") == 65


def test_the_two_forms_are_not_mixed(tmp_path: Path, make_masked: Callable[..., Path]) -> None:
    model = make_masked()
    assert run(tmp_path, model, "a\t3\tA\tG\n", "--vcf", str(tmp_path / "v.tsv")) == 2
    assert run(tmp_path, model, "a\t3\tA\tG\n", "--least-change", "1") == 2
    assert predict(["variants", "--model", str(model), "--out", str(tmp_path / "o.tsv")]) == 2


@given(st.lists(st.tuples(st.sampled_from(sorted(RNAS)), st.integers(0, 9), st.sampled_from("ACGU")), max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str]]) -> None:
    path = tmp_path_factory.mktemp("table") / "v.tsv"
    fitting = [
        (name, at, RNAS[name][at], alternative) for name, at, alternative in rows if RNAS[name][at] != alternative
    ]
    path.write_text(HEADER + "".join("\t".join(map(str, row)) + "\n" for row in fitting))
    found = read_substitutions(path, RNAS).substitutions
    assert [(one.name, one.position0, one.reference, one.alternative) for one in found] == fitting
