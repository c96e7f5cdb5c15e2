"""Maps of embeddings: types from headers, the same picture for the same vectors, small and odd inputs."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ribolm.cli.report import main
from ribolm.report.resm.embedding_sections import OTHER, RnaMap, principal_components, read_maps

TYPES = ("tRNA", "snoRNA")


def written(folder: Path, n: int, width: int = 6) -> list[str]:
    """Arguments for a table of two clouds of vectors and its FASTA."""
    random = np.random.default_rng(1)
    vectors = random.normal(size=(n, width)) + 8 * (np.arange(n) % 2)[:, None]
    names = [f"r{i}" for i in range(n)]
    values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float32).ravel()), width)
    pq.write_table(pa.table({"name": names, "embedding": values}), folder / "mine.parquet")
    text = "".join(f">{name} type={TYPES[i % 2]}\nACGU\n" for i, name in enumerate(names))
    (folder / "mine.fa").write_text(text)
    return ["--embeddings", f"mine={folder / 'mine.parquet'}", "--sequences", f"mine={folder / 'mine.fa'}"]


def test_types_of_headers_lie_apart_where_vectors_do(tmp_path: Path) -> None:
    arguments = written(tmp_path, 40)
    (found,) = read_maps(arguments[1:2], arguments[3:4])
    first = found.places[:, 0]
    kinds = np.array(found.types)
    assert min(abs(first[kinds == "tRNA"].mean() - first[kinds == "snoRNA"].mean()), 99) > 10
    assert found.explained[0] > 0.5 and set(found.colours()) == set(TYPES)
    out = tmp_path / "report"
    assert main(["embedding", *arguments, "--outdir", str(out)]) == 0
    assert (out / "embedding_map_mine.png").stat().st_size > 5_000
    assert json.loads((out / "embedding_map_mqc.json").read_text())["data"].count("<img") == 1


def test_two_rnas_are_no_map(tmp_path: Path) -> None:
    assert main(["embedding", *written(tmp_path, 2), "--outdir", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "embedding_map_mqc.json").read_text()
    assert "No set has three RNAs or more" in text


def test_axes_do_not_flip_and_rare_types_share_a_colour() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    places, _ = principal_components(vectors)
    again, _ = principal_components(vectors.copy())
    assert (places == again).all()
    many = RnaMap("x", np.zeros((12, 2)), (*(f"t{i}" for i in range(11)), "unknown"), (0.5, 0.2))
    assert list(many.colours())[-2:] == [OTHER, "unknown"] and len(many.colours()) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda folder: (folder / "mine.fa").write_text(">other\nACGU\n"),
            "mine.fa: has no record 'r0' of mine.parquet",
        ),
        (lambda folder: (folder / "mine.parquet").write_text("x"), "mine.parquet: is no parquet file"),
        (
            lambda folder: pq.write_table(pa.table({"name": ["a"]}), folder / "mine.parquet"),
            "is no table of one vector",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: object, message: str
) -> None:
    arguments = written(tmp_path, 4)
    change(tmp_path)  # type: ignore[operator]
    assert main(["embedding", *arguments, "--outdir", str(tmp_path / "report")]) == 65
    assert message in capsys.readouterr().err
