"""`ribolm-preprocess samplesheet`: what it refuses, what it repairs, what it carries through."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ribolm.cli.preprocess import main

HEADER = "sample,group,replicate,assay,fastq_1,fastq_2,bam,strandedness"
GOOD = f"""{HEADER}
c1,control,1,ip,c1ip_1.fastq.gz,c1ip_2.fastq.gz,,
c1,control,1,input,c1in_1.fastq.gz,c1in_2.fastq.gz,,
c1,control,1,input,c1in_L2_1.fastq.gz,c1in_L2_2.fastq.gz,,
c2,control,2,ip,c2ip_1.fastq.gz,,,reverse
c2,control,2,input,,,c2in.bam,unstranded
"""
Outcome = tuple[int, str, Path]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str | bytes], Outcome]:
    def run(content: str | bytes) -> Outcome:
        sheet = tmp_path / "samples.csv"
        sheet.write_bytes(content.encode() if isinstance(content, str) else content)
        code = main(["samplesheet", "--sheet", str(sheet), "--outdir", str(tmp_path / "out")])
        return code, capsys.readouterr().err, tmp_path / "out"

    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle))


def swap(old: str, new: str, times: int = 1) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, times)


REFUSED = {
    "empty file": ("", "samples.csv: is empty"),
    "only blank lines": ("\n\n  \n,,,\n", "samples.csv: is empty"),
    "header alone": (HEADER + "\n", "has a header but no row"),
    "Excel workbook": (b"PK\x03\x04\x14\0\0\0", "spreadsheet .xlsx.*Save the sheet as 'CSV UTF-8"),
    "old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
    "binary file": (b"BAM\x01\0\0\0\0", "binary file"),
    "truncated gzip": (b"\x1f\x8b\x08\0\0\0\0\0", "gzip file ends too early"),
    "Latin-1 text": (GOOD.encode() + b"\xe9,control,3,ip,a.fq,,,\n", "samples.csv line 7: is not UTF-8"),
    "header typo": (swap("fastq_1", "fastq1"), "line 1, column 'fastq1'.*Did you mean 'fastq_1'"),
    "header typo in a required column": (swap("assay", "asay"), "line 1, column 'asay'.*Did you mean 'assay'"),
    "header typo in an optional column": (swap("strandedness", "strandness"), "Did you mean 'strandedness'"),
    "header of other pipelines": (swap("strandedness", "Strand"), "column 'Strand'.*Did you mean 'strandedness'"),
    "another header of other pipelines": (swap("strandedness", "library_type"), "Did you mean 'strandedness'"),
    "short header": (swap("replicate", "rep"), "line 1, column 'rep'.*Did you mean 'replicate'"),
    "missing column": ("\n".join(",".join(x.split(",")[1:]) for x in GOOD.split("\n")), "column 'sample' is missing"),
    "column twice": (swap("fastq_2", "fastq_1"), "column 'fastq_1': 'fastq_1' names two columns"),
    "another pipeline's sheet": ("Sample_ID,input_R1,ip_R1,Group_ID\na,b,c,d\n", "MeRIPseqPipe sheet"),
    "space separated": ("sample group assay fastq_1\na b ip a.fq\n", "Separate the columns by commas"),
    "value without column name": (
        "".join(f"{line}{',' if n == 0 else ',x'}\n" for n, line in enumerate(GOOD.splitlines())),
        "line 2, column '9': 'x' stands in a column without name",
    ),
    "row too short": (swap("c2in.bam,unstranded", "c2in.bam"), "line 6: 7 values, but the header has 8 columns"),
    "row too long": (swap("c2in.bam,unstranded", "c2in.bam,unstranded,x"), "line 6: 9 values"),
    "unclosed quote": (swap("c2in.bam", '"c2in.bam'), "line 6: the quotes do not match"),
    "unknown assay": (swap("control,2,ip", "control,2,chip"), "line 5, column 'assay': 'chip' is not ip or input"),
    "assay of another name": (swap("control,2,ip", "control,2,MeRIP"), "line 5, column 'assay': 'MeRIP'.*Write ip"),
    "empty assay": (swap("control,2,ip", "control,2,"), "line 5, column 'assay': '' is not"),
    "empty sample": (swap("c2,control,2,ip", ",control,2,ip"), "line 5, column 'sample': '' is empty"),
    "space in a name": (swap("c2,control", "c 2,control"), "column 'sample': 'c 2' holds.*Write for instance 'c_2'"),
    "slash in a name": (swap("control,1,ip", "con/trol,1,ip"), "line 2, column 'group': 'con/trol'"),
    "name like an option": (swap("c2,control", "-c2,control"), "line 5, column 'sample': '-c2'"),
    "name like a parent folder": (swap("c2,control", "..,control"), "line 5, column 'sample': '..'"),
    "endless name": (swap("c2,control", f"{'c' * 101},control"), "longer than 100"),
    "replicate zero": (swap("control,2,ip", "control,0,ip"), "line 5, column 'replicate': '0'"),
    "replicate negative": (swap("control,2,ip", "control,-1,ip"), "column 'replicate': '-1'.*Number the replicates"),
    "replicate fraction": (swap("control,2,ip", "control,1.5,ip"), "column 'replicate': '1.5'"),
    "replicate word": (swap("control,2,ip", "control,rep2,ip"), "column 'replicate': 'rep2'.*Write 2"),
    "replicate of foreign digits": (swap("control,2,ip", "control,٢,ip"), "column 'replicate': '٢'"),
    "replicate endless": (swap("control,2,ip", f"control,{'9' * 5000},ip"), "column 'replicate'"),
    "replicate in part of a group": (
        swap("control,2,ip", "control,,ip"),
        "line 5, column 'replicate': '' is empty, but",
    ),
    "unknown strandedness": (swap("reverse", "sideways"), "line 5, column 'strandedness': 'sideways' is not auto"),
    "strandedness of other tools": (swap("reverse", "fr-firststrand"), "'fr-firststrand'.*Write reverse"),
    "strandedness contradicts": (
        swap("c1in_1.fastq.gz,c1in_2.fastq.gz,,", "c1in_1.fastq.gz,c1in_2.fastq.gz,,forward").replace(
            "c1in_L2_2.fastq.gz,,", "c1in_L2_2.fastq.gz,,reverse"
        ),
        "line 4, column 'strandedness': 'reverse' contradicts 'forward' in line 3",
    ),
    "same file in two rows": (
        swap("c2ip_1", "c1ip_1"),
        "line 5, column 'fastq_1': 'c1ip_1.fastq.gz' is named already in line 2",
    ),
    "same file by another path": (swap("c2ip_1", "./x/../c1ip_1"), "line 5, column 'fastq_1'.*already in line 2"),
    "same file as both mates": (
        swap("c1ip_2", "c1ip_1"),
        "line 2, column 'fastq_2'.*already in line 2, column 'fastq_1'",
    ),
    "row twice": (GOOD + GOOD.splitlines()[1] + "\n", "line 7: repeats line 2"),
    "FASTQ and BAM in a row": (swap(",,c2in.bam", "a.fastq.gz,,c2in.bam"), "line 6, column 'bam'.*either FASTQ or BAM"),
    "FASTQ and BAM in a library": (
        swap("c1in_L2_1.fastq.gz,c1in_L2_2.fastq.gz,", ",,l2.bam"),
        "line 4, column 'bam': 'l2.bam' is BAM, but line 3 of the same library is FASTQ",
    ),
    "two BAMs in a library": (GOOD + "c2,control,2,input,,,l2.bam,\n", "line 7, column 'bam'.*samtools merge"),
    "no file at all": (swap(",,c2in.bam", ",,"), "line 6, column 'fastq_1': '' is empty, and so is column 'bam'"),
    "second mates alone": (swap("c2ip_1.fastq.gz,,", ",c2ip_1.fastq.gz,"), "line 5, column 'fastq_2'.*no first mates"),
    "lanes of two kinds": (swap("c1in_L2_2.fastq.gz", ""), "line 4, column 'fastq_2'.*single-end.*line 3.*paired-end"),
    "SAM for BAM": (swap("c2in.bam", "c2in.sam"), "line 6, column 'bam': 'c2in.sam' does not end in .bam. Convert"),
    "FASTA for FASTQ": (swap("c2ip_1.fastq.gz", "c2ip.fa.gz"), "line 5, column 'fastq_1'.*does not end in .fastq.gz"),
    "upper-case ending": (swap("c2ip_1.fastq.gz", "c2ip.FASTQ.GZ"), "Write the ending in lower case"),
    "home folder": (swap("c2ip_1.fastq.gz", "~/c2ip.fastq.gz"), "begins with ~"),
    "wildcard": (swap("c2ip_1.fastq.gz", "c2ip_*.fastq.gz"), r"holds '\*'"),
    "variable inside a path": (swap("c2ip_1.fastq.gz", "x/${Y}/c2.fastq.gz"), r"holds '\$'"),
    "Windows path": (swap("c2ip_1.fastq.gz", "C:\\d\\c2.fastq.gz"), "with / between folders"),
    "space in a file name": (swap("c2ip_1.fastq.gz", "c2 ip.fastq.gz"), "spaces or unusual characters"),
    "IP without input": (
        GOOD + "t1,treated,1,ip,t1.fastq.gz,,,\n",
        "line 7, column 'group': 'treated' has an IP library but no input. Add a row with assay input and group",
    ),
    "input without IP": (
        GOOD + "t1,treated,1,input,t.fq,,,\n",
        "line 7, column 'group': 'treated' has an input library",
    ),
    "two IPs of one replicate": (
        GOOD + "c9,control,1,ip,c9.fq,,,\n",
        "line 7, column 'replicate': '?1'? is ip of group",
    ),
    "input written for two groups": (
        "sample,group,replicate,assay,fastq_1\nx,a,1,ip,x.fq\ny,b,1,ip,y.fq\nz,a,1,input,z.fq\nz,b,1,input,z.fq\n",
        "line 5, column 'fastq_1': 'z.fq' is named already in line 4.*write the group 'a;b' in line 4 alone",
    ),
    "IP of two groups": (swap("c2,control,2,ip", "c2,control;b,2,ip"), "line 5, column 'group'.*only an input"),
    "group without a name": (swap("c2,control,2,input", "c2,control;,2,input"), "line 6, column 'group': '' is empty"),
    "shared input beside another": (
        GOOD + "t1,t,1,ip,t1.fq,,,\nt2,t;control,1,input,t2.fq,,,\n",
        "line 8, column 'replicate': '1' is input of group 'control' also for sample 'c1' in line 3",
    ),
    "groups that differ by case": (swap("c2,control", "c2,Control", 2), "line 5, column 'group'.*upper and lower case"),
    "library name twice": (
        GOOD + "a,b_ip,1,ip,1.fq,,,\na,b,1,ip,2.fq,,,\na_ip_rep1_b,b,2,ip,3.fq,,,\n"
        "a,b_ip,1,input,4.fq,,,\na,b,1,input,5.fq,,,\n",
        "line 9, column 'sample'.*library name 'a_ip_rep1_b_ip'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_one_sentence_and_writes_nothing(name: str, check: Callable[[str | bytes], Outcome]) -> None:
    content, sentence = REFUSED[name]
    code, stderr, out = check(content)
    assert code == 65, stderr
    assert stderr.count("\n") == 1 and stderr.startswith("ribolm-preprocess: error: ") and "samples.csv" in stderr
    assert re.search(sentence, stderr), stderr
    assert not out.exists() and not list(out.parent.glob(".out*"))


def test_refuses_a_missing_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samplesheet", "--sheet", str(tmp_path / "no.csv"), "--outdir", str(tmp_path / "out")]) == 65
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "repaired, told",
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), "byte-order mark removed"),
        (GOOD.replace("\n", "\r\n"), "Windows line ends"),
        (GOOD.replace("\n", "\r"), "old Macintosh line ends"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.replace(",", "\t"), "tab-separated"),
        (GOOD.replace(",", ";"), "semicolon-separated"),
        ("sep=;\n" + GOOD.replace(",", ";"), "semicolon-separated"),
        (GOOD.replace(",ip,", ", IP ,"), "values had spaces around them, removed .2, first at line 2"),
        (GOOD.replace("ip,", "IP,"), "values of 'assay' written in lower case"),
        (swap("reverse", "Reverse"), "values of 'strandedness' written in lower case"),
        (swap("sample,group", " Sample,GROUP "), "column names written in lower case"),
        (swap("fastq_1", "FASTQ 1"), "column names written in lower case"),
        (swap("control,2,ip", "control,02,ip"), "values of 'replicate' written as whole numbers"),
        (swap("control,2,ip", "control,2.0,ip"), "values of 'replicate' written as whole numbers"),
        (f"# made by hand\n\n{GOOD}\n,,,,,,,\n", "comment lines skipped"),
        ("".join(f"{line},\n" for line in GOOD.splitlines()), "empty columns without name left out"),
        ("\n".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"' for line in GOOD.splitlines()), ""),
    ],
)  # fmt: skip
def test_repairs_with_a_notice(repaired: str | bytes, told: str, check: Callable[[str | bytes], Outcome]) -> None:
    assert check(GOOD)[0] == 0
    expected = [{**row, "row": ""} for row in rows(check(GOOD)[2] / "lanes.csv")]
    code, stderr, out = check(repaired)
    assert code == 0, stderr
    assert re.search(told, stderr), stderr
    assert [{**row, "row": ""} for row in rows(out / "lanes.csv")] == expected


def test_writes_lanes_and_pairs(check: Callable[[str | bytes], Outcome]) -> None:
    code, stderr, out = check(GOOD)
    assert code == 0 and stderr == ""
    assert (out / "lanes.csv").read_text() == (
        "library,sample,group,replicate,assay,fastq_1,fastq_2,bam,strandedness,row\n"
        "c1_ip,c1,control,1,ip,c1ip_1.fastq.gz,c1ip_2.fastq.gz,,auto,2\n"
        "c1_input,c1,control,1,input,c1in_1.fastq.gz,c1in_2.fastq.gz,,auto,3\n"
        "c1_input,c1,control,1,input,c1in_L2_1.fastq.gz,c1in_L2_2.fastq.gz,,auto,4\n"
        "c2_ip,c2,control,2,ip,c2ip_1.fastq.gz,,,reverse,5\n"
        "c2_input,c2,control,2,input,,,c2in.bam,unstranded,6\n"
    )
    assert (out / "pairs.csv").read_text() == (
        "group,replicate,ip,input\ncontrol,1,c1_ip,c1_input\ncontrol,2,c2_ip,c2_input\n"
    )


def test_its_own_lanes_table_is_a_valid_sheet(check: Callable[[str | bytes], Outcome]) -> None:
    out = check(GOOD)[2]
    before = (out / "lanes.csv").read_bytes()
    code, stderr, _ = check(before)
    assert code == 0 and "columns that ribolm writes itself left out" in stderr
    assert (out / "lanes.csv").read_bytes() == before


def test_extra_columns_follow_and_never_need_quotes(check: Callable[[str | bytes], Outcome]) -> None:
    sheet = 'sample,group,assay,fastq_1,batch,"say ""hi"", you"\na,g,ip,1.fq,"x,y",\nb,g,input,2.fq,,z\n'
    code, stderr, out = check(sheet)
    assert code == 0 and "extra columns kept" in stderr and "commas and quotes" in stderr
    lines = (out / "lanes.csv").read_text().splitlines()
    assert lines[0].endswith(",row,batch,say 'hi'; you")
    assert [line.split(",")[-2:] for line in lines[1:]] == [["x;y", ""], ["", "z"]]


def test_one_replicate_needs_no_number(check: Callable[[str | bytes], Outcome]) -> None:
    code, stderr, out = check("sample,group,assay,fastq_1\na,g,ip,1.fq\nb,g,input,2.fq\nb,g,input,3.fq\n")
    assert code == 0 and "given replicate 1 (3" in stderr
    assert (out / "pairs.csv").read_text().splitlines()[1:] == ["g,1,a_ip,b_input"]


def test_many_samples_without_numbers_are_refused(check: Callable[[str | bytes], Outcome]) -> None:
    code, stderr, _ = check("sample,group,assay,fastq_1\na,g,ip,1.fq\nb,g,ip,2.fq\nc,g,input,3.fq\n")
    assert code == 65 and "line 2, column 'replicate': '' is empty, but group 'g' has 2 ip samples (a, b)" in stderr


@pytest.mark.parametrize(
    "inputs, expected",
    [
        ((1,), ["s1_input_rep1", "s1_input_rep1", "s1_input_rep1"]),
        ((1, 9), ["s1", "s9", "s9"]),
        ((4, 9), ["s4;s9"] * 3),
    ],
)
def test_inputs_are_shared_within_a_group(
    inputs: tuple[int, ...], expected: list[str], check: Callable[[str | bytes], Outcome]
) -> None:
    lines = [f"s{n},g,{n},ip,{n}.fq" for n in (1, 2, 3)] + [f"s{n},g,{n},input,i{n}.fq" for n in inputs]
    code, stderr, out = check("sample,group,replicate,assay,fastq_1\n" + "\n".join(lines))
    assert code == 0 and "use the inputs of their group" in stderr
    found = [row["input"] for row in rows(out / "pairs.csv")]
    assert [name.replace("_input", "").replace("_rep1", "") for name in found] == [
        name.replace("_input_rep1", "") for name in expected
    ]


def test_one_input_serves_several_groups(check: Callable[[str | bytes], Outcome]) -> None:
    lines = ["a1,a,1,ip,a1.fq", "b1,b,1,ip,b1.fq", "b2,b,2,ip,b2.fq", "b2,b,2,input,b2i.fq"]
    lines += ["s,b; a,1,input,s_L1.fq", "s,a;b,1,input,s_L2.fq"]
    code, stderr, out = check("sample,group,replicate,assay,fastq_1\n" + "\n".join(lines))
    assert code == 0 and "'group' written in order" in stderr and "in no call" not in stderr
    assert [(row["library"], row["group"], row["fastq_1"]) for row in rows(out / "lanes.csv")][-2:] == [
        ("s_input", "a;b", "s_L1.fq"),
        ("s_input", "a;b", "s_L2.fq"),
    ]
    assert [(row["group"], row["ip"], row["input"]) for row in rows(out / "pairs.csv")] == [
        ("a", "a1_ip", "s_input"),
        ("b", "b1_ip", "s_input"),
        ("b", "b2_ip", "b2_input"),
    ]
    before = (out / "lanes.csv").read_bytes()
    assert check(before)[0] == 0 and (out / "lanes.csv").read_bytes() == before


def test_a_shared_input_is_unnumbered_where_its_groups_are(check: Callable[[str | bytes], Outcome]) -> None:
    sheet = "sample,group,assay,fastq_1\nx,a,ip,x.fq\ny,b,ip,y.fq\nz,a;b,input,z.fq\n"
    code, _, out = check(sheet)
    assert code == 0 and [row["input"] for row in rows(out / "pairs.csv")] == ["z_input", "z_input"]


def test_an_input_that_no_ip_uses_is_told_of(check: Callable[[str | bytes], Outcome]) -> None:
    lines = [f"s{n},g,{n},ip,{n}.fq" for n in (1, 2)] + [f"s{n},g,{n},input,i{n}.fq" for n in (1, 2, 3, 4)]
    code, stderr, out = check("sample,group,replicate,assay,fastq_1\n" + "\n".join(lines))
    assert code == 0
    assert "input libraries are in no call of peaks" in stderr and "line 6 (s3_input), line 7 (s4_input)" in stderr
    assert [row["input"] for row in rows(out / "pairs.csv")] == ["s1_input", "s2_input"]


def test_library_names_grow_only_where_needed(check: Callable[[str | bytes], Outcome]) -> None:
    lines = [f"a,g,{n},{assay},{assay}{n}.fq" for n in (1, 2) for assay in ("ip", "input")]
    lines += [f"a,h,2,{assay},h{assay}.fq" for assay in ("ip", "input")] + ["b,h,3,ip,b.fq"]
    _, _, out = check("sample,group,replicate,assay,fastq_1\n" + "\n".join(lines))
    names = [row["library"] for row in rows(out / "lanes.csv")]
    assert names == [
        "a_ip_rep1",
        "a_input_rep1",
        "a_ip_rep2_g",
        "a_input_rep2_g",
        "a_ip_rep2_h",
        "a_input_rep2_h",
        "b_ip",
    ]


def test_paths_addresses_and_variables_stay_as_written(check: Callable[[str | bytes], Outcome]) -> None:
    files = ["../my data/a.fq.gz", "s3://bucket/b.fastq.gz", "${DATA_DIR}/c.fq"]
    lines = [f"a,g,ip,{files[0]}", f"b,g,input,{files[1]}", f"b,g,input,{files[2]}"]
    code, stderr, out = check("sample,group,assay,fastq_1\n" + "\n".join(lines))
    assert code == 0, stderr
    assert [row["fastq_1"] for row in rows(out / "lanes.csv")] == files


def test_a_link_is_the_same_file(tmp_path: Path, check: Callable[[str | bytes], Outcome]) -> None:
    (tmp_path / "a.fq").touch()
    (tmp_path / "b.fq").symlink_to("a.fq")
    code, stderr, _ = check("sample,group,assay,fastq_1\na,g,ip,a.fq\nb,g,input,b.fq\n")
    assert code == 65 and "line 3, column 'fastq_1': 'b.fq' is named already in line 2" in stderr
