"""Effects equal those of scanning the whole genome twice, once with the variant in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ribolm.alphabet import Letters, letters, reverse_complement
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.search import find_candidates
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.calibration import Calibration
from ribolm.inference.scan.scorer import best_of_hexamers, score_places
from ribolm.inference.variants import polya
from ribolm.inference.variants.effects import Effect, Site
from ribolm.inference.variants.output import COLUMNS, write_effects
from ribolm.inference.variants.polya import polya_effects
from ribolm.labels.polya.strand_letters import Places

RULE = CandidateRule()


@dataclass(frozen=True)
class WeighedLetters:
    """A score in which every letter of a window counts."""

    anchor: Any = "cleavage"
    window_nt: int = 61
    anchor_offset0: int = 25
    padding: Any = "N"

    def score(self, windows: Letters) -> np.ndarray:
        table = np.random.default_rng(8).normal(size=(self.window_nt, 256)).astype(np.float32)
        logits = np.zeros(len(windows), dtype=np.float32)
        for place in range(self.window_nt):
            logits += table[place, windows[:, place]]
        return logits

    def provenance(self) -> dict[str, Any]:
        return {}


SCORERS = {"cleavage": WeighedLetters(), "hexamer": WeighedLetters("hexamer", 81, 33)}


def genome_of(folder: Path, text: str) -> Genome:
    (folder / "g.fa").write_text(f">c\n{text}\n")
    return Genome.open(folder / "g.fa")


def scanned(scorer: WeighedLetters, genome: Genome) -> Iterator[tuple[int, str, Site]]:
    """Every candidate of the genome: place, strand, name and logit."""
    found = find_candidates(genome.data, RULE)
    places = Places(np.zeros(len(found), dtype=np.int64), found.anchor0, found.strand)
    distance = found.distance_nt.astype(np.int64)
    if scorer.anchor == "cleavage":
        logits = score_places(scorer, genome, places)
    else:
        logits = best_of_hexamers(scorer, genome, places, distance, RULE)
    for row in range(len(found)):
        name = RULE.name(int(found.hexamer[row]), int(distance[row]))
        yield int(found.anchor0[row]), "+" if found.strand[row] > 0 else "-", Site(name, float(logits[row]))


def expected(scorer: WeighedLetters, folder: Path, text: str, variant: Variant) -> set[tuple[Any, ...]]:
    """Effects from two scans of everything: (place, strand, kind, sites)."""
    changed = text[: variant.start0] + variant.alt + text[variant.end0 :]
    before = {(at, strand): site for at, strand, site in scanned(scorer, genome_of(folder, text))}
    after: dict[tuple[Any, ...], Site] = {}
    for at, strand, site in scanned(scorer, genome_of(folder, changed)):
        within = at - variant.start0
        if within >= len(variant.alt):
            at -= len(variant.alt) - len(variant.ref)
        elif within >= len(variant.ref):
            after[variant.end0 - 1, strand, at] = site  # an inserted base
            continue
        after[at, strand] = site
    keys = set(before) | set(after)
    return {
        (key[0], key[1], before.get(key), after.get(key))  # type: ignore[call-overload]
        for key in keys
        if before.get(key) != after.get(key)  # type: ignore[call-overload]
    }


def drawn_variants(text: str, n: int, seed: int) -> list[Variant]:
    """Substitutions, insertions and deletions; some put a signal or an A in, some take one out."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        start0 = int(chance.integers(0, len(text) - 12))
        ref = text[start0 : start0 + int(chance.choice([1, 1, 2, 7]))]
        alt = "".join(chance.choice(list("ACGT"), int(chance.choice([1, 2, 5]))))
        alt += str(chance.choice(["", "", "AATAAA", "CA" * 12]))
        found.append(Variant("c", start0, ".", ref, alt))
    return found


@pytest.fixture(scope="module")
def text() -> str:
    chance = np.random.default_rng(2)
    return "".join(chance.choice(list("AATTCG"), 1500))


def as_set(effects: list[Effect]) -> set[tuple[Any, ...]]:
    return {(e.start0, e.strand, e.reference, e.alternative) for e in effects}


