"""The 4-mer regression as a file gives the logits of the one fitted, and refuses files of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ribolm.cli.evaluate import main
from ribolm.cli.weights import main as weights
from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.examples import read_examples
from ribolm.evaluation.sequence_level.regression_files import fit_regression, read_regression
from ribolm.models.weights import read_manifest
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer


def windows(out: Path, labels: list[float], width: int = 40, kind: str = "nucleotide", wider: int = 0) -> Path:
    """A store of random windows, each `wider` than the one before."""
    rng, tokenizer = np.random.default_rng(5), make_tokenizer(kind)
    with StoreWriter(out, tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for row, label in enumerate(labels):
            letters = rng.choice(np.frombuffer(b"ACGT", np.uint8), width + row * wider)
            writer.add(tokenizer.encode(letters), f"w{row}", None, {"polya": label})
    return out


def test_the_file_gives_the_logits_of_the_regression_that_was_fitted(tmp_path: Path) -> None:
    store, out = windows(tmp_path / "store", [0.0, 1.0] * 40), tmp_path / "regression.safetensors"
    assert main(["regression", "--store", str(store), "--out", str(out)]) == 0
    examples = read_examples(TokenStore.open(store), "polya")
    assert examples.letters is not None
    found, fitted = read_regression(out), fit_regression(examples, "store")
    assert (found.window_nt, found.source, found.n_windows, found.n_sites) == (40, "store", 80, 40)
    np.testing.assert_array_equal(found.regression.logits(examples.letters), fitted.regression.logits(examples.letters))


def test_a_regression_in_a_model_folder_is_checked_with_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, model = windows(tmp_path / "store", [0.0, 1.0] * 40), tmp_path / "model"
    assert weights(["init", "--preset", "tiny", "--out", str(model)]) == 0
    weighed = read_manifest(model)["files"]
    (model / "regression.safetensors").write_bytes(b"of nobody knows whom")
    assert weights(["verify", str(model)]) == 0
    assert "regression.safetensors: manifest.json does not name it" in capsys.readouterr().err
    assert main(["regression", "--store", str(store), "--out", str(model / "regression.safetensors")]) == 0
    assert {name: value for name, value in read_manifest(model)["files"].items() if name in weighed} == weighed
    assert weights(["verify", str(model)]) == 0
    assert "does not name it" not in capsys.readouterr().err
    damaged = bytearray((model / "regression.safetensors").read_bytes())
    damaged[-1] ^= 1
    (model / "regression.safetensors").write_bytes(bytes(damaged))
    assert weights(["verify", str(model)]) == 65
    assert "regression.safetensors: is not the file that manifest.json describes" in capsys.readouterr().err


def test_windows_of_one_class_are_refused(tmp_path: Path) -> None:
    store = windows(tmp_path / "store", [1.0] * 4)
    assert main(["regression", "--store", str(store), "--out", str(tmp_path / "r.safetensors")]) == 65
    assert not (tmp_path / "r.safetensors").exists()


@pytest.mark.parametrize(
    ("kind", "wider", "message"),
    [("chunk", 0, "store: chunk tokens cover several bases. Give the same windows made with --tokenizer nucleotide."),
     ("nucleotide", 1, "store: holds windows of several widths")],
)  # fmt: skip
def test_windows_without_letters_are_refused_for_what_they_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, wider: int, message: str
) -> None:
    store = windows(tmp_path / "store", [0.0, 1.0] * 20, kind=kind, wider=wider)
    assert main(["regression", "--store", str(store), "--out", str(tmp_path / "r.safetensors")]) == 65
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("labels", "code"), [([0.0, 1.0], 65), ([0.0] * 20 + [1.0] * 4, 65), ([0.0, 1.0] * 5, 0)])
def test_a_handful_of_windows_is_no_floor_and_few_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: list[float], code: int
) -> None:
    store, out = windows(tmp_path / "store", labels), tmp_path / "r.safetensors"
    assert main(["regression", "--store", str(store), "--out", str(out)]) == code
    told = capsys.readouterr().err
    n_sites = int(sum(labels))
    if code:
        assert f"{n_sites} sites and {len(labels) - n_sites} others, of which the regression learns nothing" in told
        assert not out.exists()
    else:
        assert "10 windows are few for a regression of 1,024 coefficients; it is a weak floor" in told


@pytest.mark.parametrize("damage", ["cut short", "another kind", "other width", "not finite"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, damage: str) -> None:
    store, out = windows(tmp_path / "store", [0.0, 1.0] * 8), tmp_path / "regression.safetensors"
    assert main(["regression", "--store", str(store), "--out", str(out)]) == 0
    arrays = {name: values.copy() for name, values in load_file(out).items()}
    about = {"kind": "counts of 4-mers per stretch of ten bases", "window_nt": "40", "source": "s"}
    about |= {"windows": "16", "sites": "8"}
    if damage == "cut short":
        out.write_bytes(out.read_bytes()[:-9])
    elif damage == "another kind":
        save_file(arrays, out, metadata=about | {"kind": "weights"})
    elif damage == "other width":
        save_file(arrays, out, metadata=about | {"window_nt": "101"})
    else:
        arrays["coefficients"][3] = np.nan
        save_file(arrays, out, metadata=about)
    with pytest.raises(DataError):
        read_regression(out)
