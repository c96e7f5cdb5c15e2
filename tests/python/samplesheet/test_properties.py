"""Any bytes at all: a samplesheet is either refused in one sentence or becomes tables that read back the same."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ribolm.console import Repairs
from ribolm.errors import DataError
from ribolm.samplesheet.columns import M6A, POLYA, RESM, json_schema
from ribolm.samplesheet.normalise import lanes_csv, pairs_csv, read_m6a_sheet

ROOT = Path(__file__).resolve().parents[3]
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
GOOD = (
    "sample,group,replicate,assay,fastq_1,fastq_2,bam,strandedness,batch\n"
    "a,g,1,ip,1_1.fq.gz,1_2.fq.gz,,,x\na,g,1,input,2.fastq,,,auto,\nb,h,1,ip,,,3.bam,reverse,\nb,h,1,input,4.fq,,,,\n"
)
FRAGMENTS = st.sampled_from(
    [
        *GOOD.replace("\n", ",").split(","),
        ",", '"', "\n", "\r", ";", "\t", " ", "#", "\0", "é", "\ufeff", "IP", "g;h", "9" * 9,
    ]
)  # fmt: skip


@pytest.fixture
def parse(tmp_path: Path) -> Callable[[bytes], tuple[str, str] | None]:
    """Parse bytes as a sheet: the two tables, or None when refused (in one line)."""

    def run(content: bytes) -> tuple[str, str] | None:
        sheet = tmp_path / "sheet.csv"
        sheet.write_bytes(content)
        try:
            libraries, pairs = read_m6a_sheet(sheet, Repairs(sheet))
        except DataError as error:
            assert "\n" not in str(error) and "sheet.csv" in str(error)
            return None
        return lanes_csv(libraries), pairs_csv(pairs)

    return run


def assert_sound(parse: Callable[[bytes], tuple[str, str] | None], content: bytes) -> None:
    tables = parse(content)
    if tables is None:
        return
    lanes, pairs = tables
    assert '"' not in lanes + pairs and "\r" not in lanes + pairs
    rows = list(csv.DictReader(io.StringIO(lanes)))
    assert all(None not in row and None not in row.values() for row in rows)
    names = {row["library"] for row in rows}
    for pair in csv.DictReader(io.StringIO(pairs)):
        assert {pair["ip"], *pair["input"].split(";")} <= names
    again = parse(lanes.encode())
    assert again is not None, "the normalised table is a valid sheet"
    assert [dict(row, row="") for row in csv.DictReader(io.StringIO(again[0]))] == [dict(row, row="") for row in rows]
    assert again[1] == pairs


@SHARED_FOLDER
@given(content=st.binary(max_size=300))
def test_any_bytes(parse: Callable[[bytes], tuple[str, str] | None], content: bytes) -> None:
    assert_sound(parse, content)


@settings(SHARED_FOLDER, max_examples=300)
@given(data=st.data())
def test_a_good_sheet_with_pieces_replaced(
    parse: Callable[[bytes], tuple[str, str] | None], data: st.DataObject
) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(FRAGMENTS) + text[end:]
    assert_sound(parse, text.encode(data.draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))))


NAMES = st.from_regex(r"\A[a-c][a-c0-9_.-]{0,3}\Z")


@SHARED_FOLDER
@given(
    replicates=st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=3, unique=True), min_size=1, max_size=3),
    lanes=st.integers(1, 2),
    paired=st.booleans(),
)
def test_every_regular_design_passes(
    parse: Callable[[bytes], tuple[str, str] | None], replicates: dict[str, list[str]], lanes: int, paired: bool
) -> None:
    lines = ["sample,group,replicate,assay,fastq_1,fastq_2"]
    for group, samples in replicates.items():
        for number, sample in enumerate(samples, start=1):
            for assay in ("ip", "input"):
                for lane in range(lanes):
                    stem = f"{group}/{sample}/{assay}{lane}"
                    lines.append(f"{sample},{group},{number},{assay},{stem}_1.fq,{f'{stem}_2.fq' if paired else ''}")
    tables = parse("\n".join(lines).encode())
    assert tables is not None
    n_replicates = sum(len(samples) for samples in replicates.values())
    rows = list(csv.DictReader(io.StringIO(tables[0])))
    assert len(rows) == len(lines) - 1
    assert len({row["library"] for row in rows}) == 2 * n_replicates
    assert len(tables[1].splitlines()) == n_replicates + 1


def test_the_published_schema_follows_the_declared_columns() -> None:
    published = json.loads((ROOT / "assets" / "schema_input.json").read_text("utf-8"))
    assert published == json_schema(), "write json.dumps(json_schema(), indent=4) to assets/schema_input.json"
    properties = [list(sheet["items"]["properties"]) for sheet in published["oneOf"]]
    assert properties == [[column.name for column in columns] for columns in (M6A, POLYA, RESM)]