@pytest.mark.parametrize("anchor", SCORERS)
def test_effects_equal_those_of_two_scans(tmp_path: Path, text: str, anchor: str) -> None:
    scorer, variants = SCORERS[anchor], drawn_variants(text, 40, seed=3)
    variants += [Variant("c", 0, ".", text[:1], "G"), Variant("c", 1490, ".", text[1490:], "A")]
    genome = genome_of(tmp_path, text)
    found = list(polya_effects(scorer, genome, variants, RULE))
    assert [variant for variant, _ in found] == variants
    kinds: set[str] = set()
    for variant, effects in found:
        assert as_set(effects) == expected(scorer, tmp_path, text, variant), variant
        assert effects == sorted(effects, key=lambda e: (e.start0, e.strand == "-"))
        kinds |= {effect.kind for effect in effects}
    assert kinds == {"made", "broken", "shifted"}


def test_blocks_do_not_matter(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, variants, genome = SCORERS["cleavage"], drawn_variants(text, 9, seed=4), genome_of(tmp_path, text)
    whole = list(polya_effects(scorer, genome, variants, RULE))
    monkeypatch.setattr(polya, "VARIANTS_AT_ONCE", 2)
    assert list(polya_effects(scorer, genome, variants, RULE)) == whole


def test_the_other_strand_gives_the_mirrored_effects(tmp_path: Path, text: str) -> None:
    """Substitutions only: an insertion's reference place is that of the base before it, which has no mirror image."""
    scorer = SCORERS["hexamer"]
    variants = [v for v in drawn_variants(text, 40, seed=5) if len(v.ref) == len(v.alt)]
    assert len(variants) > 2
    mirrored = [
        Variant(
            "c", len(text) - v.end0, ".", *(reverse_complement(letters(a)).tobytes().decode() for a in (v.ref, v.alt))
        )
        for v in variants
    ]
    other = reverse_complement(letters(text)).tobytes().decode()
    here = [as_set(e) for _, e in polya_effects(scorer, genome_of(tmp_path, text), variants, RULE)]
    there = [as_set(e) for _, e in polya_effects(scorer, genome_of(tmp_path, other), mirrored, RULE)]
    turned = [{(len(text) - 1 - at, "-" if s == "+" else "+", *sites) for at, s, *sites in found} for found in there]
    assert here == turned


def test_a_variant_far_from_candidates_does_nothing(tmp_path: Path) -> None:
    genome = genome_of(tmp_path, "G" * 400)
    ((variant, effects),) = polya_effects(SCORERS["cleavage"], genome, [Variant("c", 200, ".", "G", "C")], RULE)
    assert (variant.start0, effects) == (200, [])


def test_the_table_says_what_is_missing(tmp_path: Path) -> None:
    variant = Variant("c", 9, "rs5", "A", "AT")
    effects = [
        Effect(variant, 20, "+", Site("AATAAA@-15", 1.0), Site("AATAAA@-15", -1.0)),
        Effect(variant, 21, "-", None, Site("ATTAAA@-20", 0.0)),
        Effect(variant, 22, "+", Site("ATTAAA@-20", 0.0), None),
    ]
    calibration = Calibration.of_task({"calibration": {"method": "platt", "slope": 2.0, "intercept": 0.0}}, "task.json")
    counts = write_effects(tmp_path / "e.tsv", [(variant, effects), (variant, [])], calibration)
    assert counts == {"variants": 2, "made": 1, "broken": 1, "shifted": 1}
    slight = write_effects(tmp_path / "f.tsv", [(variant, effects)], calibration, least_change=2.5)
    assert slight == {"variants": 1, "made": 1, "broken": 1, "slight": 1}
    header, *lines = [line.split("\t") for line in (tmp_path / "e.tsv").read_text().splitlines()]
    assert header == list(COLUMNS)
    table = [dict(zip(header, line, strict=True)) for line in lines]
    assert [row["effect"] for row in table] == ["shifted", "made", "broken"]
    assert (table[0]["pos"], table[0]["start0"], table[0]["delta_logit"]) == ("10", "20", "-2.000000")
    assert float(table[0]["delta_probability"]) == pytest.approx(1 / (1 + np.exp(2)) - 1 / (1 + np.exp(-2)), abs=1e-6)
    assert [table[1][key] for key in ("name_ref", "logit_ref", "probability_ref", "delta_logit")] == ["."] * 4
    assert table[1]["delta_probability"] == "0.500000"
    assert table[2]["delta_probability"] == "-0.500000"
