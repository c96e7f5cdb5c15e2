"""Methods and limits follow what a run did."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tell(command: Callable[..., int], tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """The methods text of a run with some parameters, without their table."""

    def told(parameters: dict[str, Any]) -> str:
        (tmp_path / "p.json").write_text(json.dumps(parameters))
        (tmp_path / "v.yml").write_text("")
        words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
        assert command("methods", *words) == 0
        return (tmp_path / "q" / "methods_mqc.html").read_text().split("<details>")[0]

    return told


@pytest.mark.parametrize(
    ("parameters", "present", "absent"),
    [
        ({"steps": "corpus,pretrain,labels,finetune,predict,evaluate", "seeds": 4, "resampling": "none"},
         ("restore 15 %", "4 seeds", "kept as probabilities", "paired between methods", "Vaswani"), ("formula",)),
        ({"steps": "finetune", "unlabeled": "as_negative", "split_by": "chromosome"},
         ("taken as negatives", "whole chromosomes", "sCR"), ("restore 15 %",)),
        ({"steps": "predict", "universe": "adenosine", "model": "a,b"}, ("for all adenosines", "given models"), ()),
        ({"sites": "s.csv"},
         ("fixed per gene", "independent technology families", "Efron", "with ribolm (m6a-sites-small)", "all places"),
         ("restore 15 %", "not seen", "random weights", "510 nt")),
        ({"steps": "labels,finetune,evaluate", "split_by": "similarity", "random_control": "false", "init_model": "m"},
         ("families of similar sequences", "fold that each had not seen"), ("whole genes", "random weights")),
        ({"steps": "labels,finetune,evaluate", "init_model": "m", "model": "a"},
         ("fine-tuned from random weights", "fold that each had not seen, the given models on all places"), ()),
    ],
)  # fmt: skip
def test_methods_tell_the_steps_on_sites(
    command: Callable[..., int],
    tmp_path: Path,
    parameters: dict[str, Any],
    present: tuple[str, ...],
    absent: tuple[str],
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(parameters))
    (tmp_path / "v.yml").write_text("")
    words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
    assert command("methods", *words) == 0
    text = (tmp_path / "q" / "methods_mqc.html").read_text().split("<details>")[0]
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent)
    assert "lower bound" in (tmp_path / "q" / "limits_mqc.html").read_text()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"trimmer": "cutadapt", "duplicates": "exclude"}, ("Cutadapt", "not counted")),
        ({"peak_caller": "macs3"}, ("MACS3", "effective genome size")),
        ({"peak_test": "negative-binomial", "gc_correction": "false"}, ("negative binomial", "not corrected for GC")),
        ({"spikein_fasta": "s.fa", "multimappers": "unique", "min_mapq": 20}, ("spike-in", "none", "quality 20")),
        ({"steps": "peaks"}, ("laid end to end",)),
    ],
)
def test_methods_follow_the_parameters(command, tmp_path: Path, parameters: dict, words: tuple[str, ...]) -> None:
    (tmp_path / "p.json").write_text(json.dumps(parameters))
    (tmp_path / "v.yml").write_text("")
    outdir = tmp_path / "q"
    assert (
        command("methods", "--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", outdir)
        == 0
    )
    text = (outdir / "methods_mqc.html").read_text()
    assert all(word in text for word in words)
    assert ("trimmed with" in text) == ("steps" not in parameters)


@pytest.mark.parametrize(
    ("parameters", "versions", "present", "absent"),
    [
        ({}, "samtools: 1.2", ("Alignments were given by the user.", "neither marked"), ("trimmed", "HISAT2")),
        ({}, "hisat2: 2\n    fastp: 1", ("trimmed with fastp 1", "HISAT2 2"), ("given by the user",)),
        ({"peak_caller": "macs3", "macs_gsize": 5000, "macs_extsize": 70}, "macs3: 3",
         ("genome size is 5000 (given)", "extended to 70 nt"), ("transcribed bases", "effective library size")),
    ],
)  # fmt: skip
def test_methods_name_what_ran(
    command: Callable[..., int],
    tmp_path: Path,
    parameters: dict[str, Any],
    versions: str,
    present: tuple[str, ...],
    absent: tuple[str, ...],
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(parameters))
    (tmp_path / "v.yml").write_text(f"A:\n    {versions}\n")
    words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
    assert command("methods", *words) == 0
    text = (tmp_path / "q" / "methods_mqc.html").read_text().split("<details>")[0]
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent), text


def test_methods_on_rnas_name_the_versions_of_their_libraries(command: Callable[..., int], tmp_path: Path) -> None:
    parameters = {"track": "resm", "steps": "zeroshot,finetune,predict,evaluate"}
    (tmp_path / "p.json").write_text(json.dumps(parameters))
    (tmp_path / "v.yml").write_text("LABELS_STRUCTURES:\n    viennarna: 2.8.0\nTRAIN_STRUCTURE:\n    torch: 2.15.0\n")
    words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
    assert command("methods", *words) == 0
    text = (tmp_path / "q" / "methods_mqc.html").read_text().split("<details>")[0]
    assert "PyTorch 2.15.0 under Nextflow [" in text and "ESM-2" not in text
    assert text.count("ViennaRNA 2.8.0") == 4
    assert "{" not in text


@pytest.mark.parametrize(
    ("parameters", "present", "absent"),
    [
        ({"steps": "embed,predict"}, ("the encoder of rna-structure-small", "task.json names"), ("RESM", "ESM-2")),
        ({"steps": "embed,predict", "model": "/m/folds,/m/loads"},
         ("among those given (folds and loads; without one, rna-structure-small,",), ("ESM-2",)),
        ({"steps": "embed", "init_model": "/m/esm2_8m"}, ("RNAs were read by esm2_8m", "ESM-2"), ("rna-structure",)),
        ({"steps": "pretrain,embed"}, ("the model pretrained here", "RESM"), ("rna-structure",)),
    ],
)  # fmt: skip
def test_methods_name_the_model_that_embeds(
    command: Callable[..., int], tmp_path: Path, parameters: dict, present: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"track": "resm", **parameters}))
    (tmp_path / "v.yml").write_text("")
    words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
    assert command("methods", *words) == 0
    text = (tmp_path / "q" / "methods_mqc.html").read_text().split("<details>")[0].split("<h4>Parameters")[0]
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent), text


@pytest.mark.parametrize(
    ("split_by", "units"),
    [("gene", "clusters of overlapping genes"), ("similarity", "families of similar sequences"),
     ("random", "single sequences")],
)  # fmt: skip
def test_methods_on_windows_name_what_the_bootstrap_draws(
    command: Callable[..., int], tmp_path: Path, split_by: str, units: str
) -> None:
    parameters = {"track": "polya", "steps": "labels,finetune,evaluate", "split_by": split_by}
    (tmp_path / "p.json").write_text(json.dumps(parameters))
    (tmp_path / "v.yml").write_text("")
    words = ["--parameters", tmp_path / "p.json", "--versions", tmp_path / "v.yml", "--outdir", tmp_path / "q"]
    assert command("methods", *words) == 0
    assert f"a bootstrap over {units}, paired" in (tmp_path / "q" / "methods_mqc.html").read_text()


@pytest.mark.parametrize(
    ("steps", "given", "present", "absent"),
    [
        ("embed,predict", {"loads": "regression"},
         ("encoder of rna-structure-small", "predicted by rna-structure-small", "the given model loads."), ()),
        ("embed,predict", {"folds": "structure", "loads": "regression"},
         ("encoder of the given model folds,", "predicted by the given model folds,", "the given model loads."),
         ("rna-structure-small",)),
        ("finetune,predict", {"loads": "regression", "more": "regression"},
         ("by the model trained here (without structures to learn from, rna-structure-small",
          "the given models loads and more."), ()),
    ],
)  # fmt: skip
def test_methods_tell_models_of_structures_from_models_of_values(
    tell: Callable[[dict[str, Any]], str],
    tmp_path: Path,
    steps: str,
    given: dict[str, str],
    present: tuple[str, ...],
    absent: tuple[str, ...],
) -> None:
    for name, level in given.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "task.json").write_text(json.dumps({"level": level}))
    text = tell({"track": "resm", "steps": steps, "model": ", ".join(str(tmp_path / name) for name in given)})
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent), text


@pytest.mark.parametrize(
    ("parameters", "present", "absent"),
    [
        ({"steps": "labels,finetune,evaluate"}, ("the fold that it had not seen. Precision",), ("all windows",)),
        ({"steps": "labels,evaluate", "model": "/m/sites"}, ("the given model sites on all windows",), ("not seen",)),
        ({"steps": "labels,finetune,evaluate", "model": "/m/sites"},
         ("fold that it had not seen, and the given model sites on all windows",), ()),
        ({"steps": "labels,evaluate"}, ("none was evaluated",), ("Floors", "not seen")),
    ],
)  # fmt: skip
def test_methods_on_windows_say_what_models_had_seen(
    tell: Callable[[dict[str, Any]], str], parameters: dict[str, Any], present: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    text = tell({"track": "polya", **parameters})
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent), text


@pytest.mark.parametrize(
    ("parameters", "present", "absent"),
    [
        ({"steps": "pretrain"}, ("copies of tested structures, of families and of held-out RNAs",), ("perplexity",)),
        ({"steps": "zeroshot"}, ("RNAduplex", "need step contacts"), ("were read from the contact map",)),
        ({"steps": "contacts,zeroshot"}, ("were read from the contact map", "RNAduplex"), ("need step contacts",)),
        ({"steps": "evaluate"}, ("RNAfold",), ("ridge", "R²", "perplexity", "LinearPartition")),
        ({"steps": "finetune,evaluate", "linearpartition": True}, ("ridge", "LinearPartition"), ("perplexity",)),
        ({"steps": "pretrain,evaluate"}, ("perplexity is",), ("ridge",)),
        ({"steps": "evaluate", "backbones": "/m/esm2"}, ("perplexity is",), ("ridge",)),
    ],
)  # fmt: skip
def test_methods_on_rnas_tell_only_what_the_steps_did(
    tell: Callable[[dict[str, Any]], str], parameters: dict[str, Any], present: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    text = tell({"track": "resm", **parameters})
    assert all(word in text for word in present), text
    assert not any(word in text for word in absent), text


@pytest.mark.parametrize("caller", ["ribolm", "macs3"])
@pytest.mark.parametrize(("steps", "is_called"), [("align,peaks", True), ("predict", False)])
def test_limits_of_a_caller_need_the_caller(
    tell: Callable[[dict[str, Any]], str], tmp_path: Path, caller: str, steps: str, is_called: bool
) -> None:
    tell({"peaks": None if is_called else "mine.bed", "steps": steps, "peak_caller": caller})
    text = (tmp_path / "q" / "limits_mqc.html").read_text()
    words = ("made for DNA",) if caller == "macs3" else ("raw p-values", "Poisson model", "GC correction")
    assert [word in text for word in words] == [is_called] * len(words)
