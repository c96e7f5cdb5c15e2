"""Section on embeddings: RNAs on the two directions of most variance, coloured by the types that their headers name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError, UsageError
from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import Section, slug, write_html, write_words
from ribolm.report.drawing.palette import BACKGROUND, GROUPS
from ribolm.report.resm.embedding_figure import draw_map
from ribolm.report.resm.named_structures import named_files
from ribolm.sequences.rna import read_rna
from ribolm.sequences.rna_types import UNKNOWN, type_of

Float64 = npt.NDArray[np.float64]

CHAPTER = "ribolm_rna_embeddings"
MAP = Section(
    "embedding_map",
    CHAPTER,
    "Maps of RNAs",
    "Each point is an RNA: the mean of a model's last hidden states over its bases, projected on the two directions "
    "of most variance (principal components). Colours are types that the headers of the FASTA name.",
    "Near points are alike to the model, by letters as much as by function: types that lie apart need not have been "
    "understood, and length and composition often make the first direction. The table of families tells how much is "
    "more than letters.",
)
OTHER = "other types"
SHOWN = len(GROUPS)


@dataclass(frozen=True)
class RnaMap:
    """`places` float64 [n, 2], `types` by RNA; `explained`: share of the variance on both axes."""

    name: str
    places: Float64
    types: tuple[str, ...]
    explained: tuple[float, float]

    def colours(self) -> dict[str, str]:
        """A colour for each of the most frequent types, the most frequent first; rarer ones share one."""
        counted = [name for name, _ in Counter(self.types).most_common() if name != UNKNOWN]
        found = dict(zip(counted[:SHOWN], GROUPS, strict=False))
        grey = ([OTHER] if counted[SHOWN:] else []) + ([UNKNOWN] if UNKNOWN in self.types else [])
        return {**found, **dict.fromkeys(grey, BACKGROUND)}


def read_maps(embeddings: Sequence[str], sequences: Sequence[str]) -> list[RnaMap]:
    """Maps of NAME=FILE pairs: tables of `ribolm-predict embed` and the FASTA of each.

    Raises UsageError for a text that is no NAME=FILE or names that do not fit, DataError for other files.
    """
    tables, fastas = named_files(embeddings, "--embeddings"), named_files(sequences, "--sequences")
    lacking = sorted(tables.keys() ^ fastas.keys())
    if lacking:
        raise UsageError(f"'{lacking[0]}' is named in one of --embeddings and --sequences alone. Give it in both.")
    return [_map(name, path, fastas[name]) for name, path in tables.items()]


def _map(name: str, table: Path, fasta: Path) -> RnaMap:
    names, vectors = read_embeddings(table)
    types = {record.name: type_of(record.description) for record in read_rna(fasta)}
    lost = next((one for one in names if one not in types), None)
    if lost is not None:
        raise DataError(f"{fasta.name}: has no record '{lost}' of {table.name}. Give the FASTA that was embedded.")
    places, explained = principal_components(vectors)
    return RnaMap(name, places, tuple(types[one] for one in names), explained)


def read_embeddings(table: Path) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Names and vectors float32 [n, D] of a table of `ribolm-predict embed`; DataError for anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(table)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{table.name}: is no parquet file ({error}). Give a table of `ribolm-predict embed`."
        ) from error
    if not {"name", "embedding"} <= set(found.column_names) or "token0" in found.column_names:
        raise DataError(f"{table.name}: is no table of one vector per RNA. Write it by `ribolm-predict embed`.")
    vectors = found["embedding"].combine_chunks()
    width = vectors.type.list_size
    return found["name"].to_pylist(), vectors.flatten().to_numpy().reshape(-1, width).astype(np.float32)


def principal_components(vectors: npt.NDArray[np.float32]) -> tuple[Float64, tuple[float, float]]:
    """Places float64 [n, 2] on the two directions of most variance, and their shares of it; zeros below 3 RNAs.

    The largest coordinate of each direction is positive, so that equal data give equal pictures.
    """
    if len(vectors) < 3:
        return np.zeros((len(vectors), 2)), (0.0, 0.0)
    from sklearn.decomposition import PCA

    fitted = PCA(n_components=2, svd_solver="full").fit(vectors.astype(np.float64))
    places = fitted.transform(vectors.astype(np.float64))
    sign = np.sign(fitted.components_[np.arange(2), np.abs(fitted.components_).argmax(axis=1)])
    shares = np.nan_to_num(fitted.explained_variance_ratio_)
    return places * sign, (float(shares[0]), float(shares[1]))


def write_embedding_section(outdir: Path, maps: Sequence[RnaMap]) -> None:
    """Write the section with a picture per set and model, embedding_map_<name>.png; small sets say so."""
    pictures = []
    for one in maps:
        if len(one.types) < 3:
            pictures.append(f"<p>{one.name}: {len(one.types)} RNAs are too few for a map.</p>")
            continue
        path = outdir / f"embedding_map_{slug(one.name)}.png"
        draw_map(path, one.name, one.places, _shown(one), one.colours(), one.explained)
        pictures.append(captioned(path, f"Map of the RNAs of {one.name}, coloured by type"))
    if not any(len(one.types) >= 3 for one in maps):
        write_words(outdir, MAP, "No set has three RNAs or more, which a map needs.")
        return
    write_html(outdir, MAP, "\n".join(pictures))


def _shown(one: RnaMap) -> list[str]:
    colours: Mapping[str, str] = one.colours()
    return [kind if kind in colours else OTHER for kind in one.types]
