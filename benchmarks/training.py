"""Training tokens per second of ribolm's loop beside transformers' Trainer, on the same weights and sequence lengths.

    python benchmarks/training.py --scratch /tmp/ribolm-benchmark --data ../shared/data

Masked language modelling, fp32 on the CPU, one epoch of the same sequences with the same tokens per micro-batch and per
step, AdamW, clipping and a cosine schedule for all. Peers: `Trainer` with `EsmForMaskedLM` (SDPA) and
`DataCollatorForLanguageModeling`, with and without length grouping. Lengths are real: the tiles under peaks of chr22
(as ribolm trains), and whole peaks of a fetal tissue cut at 510 nt. Letters are random; they do not change the work.
Every run is a child process, contenders take turns. Writes benchmarks/results/training.md.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "training.md"
WINDOW_NT = 510
TOKENS_PER_MICRO_BATCH, MICRO_BATCHES = 4096, 4
WARM_UP_STEPS = 2
CONTENDERS = {
    "ribolm": "`ribolm-train pretrain`'s loop",
    "grouped": "`Trainer`, length grouping",
    "plain": "`Trainer`, no grouping",
}


def tile_lengths(data: Path) -> np.ndarray:
    """Nucleotides of the tiles under the peaks of merip_chr22, in exon space."""
    from ribolm.sequences.corpus import CorpusOptions, tokenize_peaks
    from ribolm.sequences.store import TokenStore
    from ribolm.sequences.tokenizers import make_tokenizer

    peaks = data / "m6a/golden_exomePeak2/MeRIPseqPipe_chr22_peaks_control_gc_poisson.bed"
    fasta, gtf = (
        data / "m6a/ref" / name for name in ("hg38_chr22_consensus.padded.fa.gz", "hg38_chr22_10.5-26M.gtf.gz")
    )
    out = Path(os.environ["TMPDIR"]) / "tiles"
    tokenize_peaks([peaks], fasta, gtf, make_tokenizer("nucleotide"), CorpusOptions(WINDOW_NT, 128), out)
    return np.diff(TokenStore.open(out).offsets)


def peak_lengths(data: Path) -> np.ndarray:
    """Nucleotides of whole peaks of one fetal brain, cut at the window."""
    path = data / "m6a/narrowPeak/xiao_fetaltissues_2019__brain19_1.macs2_peaks.narrowPeak.gz"
    with gzip.open(path, "rt") as lines:
        places = [line.split("\t")[1:3] for line in lines if not line.startswith("#")]
    return np.minimum([int(end) - int(start) for start, end in places], WINDOW_NT)


def write_inputs(lengths: np.ndarray, tokens: int, folder: Path, preset: str) -> None:
    """A token store of about so many tokens with lengths drawn from the real ones, and a model directory."""
    from ribolm.models.network import MASKED_LM, new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.weights import save_model
    from ribolm.sequences.store import StoreWriter
    from ribolm.sequences.tokenizers import make_tokenizer

    random = np.random.default_rng(1)
    drawn = random.choice(lengths, max(1, round(tokens / (lengths.mean() + 2))))
    tokenizer = make_tokenizer("nucleotide")
    offsets = np.concatenate(([0], np.cumsum(drawn)))
    bases = random.choice(np.asarray(tokenizer.base_ids), offsets[-1]).astype(np.uint8)
    with StoreWriter(folder / "store", tokenizer) as writer:
        writer.add_batch(bases, offsets, [f"row_{i}" for i in range(len(drawn))])
    save_model(folder / "model", new_network(preset_config(preset, tokenizer), MASKED_LM, 1), tokenizer)


def run_ribolm(folder: Path) -> dict[str, float]:
    """One epoch of our loop after a short warm-up: tokens without padding, and seconds."""
    from ribolm.models.weights import load_model
    from ribolm.sequences.store import TokenStore
    from ribolm.training.feed.batches import Feed
    from ribolm.training.objectives.masked_tokens import MaskedTokens
    from ribolm.training.run.parameters import parameter_groups
    from ribolm.training.run.session import Lesson, open_session
    from ribolm.training.settings import Optimisation, Runtime, Settings

    store, network = TokenStore.open(folder / "store"), load_model(folder / "model").network
    per_step = TOKENS_PER_MICRO_BATCH * MICRO_BATCHES
    place = folder / "checkpoints"
    shutil.rmtree(place, ignore_errors=True)
    runtime = Runtime(
        checkpoint_dir=place,
        device="cpu",
        tokens_per_micro_batch=TOKENS_PER_MICRO_BATCH,
        checkpoint_every_s=300,
        log_every_steps=1,
    )
    cpu_s = 0.0
    with open_session(runtime, "fp32", "L1") as session:
        for name, length in (("warm_up", {"steps": WARM_UP_STEPS}), ("timed", {"epochs": 1})):
            how = Optimisation.model_validate({"tokens_per_step": per_step, **length})
            data: dict[str, Any] = {"store": store.digest}
            settings = Settings(kind=name, data=data, network={}, objective={}, optimisation=how)
            feed = Feed(store, seed=1, tokens_per_step=per_step)
            groups = parameter_groups(network, how.weight_decay)
            started_s = time.process_time()
            session.train(Lesson(settings, network, groups, MaskedTokens(store.tokenizer, 1), feed), place / name)
            cpu_s = time.process_time() - started_s
    log = [json.loads(line) for line in (place / "timed/log.jsonl").read_text().splitlines()]
    steps = [line for line in log if line["event"] == "step"]
    assert steps[-1]["tokens"] == feed.n_tokens
    loss = statistics.mean(step["loss"] for step in steps)
    tokens, seconds = steps[-1]["tokens"], steps[-1]["elapsed_s"]
    return {"tokens": tokens, "seconds": seconds, "cpu_s": cpu_s, "loss": loss, "fed": tokens}


def hugging_face_tokenizer(tokens: tuple[str, ...]) -> Any:
    """Our vocabulary as a tokenizer of transformers, which the collator asks for masks and padding."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    special = {f"{name}_token": f"<{name}>" for name in ("cls", "pad", "eos", "unk", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special)


