"""Small data sets for every task of track resm, with known truth: RNAs, structures, families, values, interactions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ribolm.files import atomic_directory, write_json
from ribolm.labels.structure.dot_bracket import parse_brackets, write_brackets, write_dot_bracket
from ribolm.labels.structure.pairs import UNPAIRED, Structure
from ribolm.simulation.resm_options import ResmOptions
from ribolm.simulation.resm_pairs import PAIR_RULE, pair_lines
from ribolm.simulation.resm_rnas import KINDS, draw_shape, draw_structure, fill, relative
from ribolm.simulation.resm_values import VALUE_RULE, value_lines
from ribolm.simulation.streams import stream
from ribolm.simulation.text_files import deterministic_gzip, write_lines

SHAPES_PER_KIND = 3  # RNAs to pretrain on are relatives, so that there is something to learn
LOST = 0.06  # share of unpaired columns that a member of a family lacks
SHEET = (
    "sample,task,split,path,value,group",
    "rnas,pretrain,train,rnas.train.fa.gz,,",
    "rnas,pretrain,test,rnas.test.fa.gz,,",
    "known,structure,train,structures.train.dbn,,",
    "known,structure,validation,structures.validation.dbn,,",
    "known,structure,test,structures.test.dbn,,prefix",
    "load,regression,,load.csv,load,gene",
    "families,families,,families.sto,,",
    "pairs,interactions,,pairs.csv,,",
    "mine,predict,,mine.fa,,",
)


def simulate_resm(options: ResmOptions, outdir: Path) -> str:
    """Write samplesheet.csv, the files that it names and truth/ into a folder.

    Returns one sentence of what it holds. The same options give the same bytes.
    """
    known = [
        draw_structure(stream(options.seed, "resm", "structure", str(i)), kind, f"{kind}_{i + 1:03d}")
        for i, kind in enumerate((KINDS * options.structures)[: options.structures])
    ]
    parts = _parts(known)
    with atomic_directory(outdir) as folder:
        for name, records in zip(("train", "test"), _rnas(options), strict=True):
            with deterministic_gzip(folder / f"rnas.{name}.fa.gz") as handle:
                handle.writelines(f"{record}\n".encode() for record in records)
        for split, structures in parts.items():
            write_dot_bracket(folder / f"structures.{split}.dbn", structures)
        write_lines(folder / "families.sto", _family_lines(options))
        write_lines(folder / "load.csv", value_lines(options))
        write_lines(folder / "pairs.csv", pair_lines(options))
        write_lines(folder / "mine.fa", (f">{one.name} type={_kind(one)}\n{one.letters}" for one in parts["test"]))
        write_lines(folder / "samplesheet.csv", SHEET)
        write_dot_bracket(folder / "truth" / "mine.dbn", parts["test"])
        write_json(folder / "truth" / "parameters.json", _parameters(options, parts))
    counts = f"{options.rnas} RNAs, {len(known)} structures, {len(KINDS)} families, {options.values} values"
    return f"{counts}, {options.interactions} interactions: {outdir}"


def _parts(known: list[Structure]) -> dict[str, list[Structure]]:
    """Three fifths to train on, one to choose by, one to test, of every kind as evenly as they come."""
    n_test = n_validation = max(len(known) // 5, 1)
    n_train = len(known) - n_test - n_validation
    ends = (0, n_train, n_train + n_validation, len(known))
    return {name: known[ends[i] : ends[i + 1]] for i, name in enumerate(("train", "validation", "test"))}


def _kind(structure: Structure) -> str:
    return structure.name.rpartition("_")[0]


def _rnas(options: ResmOptions) -> tuple[list[str], list[str]]:
    """Records to learn from and to be scored, relatives of a few ancestors of each kind, which headers name."""
    random = stream(options.seed, "resm", "rnas")
    partners = [parse_brackets(draw_shape(random, kind)) for kind in KINDS for _ in range(SHAPES_PER_KIND)]
    ancestors = [fill(random, partner) for partner in partners]
    records = []
    for i in range(options.rnas):
        place = i % len(partners)
        letters = relative(random, ancestors[place], partners[place]).tobytes().decode()
        records.append(f">rna_{i + 1:05d} type={KINDS[place // SHAPES_PER_KIND]}\n{letters}")
    n_test = max(options.rnas // 6, 1)
    return records[:-n_test], records[-n_test:]


def _family_lines(options: ResmOptions) -> Iterator[str]:
    """One Stockholm alignment per kind: members without some unpaired columns, and the structure of all."""
    for number, kind in enumerate(KINDS, start=1):
        random = stream(options.seed, "resm", "family", kind)
        partner = parse_brackets(draw_shape(random, kind))
        ancestor = fill(random, partner)
        yield "# STOCKHOLM 1.0\n"
        yield f"#=GF ID   {kind}_family\n#=GF AC   SIM{number:05d}"
        yield f"#=GF DE   Simulated {kind}\n#=GF TP   Gene; {kind};\n"
        for member in range(options.members):
            letters = relative(random, ancestor, partner)
            letters[(partner == UNPAIRED) & (random.random(len(letters)) < LOST)] = ord("-")
            length = int((letters != ord("-")).sum())
            yield f"{kind}.{member + 1:02d}/1-{length}".ljust(32) + letters.tobytes().decode()
        yield "#=GC SS_cons".ljust(32) + _wuss(partner)
        yield "//"


def _wuss(partner: np.ndarray) -> str:
    """The structure as Rfam writes it: nested pairs in <>, crossing ones in letters."""
    text = write_brackets(Structure("family", "N" * len(partner), partner))
    return text.translate(str.maketrans("()[]", "<>Aa"))


def _parameters(options: ResmOptions, parts: dict[str, list[Structure]]) -> dict[str, object]:
    return {
        "options": dataclasses.asdict(options),
        "kinds": list(KINDS),
        "structures": {name: len(structures) for name, structures in parts.items()},
        "rules": {"values": VALUE_RULE, "interactions": PAIR_RULE},
    }
