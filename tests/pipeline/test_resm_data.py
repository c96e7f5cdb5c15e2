"""Real RNAs through one run: pretraining, structures, ribosome load, families, interactions, report."""

import gzip
import json
import os
from pathlib import Path

import pytest

from .runs import ROOT, Launcher, Run

DATA = Path(os.environ.get("RIBOLM_DATA", ROOT.parent / "shared" / "data")).resolve() / "resm"
pytestmark = [pytest.mark.slow, pytest.mark.realdata]
FAMILIES, LEADERS, PAIRS, PREDICTED, TESTED = 20, 1_000, 8, 20, 30
# so small that all of it takes minutes: what is measured says that the way is whole, not what a model can do
LIMITS = (
    *(
        "--preset",
        "tiny",
        "--pretrain_steps",
        "120",
        "--tokens_per_step",
        "1024",
        "--seeds",
        "1",
        "--bootstrap_draws",
        "50",
    ),
    *(
        "--structure_train_rnas",
        "40",
        "--structure_max_rnas",
        str(TESTED),
        "--structure_epochs",
        "1",
        "--contact_rnas",
        "10",
    ),
    *("--finetune_epochs", "3", "--value_window_nt", "50"),
)
GAPS = str.maketrans("", "", "-.")
STEPS = "pretrain,embed,contacts,zeroshot,finetune,predict,evaluate,report"


def records(name: str) -> list[str]:
    """Records of a FASTA of the data."""
    with gzip.open(DATA / name, "rt") as handle:
        return [f">{text}" for text in handle.read().split(">")[1:]]


def first_lines(name: str, n: int, encoding: str = "utf-8") -> str:
    with gzip.open(DATA / name, "rt", encoding=encoding) as handle:
        return "".join(line for _, line in zip(range(n + 1), handle, strict=False))


def short_pairs() -> str:
    """Pairs with short targets, whose contact maps are small."""
    header, *lines = first_lines("rri_gardner154.csv.gz", 1_000).splitlines()
    kept = sorted((line for line in lines if line.count(",") >= 8), key=len)[:PAIRS]
    return "\n".join([header, *kept]) + "\n"


def families() -> str:
    """The first families with ten different sequences or more."""
    with gzip.open(DATA / "rfam_seed_many_short.stk.gz", "rt", encoding="latin-1") as handle:
        parts = handle.read().split("//\n")
    rows = {part: [line.split()[-1] for line in part.splitlines() if line and line[0] not in "#/"] for part in parts}
    large = [part for part, aligned in rows.items() if len({row.translate(GAPS) for row in aligned}) >= 10]
    return "".join(f"{part}//\n" for part in large[:FAMILIES])


@pytest.fixture(scope="module")
def real(nextflow: Path, tools: None, pipeline_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run on parts of the public data sets."""
    if not (DATA / "TR0.dbn.gz").exists():
        pytest.skip("RIBOLM_DATA holds no resm/TR0.dbn.gz")
    folder = tmp_path_factory.mktemp("resm_data")
    rnas = records("rnacentral_sample.fasta.gz")
    short = sorted(rnas, key=len)[:PREDICTED]
    (folder / "train.fa").write_text("".join(rnas[: -len(rnas) // 10]))
    (folder / "test.fa").write_text("".join(rnas[-len(rnas) // 10 :]))
    (folder / "mine.fa").write_text("".join(short))
    (folder / "mrl.csv").write_text(first_lines("mrl_egfp_m1pseudo_20k.csv.gz", LEADERS))
    (folder / "rfam.sto").write_text(families(), "utf-8")
    (folder / "pairs.csv").write_text(short_pairs())
    sheet = [
        "sample,task,split,path,sequence,value",
        "rnacentral,pretrain,train,train.fa,,",
        "rnacentral,pretrain,test,test.fa,,",
        *(f"bprna,structure,{split},{DATA / name}.dbn.gz,," for split, name in SPLITS.items()),
        "mrl,regression,,mrl.csv,utr,rl",
        "rfam,families,,rfam.sto,,",
        "gardner,interactions,,pairs.csv,,",
        "mine,predict,,mine.fa,,",
    ]
    (folder / "data.csv").write_text("\n".join(sheet) + "\n")
    given = ("--track", "resm", "--input", str(folder / "data.csv"), "--steps", STEPS)
    run = Launcher(nextflow, pipeline_copy, folder).run(*given, *LIMITS, profile="test_resm,local")
    assert run.status == 0, run.text
    return run


SPLITS = {"train": "TR0", "validation": "VL0", "test": "TS0"}


def test_known_structures_stand_beside_thermodynamics(real: Run) -> None:
    content = json.loads((real.outdir / "evaluation" / "bprna" / "metrics.json").read_text())
    f1 = {row["method"]: row["value"] for row in content["metrics"] if row["metric"] == "f1"}
    assert {"finetuned", "finetuned_sequence_only", "random_start", "RNAfold_MFE", "RNAfold_MEA"} <= f1.keys()
    assert 0.3 < f1["RNAfold_MFE"] < 0.7, "0.491 on all of TS0"
    assert content["rnas"]["scored"] + content["rnas"]["without_reference_pairs"] == TESTED


def test_families_values_interactions_and_perplexity_are_measured(real: Run) -> None:
    folder = real.outdir / "zeroshot"
    assert json.loads((folder / "rfam" / "metrics.json").read_text())["set"]["families"] == FAMILIES
    assert json.loads((folder / "gardner" / "metrics.json").read_text())["kind"] == "interactions"
    perplexity = json.loads((folder / "rnacentral.pretrained" / "metrics.json").read_text())["metrics"][0]
    assert 2 < perplexity["perplexity"] < 4.2
    values = json.loads((real.outdir / "evaluation" / "mrl" / "metrics.json").read_text())
    assert any(row["method"] == "finetuned" for row in values["metrics"])


def test_the_report_is_whole(real: Run) -> None:
    text = (real.outdir / "multiqc" / "multiqc_report.html").read_text()
    for part in ("Structures as arcs", "Maps of RNAs", "Families told apart without training", "Models of values"):
        assert part in text, part
    assert len((real.outdir / "structures" / "mine.dbn").read_text().splitlines()) == 3 * PREDICTED
