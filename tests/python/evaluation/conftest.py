"""A small made-up world: genes with overlapping windows on both strands, sites by a rule, scores that half know it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ribolm.alphabet import DRACH, letters, motif_starts
from ribolm.cli.evaluate import main
from ribolm.labels.folds import Folds, assign_folds, split_units, write_folds
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.sequences.universes import contexts_array, matches

GENE_NT, WINDOW_NT, STEP_NT, GAP_NT = 700, 300, 200, 300
GAP0 = 400  # each gene has an intron of 100 nt here


@dataclass(frozen=True)
class World:
    """A labelled store with folds and scores. `table`: chrom, start0, strand, context, is_site, is_known per place."""

    store: Path
    folds: Path
    table: pl.DataFrame
    gtf: Path

    def write_scores(self, path: Path, score: np.ndarray, rows: np.ndarray | None = None, **more: Any) -> Path:
        """Scores of places (of `rows`) as prediction writes them."""
        columns = [pl.Series("logit", score), pl.Series("probability", 1 / (1 + np.exp(-score)))]
        table = self.table if rows is None else self.table[rows]
        table.select("chrom", "start0", "strand", "context").with_columns(columns).write_parquet(path, **more)
        return path


def gene_sequence(rng: np.random.Generator) -> np.ndarray:
    return letters("ACGT")[rng.integers(4, size=GENE_NT)]


def site_places(sequence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """DRACH with GG before AC, or with a U three bases behind, are sites; a few others, too."""
    centres = motif_starts(sequence, DRACH) + 2
    centres = centres[(centres > 5) & (centres < GENE_NT - 6)]
    rule = (sequence[centres - 2] == ord("G")) & (sequence[centres - 1] == ord("G"))
    rule |= sequence[centres + 4] == ord("T")
    return centres[rng.random(len(centres)) < np.where(rule, 0.6, 0.05)]


def blocks_of(start0: int, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """Blocks of bases low … high - 1 of a gene, counted from its lowest coordinate, around its intron."""
    parts = [(max(low, a), min(high, b)) for a, b in ((0, GAP0), (GAP0, GENE_NT))]
    return tuple(
        (start0 + a + (100 if a >= GAP0 else 0), start0 + b + (100 if a >= GAP0 else 0)) for a, b in parts if a < b
    )


def make_world(folder: Path, n_genes: int = 24, seed: int = 1, planted: bool = False) -> World:
    """`planted`: the second half of the genes repeats the sequences of the first."""
    rng = np.random.default_rng(seed)
    tokenizer = make_tokenizer("nucleotide")
    sequences = [gene_sequence(rng) for _ in range(n_genes)]
    if planted:
        sequences[n_genes // 2 :] = sequences[: n_genes - n_genes // 2]
    places, gtf = [], []
    with StoreWriter(folder / "store", tokenizer, {"m6a": LabelSpec("token")}) as writer:
        for gene, sequence in enumerate(sequences):
            start0, strand = 1_000 + gene * (GENE_NT + 100 + GAP_NT), "+-"[gene % 2]
            sites = site_places(sequence, rng)
            called = np.zeros(GENE_NT, bool)
            called[sites] = True
            labels = np.where(called, 1.0, np.where(sequence == ord("A"), np.nan, 0.0)).astype(np.float32)
            for low in range(0, GENE_NT - WINDOW_NT + 1, STEP_NT):
                ends = (low, low + WINDOW_NT)
                genomic = ends if strand == "+" else (GENE_NT - ends[1], GENE_NT - ends[0])
                place = Place("chr1", strand, blocks_of(start0, *genomic), f"G{gene}", f"G{gene}")
                part = slice(*ends)
                name = f"G{gene}:{low}"
                writer.add(tokenizer.encode(sequence[part]), name, place, {"m6a": labels[part]})
            genome = np.concatenate([np.arange(a, b) for a, b in blocks_of(start0, 0, GENE_NT)])
            genome = genome if strand == "+" else genome[::-1]
            text = bytes(sequence).decode()
            padded = f"NN{text}NN"
            places += [
                ("chr1", int(genome[i]), strand, padded[i : i + 5], bool(called[i]), text[i] != "A" or bool(called[i]))
                for i in range(GENE_NT)
            ]
            gtf += gtf_lines(gene, start0, strand)
    (folder / "genes.gtf").write_text("\n".join(gtf) + "\n")
    store = TokenStore.open(folder / "store")
    names = store.names()
    unit = split_units(names, "gene")
    folds = Folds(assign_folds(unit, np.diff(store.offsets), 3, seed), unit, "gene")
    write_folds(folder / "folds.tsv", names, folds)
    columns = ["chrom", "start0", "strand", "context", "is_site", "is_known"]
    return World(
        folder / "store", folder / "folds.tsv", pl.DataFrame(places, columns, orient="row"), folder / "genes.gtf"
    )


def gtf_lines(gene: int, start0: int, strand: str) -> list[str]:
    attributes = f'gene_id "G{gene}"; transcript_id "T{gene}";'
    rows = [("exon", a, b) for a, b in blocks_of(start0, 0, GENE_NT)]
    rows += [("CDS", a, b) for a, b in blocks_of(start0, 150, 500)]
    return [f"chr1\tx\t{kind}\t{a + 1}\t{b}\t.\t{strand}\t.\t{attributes}" for kind, a, b in rows]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Callable[..., int]:
    def call(*words: object) -> int:
        return main([str(word) for word in words])

    return call


def drach_rows(world: World) -> np.ndarray:
    """Places of the narrowest universe."""
    return matches(contexts_array(np.array(world.table["context"].to_list(), dtype="S5")), DRACH).nonzero()[0]


def knowing(world: World, strength: float, seed: int) -> np.ndarray:
    """Scores of all places that know the truth by `strength` standard deviations; adenosines first."""
    is_site = world.table["is_site"].to_numpy()
    contexts = contexts_array(np.array(world.table["context"].to_list(), dtype="S5"))
    is_drach = matches(contexts, DRACH)
    noise = np.random.default_rng(seed).normal(size=len(is_site))
    return strength * is_site + noise + 2 * is_drach - 4


def words_of(world: World, scores: Sequence[tuple[str, Path]]) -> list[object]:
    named = [word for name, path in scores for word in ("--scores", f"{name}={path}")]
    return ["--store", world.store, "--folds", world.folds, *named]
