"""The shell of modules around foreign programs, run without Nextflow: exit statuses, files of odd forms."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from .runs import ROOT

READS = {"${meta.id}": "c", "${args}": "", "${fastq_1}": "r.fastq", "${task.cpus}": "1", "${threads}": "1"}
SINGLE = {
    "${mates}": "",
    "${fastq_2 ?: ''}": "",
    "${fastq_2}": "",
    "${fastq_2 ? \" or \\$(basename ${fastq_2})\" : ''}": "",
    "${paired ? \" or \\$(basename ${fastq_2})\" : ''}": "",
}
MALFORMED = {
    "cutadapt": "Error in FASTQ file at line 4: no",
    "fastp": "ERROR: sequence and quality have different length",
}


def shell_of(module: str, values: dict[str, str]) -> str:
    """The script block of a module with its Groovy expressions filled in, as bash reads it."""
    text = (ROOT / "modules" / "local" / module / "main.nf").read_text()
    found = re.search(r'script:\n.*?"""\n(.*?)\n    """', text, re.S)
    assert found
    script = found.group(1)
    for expression in sorted(values, key=len, reverse=True):
        script = script.replace(expression, values[expression])
    assert not re.search(r"(?<!\\)\$", script), script
    return script.replace("\\\\", "\\").replace("\\$", "$")


def run_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run as Nextflow does, programs of `folder` first."""
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    words = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", ["cutadapt", "fastp"])
@pytest.mark.parametrize(
    ("status", "is_malformed", "expected"),
    [(137, False, 137), (143, True, 143), (1, False, 1), (1, True, 65)],
)
def test_only_malformed_reads_end_a_trimmer_with_65(
    tmp_path: Path, program: str, status: int, is_malformed: bool, expected: int
) -> None:
    words = MALFORMED[program] if is_malformed else "Failed to write: no space left"
    stub = tmp_path / program
    stub.write_text(f"#!/bin/sh\necho '{words}' >&2\ntouch c_1.trimmed.fastq.gz c.fastp.json\nexit {status}\n")
    stub.chmod(0o755)
    (tmp_path / "r.fastq").write_text("@r\nA\n+\nI\n")
    done = run_shell(shell_of(program, {**READS, **SINGLE}), tmp_path)
    assert done.returncode == expected, done.stderr
    assert words in done.stderr
    assert ("valid FASTQ" in done.stderr) == (expected == 65)


@pytest.mark.parametrize("name", ['gene_id "G"; transcript_id "T 1";', "gene_id G; transcript_id T1; n 1;"])
def test_splice_sites_are_found_with_and_without_quotes(tmp_path: Path, name: str) -> None:
    exons = [(101, 200), (301, 400), (601, 700)]
    rows = [f"chr1\tx\texon\t{low}\t{high}\t.\t-\t.\t{name}\n" for low, high in exons]
    (tmp_path / "genes.gtf").write_text("".join(rows) + 'chr1\tx\texon\t900\t950\t.\t-\t.\tref_transcript_id "T 1";\n')
    done = run_shell(shell_of("hisat2/splicesites", {"${gtf}": "genes.gtf"}), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "splice_sites.tsv").read_text() == "chr1\t199\t300\t-\nchr1\t399\t600\t-\n"