def trainer_clock() -> Any:
    """A callback that takes the time from the start of training to its end."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        started_s = seconds = cpu_started_s = cpu_s = 0.0

        def on_train_begin(self, *_args: Any, **_kwargs: Any) -> None:
            self.started_s, self.cpu_started_s = time.monotonic(), time.process_time()

        def on_train_end(self, *_args: Any, **_kwargs: Any) -> None:
            self.seconds = time.monotonic() - self.started_s
            self.cpu_s = time.process_time() - self.cpu_started_s

    return Clock()


def run_trainer(folder: Path, grouped: bool) -> dict[str, float]:
    """One epoch of transformers' Trainer after a short warm-up."""
    from transformers import DataCollatorForLanguageModeling, EsmForMaskedLM, Trainer, TrainingArguments

    from ribolm.sequences.store import TokenStore

    store = TokenStore.open(folder / "store")
    tokenizer = hugging_face_tokenizer(store.tokenizer.tokens)
    rows = [[store.tokenizer.cls_id, *store.row(i).tolist(), store.tokenizer.eos_id] for i in range(len(store))]
    tokens = sum(map(len, rows))
    examples: Any = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows]
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    fed = 0

    def collated(batch: list[Any]) -> Any:
        nonlocal fed
        made = collate(batch)
        fed += made["input_ids"].numel()
        return made

    model = EsmForMaskedLM.from_pretrained(folder / "model", attn_implementation="sdpa")
    shared: dict[str, Any] = {
        "per_device_train_batch_size": max(1, round(TOKENS_PER_MICRO_BATCH * len(rows) / tokens)),
        "gradient_accumulation_steps": MICRO_BATCHES,
        "train_sampling_strategy": "group_by_length" if grouped else "random",
        **{"use_cpu": True, "report_to": "none", "save_strategy": "no", "logging_strategy": "no"},
        **{"disable_tqdm": True, "lr_scheduler_type": "cosine", "learning_rate": 5e-4, "weight_decay": 0.01},
    }
    for length in ({"max_steps": WARM_UP_STEPS}, {"num_train_epochs": 1}):
        fed, clock = 0, trainer_clock()
        arguments = TrainingArguments(str(folder / "trainer"), **shared, **length)
        trainer = Trainer(model, arguments, collated, examples, processing_class=tokenizer, callbacks=[clock])
        found = trainer.train()
    times = {"seconds": clock.seconds, "cpu_s": clock.cpu_s}
    return {"tokens": tokens, **times, "loss": found.training_loss, "fed": fed}


