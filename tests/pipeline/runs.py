"""One run of the pipeline by a real Nextflow: how it is started and what it leaves behind."""

import csv
import os
import shutil
import signal
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "m6a"
TOOLS = ("hisat2", "fastp", "samtools", "multiqc")
PIPELINE = ("assets", "bin", "conf", "docs", "modules", "subworkflows", "workflows", "main.nf", "nextflow.config")
HEADER = "sample,group,replicate,assay,fastq_1,fastq_2,bam,strandedness"
# runs this short spend more on Java's second compiler than they gain, and a fifth of their time on a small heap
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms1500m -Xmn1g"
QUICK_START = {"NXF_ANSI_LOG": "false", "JDK_JAVA_OPTIONS": JAVA}
# seconds that a stub run (one to two minutes beside another) and a real one may take
STUB_S, REAL_S = 420, 1800
# modes in which Nextflow 25.04 to 26 run: parser, parameters as text
MODES = {
    "v1": {},
    "v2": {"NXF_SYNTAX_PARSER": "v2"},
    "strings": {"NXF_DISABLE_PARAMS_TYPE_DETECTION": "true"},
    "v2-strings": {"NXF_SYNTAX_PARSER": "v2", "NXF_DISABLE_PARAMS_TYPE_DETECTION": "true"},
}


# choices of parameters by name, and a profile; what is said of each, nothing of what is accepted
Refusals = Callable[[Mapping[str, Sequence[str]], str], dict[str, str]]


@dataclass
class Run:
    """One finished run: exit status, all it printed, its trace and its results."""

    status: int
    text: str
    outdir: Path
    trace: list[dict[str, str]] = field(default_factory=list)

    def tasks(self, *states: str) -> Counter[str]:
        """Number of tasks of each process, of the given states (all when none is given)."""
        rows = [row for row in self.trace if not states or row["status"] in states]
        return Counter(row["name"].split(" ")[0].split(":")[-1] for row in rows)

    def files(self) -> set[str]:
        """Paths of all published files, relative to the results."""
        return {str(path.relative_to(self.outdir)) for path in self.outdir.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Launcher:
    """Starts runs in their own folder; `pipeline` is the copy or the repository that holds main.nf."""

    nextflow: Path
    pipeline: Path
    folder: Path

    def command(self, options: list[str], profile: str) -> list[str]:
        """The command line of a run whose trace lies in the folder of the run."""
        trace = ["-with-trace", str(self.folder / "trace.txt")]
        return [str(self.nextflow), "run", str(self.pipeline), "-profile", profile, *trace, *options]

    def start(self, *options: str, env: dict[str, str] | None = None, profile: str = "test,local") -> subprocess.Popen:
        """Start a run in its own process group and return at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            self.command(["--outdir", str(self.folder / "results"), *options], profile),
            cwd=self.folder,
            env={**os.environ, **QUICK_START, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str, env: dict[str, str] | None = None, profile: str = "test,local") -> Run:
        """Run to the end; a stub run that stands still is told of and started once more."""
        stub = "-stub-run" in options
        for start in range(2 if stub else 1):
            process = self.start(*options, env=env, profile=profile)
            try:
                text, _ = process.communicate(timeout=STUB_S if stub else REAL_S)
            except subprocess.TimeoutExpired:
                warnings.warn(f"Nextflow stood still at start {start + 1}: {self.standstill(process)}", stacklevel=2)
            else:
                return Run(process.returncode, text, self.folder / "results", read_trace(self.folder / "trace.txt"))
        raise AssertionError(f"Nextflow stood still in {self.folder}: see the warnings")

    def standstill(self, process: subprocess.Popen) -> str:
        """Stop a run that stands still and tell what it was at: its printed lines, its log's end, its processes."""
        listed = subprocess.run(["ps", "axo", "pid,sid,stat,etime,args"], capture_output=True, text=True, check=True)
        alive = [line for line in listed.stdout.splitlines() if f" {process.pid} " in line]
        os.killpg(process.pid, signal.SIGQUIT)  # Java prints what every thread waits for
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        log = (self.folder / ".nextflow.log").read_text().splitlines()[-60:]
        shutil.rmtree(self.folder / "results", ignore_errors=True)
        (self.folder / "trace.txt").unlink(missing_ok=True)
        return "\n".join([text, *log, *alive])

    def run_until(self, process_name: str, *options: str) -> None:
        """Run until the first task of a process is submitted, then kill Nextflow and its tasks at once."""
        process = self.start(*options)
        assert process.stdout
        for line in process.stdout:
            if process_name in line and "Submitted" in line:
                time.sleep(0.2)
                os.killpg(process.pid, signal.SIGKILL)
                break
        process.stdout.close()
        process.wait()
        assert process.returncode == -signal.SIGKILL, f"ended before {process_name}"


def read_trace(path: Path) -> list[dict[str, str]]:
    """Rows of a trace file; none where a run stopped before its first task."""
    if not path.exists():
        return []
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def reads(library: str, mate: int) -> Path:
    """Simulated FASTQ of a library such as control_1.ip."""
    return DATA / "fastq" / f"{library}_{mate}.fastq.gz"
