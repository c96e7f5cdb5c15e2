"""Do two files speak of the same contigs? Asked first, because every later error would be cryptic."""

from collections.abc import Mapping, Sequence

from ribolm.errors import DataError

SHOWN = 5


def require_shared_contigs(label_a: str, names_a: Sequence[str], label_b: str, names_b: Sequence[str]) -> None:
    """Raise DataError, printing both lists, when two files have no contig name in common.

    Labels name the kind and the file ("FASTA genome.fa"). An empty list on either side is no contradiction.
    """
    if not names_a or not names_b or set(names_a) & set(names_b):
        return
    raise DataError(
        f"No contig name is shared: {label_a} has {shown(names_a)}; {label_b} has {shown(names_b)}. "
        f"{_remedy(names_a, names_b)}"
    )


def require_one_naming_style(label_a: str, names_a: Sequence[str], label_b: str, names_b: Sequence[str]) -> None:
    """Raise DataError, printing both lists, when a name of b is missing in a only because of a "chr" (or of M for MT).

    Files may share odd scaffolds and still call every chromosome differently.
    """
    known = set(names_a)
    other_style = [name for name in names_b if name not in known and known & set(_other_style(name))]
    if other_style:
        there = [twin for name in other_style for twin in _other_style(name) if twin in known]
        raise DataError(
            f"The same contigs have two names: {label_a} has {shown(there)}; {label_b} has {shown(other_style)}. "
            "One file writes 'chr' before the names and the other does not; use files of one naming style."
        )


def _other_style(name: str) -> tuple[str, ...]:
    bare = name.removeprefix("chr")
    twin = {"M": "MT", "MT": "M"}.get(bare)
    spellings = (bare, f"chr{bare}") + ((twin, f"chr{twin}") if twin else ())
    return tuple(spelling for spelling in spellings if spelling != name)


def require_equal_lengths(
    label_a: str, lengths_a: Mapping[str, int], label_b: str, lengths_b: Mapping[str, int]
) -> None:
    """Raise DataError when a contig of both files has two lengths, the sign of another genome build."""
    for name, length_nt in lengths_a.items():
        if name in lengths_b and lengths_b[name] != length_nt:
            raise DataError(
                f"Contig '{name}' is {length_nt:,} nt long in {label_a} but {lengths_b[name]:,} nt in {label_b}. "
                "The files belong to different genome builds; use files of one build."
            )


def shown(names: Sequence[str]) -> str:
    """The first names of a list, for a message."""
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + more


def _remedy(names_a: Sequence[str], names_b: Sequence[str]) -> str:
    stripped_a = {name.removeprefix("chr") for name in names_a}
    stripped_b = {name.removeprefix("chr") for name in names_b}
    if stripped_a & stripped_b:
        return "One file writes 'chr' before the names and the other does not; use files of one naming style."
    return "Use files of the same genome and the same naming style."
