"""The type of an RNA (tRNA, snoRNA, …): said by a table, or by the header of its FASTA record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ribolm.errors import DataError, bad_value
from ribolm.files import open_text
from ribolm.sequences.rna import RnaRecord

UNKNOWN = "unknown"
# classes of INSDC's ncRNA_class and features, and what RNAcentral and Rfam call RNAs beside them
TYPES = (
    "antisense_RNA", "autocatalytically_spliced_intron", "circRNA", "CRISPR_RNA", "guide_RNA", "hammerhead_ribozyme",
    "lincRNA", "lncRNA", "miRNA", "microRNA", "misc_RNA", "mRNA", "ncRNA", "other", "piRNA", "pre_miRNA",
    "precursor_RNA", "RNase_MRP_RNA", "RNase_P_RNA", "rRNA", "rasiRNA", "ribozyme", "riboswitch", "scaRNA", "scRNA",
    "siRNA", "snRNA", "snoRNA", "SRP_RNA", "sRNA", "telomerase_RNA", "tmRNA", "tRNA", "vault_RNA", "Y_RNA",
)  # fmt: skip
_BY_LOWER = {name.lower(): name for name in TYPES}
_SAID = re.compile(r"(?:^|[\s|;])(?:rna_)?type[=:]([^\s|;]+)", re.IGNORECASE)


def type_of(description: str) -> str:
    """The type that a header's description names: `type=…`, else the first word that is a type; `unknown` without."""
    if said := _SAID.search(description):
        return said.group(1)
    words = (_BY_LOWER.get(word.strip(",;()").lower()) for word in description.split())
    return next((word for word in words if word), UNKNOWN)


def types_of(records: Iterable[RnaRecord], table: Path | None = None) -> list[str]:
    """The type of every record, by a table of names and types where one is given, else by its header.

    The table is tab-separated with the header `name	type`. Raises DataError for another table, a name that occurs
    twice in it, and a record that it leaves out.
    """
    if table is None:
        return [type_of(record.description) for record in records]
    known = _read_types(table)
    types = []
    for record in records:
        if record.name not in known:
            raise DataError(f"{table.name}: has no type of record '{record.name}'. Add a row, or leave out --types.")
        types.append(known[record.name])
    return types


def _read_types(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    with open_text(path) as handle:
        header = handle.readline().rstrip("\n").split("\t")
        if header[:2] != ["name", "type"]:
            raise DataError(f"{path.name} line 1: begins {header[:2]}, not with the columns name and type. Name them.")
        for number, line in enumerate(handle, 2):
            cells = line.rstrip("\n").split("\t")
            if not line.strip():
                continue
            if len(cells) < 2 or not cells[1]:
                raise bad_value(path, number, "type", "", "says nothing", "Give the type, or 'unknown'.")
            if cells[0] in found:
                raise bad_value(path, number, "name", cells[0], "occurs twice", "Leave one row of it.")
            found[cells[0]] = cells[1]
    return found
