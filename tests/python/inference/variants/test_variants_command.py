"""`ribolm-predict variants` takes its task from the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.cli.predict import main as predict
from ribolm.console import Progress
from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Forward
from ribolm.inference.calibration import Calibration
from ribolm.inference.ensemble import load_ensemble
from ribolm.inference.variants.output import write_effects
from ribolm.inference.variants.sites import site_effects
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.tokenizers import make_tokenizer

WINDOW_NT = 60
HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture(scope="module")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def make(level: str) -> Path:
        tokenizer = make_tokenizer("nucleotide")
        task = {"task": "t", "level": level, "labels": ["y"], "window_nt": WINDOW_NT, "overlap_nt": 10}
        task |= {"pooling": "mean", "anchor": "cleavage", "anchor_offset0": 30} if level == "sequence" else {}
        head = HeadSpec(level, 1, "mean" if level == "sequence" else None)  # type: ignore[arg-type]
        network = new_network(preset_config("tiny", tokenizer), head, seed=1)
        return save_model(tmp_path_factory.mktemp("model") / level, network, tokenizer, task)

    return make


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    text = "".join(np.random.default_rng(4).choice(list("AATTCG"), 1200))
    (tmp_path / "g.fa").write_text(f">c\n{text}\n")
    return Genome.open(tmp_path / "g.fa")


def written(tmp_path: Path, genome: Genome) -> Path:
    """Every 30th base changed."""
    bases = [(at, chr(genome.data[at])) for at in range(15, 1200, 30)]
    rows = [f"c\t{at + 1}\tv{at}\t{base}\t{'G' if base != 'G' else 'A'}\t.\t.\t.\n" for at, base in bases]
    (tmp_path / "v.vcf").write_text(HEADER + "".join(rows))
    return tmp_path / "v.vcf"


@pytest.mark.parametrize("level", ["sequence", "token"])
def test_the_model_says_what_a_candidate_is(
    tmp_path: Path, genome: Genome, make_model: Callable[[str], Path], level: str
) -> None:
    files = ["--vcf", str(written(tmp_path, genome)), "--fasta", str(genome.path)]
    options = ["--model", str(make_model(level)), "--out", str(tmp_path / "e.tsv"), "--device", "cpu"]
    assert predict(["variants", *files, *options]) == 0
    header, *lines = [line.split("\t") for line in (tmp_path / "e.tsv").read_text().splitlines()]
    assert header[:8] == ["chrom", "pos", "id", "ref", "alt", "effect", "start0", "strand"]
    named = {line[8] for line in lines} | {line[9] for line in lines}
    assert {len(name) for name in named - {"."}} == ({10} if level == "sequence" else {5})
    assert {line[5] for line in lines} == {"made", "broken", "shifted"}
    assert predict(["variants", *files, *options, "--least-change", "100"]) == 0
    assert len((tmp_path / "e.tsv").read_text().splitlines()) < 1 + len(lines)


def test_no_variant_gives_an_empty_table(tmp_path: Path, genome: Genome, make_model: Callable[[str], Path]) -> None:
    (tmp_path / "v.vcf").write_text(HEADER)
    for level in ("sequence", "token"):
        options = ["--model", str(make_model(level)), "--out", str(tmp_path / "e.tsv"), "--device", "cpu"]
        assert predict(["variants", "--vcf", str(tmp_path / "v.vcf"), "--fasta", str(genome.path), *options]) == 0
        assert len((tmp_path / "e.tsv").read_text().splitlines()) == 1


def test_a_malformed_vcf_leaves_no_result(tmp_path: Path, genome: Genome, make_model: Callable[[str], Path]) -> None:
    (tmp_path / "v.vcf").write_text(HEADER + "c\tx\t.\tA\tC\n")
    options = ["--model", str(make_model("sequence")), "--out", str(tmp_path / "e.tsv"), "--device", "cpu"]
    assert predict(["variants", "--vcf", str(tmp_path / "v.vcf"), "--fasta", str(genome.path), *options]) == 65
    assert not (tmp_path / "e.tsv").exists()


def test_sites_of_both_strands_are_found_and_mirrored(
    tmp_path: Path, genome: Genome, make_model: Callable[[str], Path]
) -> None:
    ensemble = load_ensemble([make_model("token")])
    forward = Forward.prepare(tuple(m.network for m in ensemble.models), ensemble.tokenizer, "cpu")
    size = len(genome.data)
    (tmp_path / "other.fa").write_text(f">c\n{reverse_complement(genome.data).tobytes().decode()}\n")
    other = Genome.open(tmp_path / "other.fa")
    base = chr(genome.data[600])
    alt = "G" if base != "G" else "A"
    turned = [reverse_complement(letters(text)).tobytes().decode() for text in (base, alt)]
    ((_, here),) = site_effects(ensemble, forward, genome, [Variant("c", 600, ".", base, alt)], "adenosine")
    ((_, there),) = site_effects(ensemble, forward, other, [Variant("c", size - 601, ".", *turned)], "adenosine")
    assert len(here) > 20
    assert {effect.strand for effect in here} == {"+", "-"}
    assert all(abs(effect.start0 - 600) <= WINDOW_NT // 2 for effect in here)
    for effect in here:
        bases = genome.fetch("c", effect.start0 - 2, effect.start0 + 3, effect.strand).tobytes().decode()
        assert effect.reference is None or effect.reference.name == bases
    mirrored = {(size - 1 - e.start0, "-" if e.strand == "+" else "+", e.kind) for e in there}
    assert {(e.start0, e.strand, e.kind) for e in here} == mirrored


def test_alleles_of_a_window_at_the_bound_of_the_model_are_read_with_less_beside_them(
    tmp_path: Path, genome: Genome
) -> None:
    tokenizer = make_tokenizer("hyena")
    network = new_network(preset_config("hyena-tiny", tokenizer), HeadSpec("token", 1, None, delay_nt=3), seed=1)
    task = {"task": "t", "level": "token", "labels": ["y"], "window_nt": 510, "overlap_nt": 10, "delay_nt": 3}
    ensemble = load_ensemble([save_model(tmp_path / "m", network, tokenizer, task)])
    forward = Forward.prepare((ensemble.models[0].network,), tokenizer, "cpu")
    whole = genome.fetch("c", 600, 1180).tobytes().decode()
    deletion, insertion = Variant("c", 600, ".", whole[:40], whole[0]), Variant("c", 600, ".", whole[0], whole[:40])
    for variant in (deletion, insertion):
        ((_, found),) = site_effects(ensemble, forward, genome, [variant], "adenosine")
        assert {effect.kind for effect in found} >= {"shifted", "broken" if variant is deletion else "made"}
    with pytest.raises(DataError, match=r"c:601 \(POS\): an allele has 580 nt, and the model reads 510 with 2"):
        list(site_effects(ensemble, forward, genome, [Variant("c", 600, ".", whole, whole[0])], "adenosine"))


def test_long_lists_of_variants_tell_how_far_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Progress, "log_interval_s", 0.0)
    found = ((Variant("c", at, ".", "A", "G"), []) for at in range(3))
    assert write_effects(tmp_path / "e.tsv", found, Calibration())["variants"] == 3
    assert "scoring: 3 alleles" in capsys.readouterr().err
