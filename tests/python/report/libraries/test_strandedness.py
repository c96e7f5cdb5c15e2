"""The strandedness of libraries in the report."""

import json
from collections.abc import Callable
from pathlib import Path


def test_the_table_says_that_its_values_are_inferred(command: Callable[..., int], tmp_path: Path) -> None:
    """The samplesheet may say otherwise, and peak calling follows it."""
    found = {"library": "a", "strandedness": "reverse", "fragments": 90, "fraction_reverse": 0.9, "reason": "r"}
    (tmp_path / "a.json").write_text(json.dumps(found))
    assert command("strandedness", "--json", tmp_path / "a.json", "--outdir", tmp_path / "out") == 0
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert "Value used" not in "".join(written.values())
    table = json.loads(written["strandedness_table_mqc.json"])
    assert table["headers"]["strandedness"]["title"] == "Inferred"