def child(contender: str, folder: Path, threads: int) -> dict[str, float]:
    """Run one contender in a process of its own."""
    command = [sys.executable, __file__, "--scratch", str(folder), "--child", contender, "--threads", str(threads)]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contender} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def table(name: str, lengths: np.ndarray, runs: dict[str, list[dict[str, float]]]) -> str:
    """The part of the report for one set of lengths."""
    cpu_s = {who: [run["cpu_s"] for run in those] for who, those in runs.items()}
    speed = {who: [run["tokens"] / run["seconds"] for run in those] for who, those in runs.items()}
    lines = [
        f"## {name}",
        "",
        f"{len(lengths):,} lengths: median {np.median(lengths):.0f} nt, 5 to 95 %: {np.percentile(lengths, 5):.0f} to "
        f"{np.percentile(lengths, 95):.0f}; {runs['ribolm'][0]['tokens']:,.0f} tokens per epoch.",
        "",
        "| loop | tokens/s (median) | of each run | padding | loss | ribolm is faster (pairs of runs) | in CPU time |",
        "|---|---|---|---|---|---|---|",
    ]
    for who, title in CONTENDERS.items():
        each = " ".join(f"{value:,.0f}" for value in speed[who])
        padding = statistics.mean(run["fed"] / run["tokens"] - 1 for run in runs[who])
        wall = ratio(speed["ribolm"], speed[who])
        median, loss = statistics.median(speed[who]), statistics.mean(run["loss"] for run in runs[who])
        gains = " | | " if who == "ribolm" else f"| {wall} | {ratio(cpu_s[who], cpu_s['ribolm'])} "
        lines.append(f"| {title} | {median:,.0f} | {each} | {100 * padding:.1f} % | {loss:.3f} {gains}|")
    return "\n".join(lines)


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Median and range of the ratios of runs that stood side by side."""
    found = [one / other for one, other in zip(ours, theirs, strict=True)]
    return f"**{statistics.median(found):.2f} ×** ({min(found):.2f} to {max(found):.2f})"


def conditions(threads: int, preset: str) -> str:
    """Machine, versions and settings in a few lines."""
    import torch
    import transformers

    cpu = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in cpu.splitlines() if "model name" in line), platform.machine())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{model}, {threads} threads of {os.cpu_count()} cores, load {load} at the end; torch {torch.__version__}, "
        f"transformers {transformers.__version__}; {datetime.date.today()}. Preset `{preset}`, fp32, "
        f"{TOKENS_PER_MICRO_BATCH:,} tokens per micro-batch, {MICRO_BATCHES} of them per step. Tokens count cls and "
        "eos, never padding. CPU time leaves out what other programs take of the machine. The loss is the epoch's mean."
    )


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder for temporary files")
    default = os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared/data")
    parser.add_argument("--data", type=Path, default=default, help="folder of the real data")
    parser.add_argument("--preset", default="small", help="size of the network [small]")
    parser.add_argument("--tokens", type=int, default=250_000, help="tokens per epoch, about [250000]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender [3]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads [all cores]")
    parser.add_argument("--no-result", action="store_true", help="print only, leave benchmarks/results alone")
    parser.add_argument("--child", choices=CONTENDERS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Write the inputs, run the contenders in turn, print and write the tables."""
    options = parse_options()
    scratch = options.scratch.resolve()
    if options.child:
        found = run_ribolm(scratch) if options.child == "ribolm" else run_trainer(scratch, options.child == "grouped")
        print(json.dumps(found))
        return
    shutil.rmtree(scratch / "training", ignore_errors=True)
    parts = []
    for name, read in (("Tiles of 510 nt in exon space", tile_lengths), ("Whole peaks", peak_lengths)):
        folder = scratch / "training" / read.__name__
        folder.mkdir(parents=True)
        os.environ["TMPDIR"] = str(folder)
        lengths = read(Path(options.data))
        write_inputs(lengths, options.tokens, folder, options.preset)
        runs: dict[str, list[dict[str, float]]] = {who: [] for who in CONTENDERS}
        for _ in range(options.rounds):
            for who in CONTENDERS:
                runs[who].append(child(who, folder, options.threads))
                print(f"{name}: {who}: {json.dumps(runs[who][-1])}", file=sys.stderr, flush=True)
        parts.append(table(name, lengths, runs))
    about = f"Written by `python benchmarks/training.py`. {conditions(options.threads, options.preset)}"
    text = "\n\n".join(["# Training: tokens per second", about, *parts]) + "\n"
    print(text)
    if not options.no_result:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
