"""HyenaDNA beside its plain form: long convolutions by FFT of twice the length, as its authors wrote them.

    python benchmarks/hyena.py

fp32 on the CPU, one thread, processor time, contenders take turns in one process. Three comparisons:
the causal convolution alone at 102 tokens (101 nt and [SEP]; 512 windows, 128 channels), kernels of both kept;
a whole hyenadna-tiny-1k over windows of 101 nt, against a plain model with the same weights that keeps the spectra of
its filters (which upstream computes anew in each pass); a whole hyenadna-small-32k at its full context of 32,770
tokens, where upstream's transform has 65,540 = 2²·5·29·113 points. Also: the largest difference of hidden states.
Writes results/hyena.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "hyena.md"
WINDOW_TOKENS, CHANNELS = 102, 128


def plain_convolution(v: Tensor, spectrum: Tensor, bias: Tensor) -> Tensor:
    """Upstream's form: transforms of twice the length over [B, D, L]."""
    length = v.shape[-1]
    transformed = torch.fft.rfft(v, n=2 * length) * spectrum
    return torch.fft.irfft(transformed, n=2 * length)[..., :length] + v * bias[:, None]


class PlainModel:
    """The plain forward pass over [B, L] tokens with the weights of one of our networks; spectra are kept."""

    def __init__(self, network: Any, keep_spectra: bool = True) -> None:
        self.backbone = network.encoder.backbone
        self.keep_spectra = keep_spectra
        self.spectra: dict[tuple[int, int], Tensor] = {}

    def __call__(self, tokens: Tensor) -> Tensor:
        """Hidden states [B, L, D]."""
        x = self.backbone.embeddings.word_embeddings(tokens)
        for number, block in enumerate(self.backbone.layers):
            x = x + self._mix(number, block.mixer, block.norm1(x))
            wide = functional.linear(block.norm2(x), block.mlp.fc1.weight, block.mlp.fc1.bias)
            x = x + functional.linear(functional.gelu(wide, approximate="tanh"), *block.mlp.fc2.parameters())
        return self.backbone.ln_f(x)

    def _mix(self, number: int, mixer: Any, x: Tensor) -> Tensor:
        length = x.shape[1]
        u = functional.linear(x, mixer.in_proj.weight, mixer.in_proj.bias).transpose(1, 2)
        short = mixer.short_filter
        u = functional.conv1d(u, short.weight, short.bias, padding=2, groups=u.shape[1])[..., :length]
        gate, inner, v = u.split(x.shape[2], dim=1)
        mixed = plain_convolution(v * inner, self._spectrum(number, mixer, length), mixer.filter_fn.bias)
        return functional.linear((mixed * gate).transpose(1, 2), *mixer.out_proj.parameters())

    def _spectrum(self, number: int, mixer: Any, length: int) -> Tensor:
        found = self.spectra.get((number, length))
        if found is None:
            found = torch.fft.rfft(mixer.filter_fn.values(length), n=2 * length)
            if self.keep_spectra:
                self.spectra[number, length] = found
        return found


def in_turns(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each contender in each round, after one pass each to warm up."""
    for run in contenders.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return seconds


@torch.no_grad()
def convolutions(rounds: int, windows: int) -> dict[str, list[float]]:
    """The convolution alone."""
    from ribolm.models.hyena.filter import convolve, prepare, smooth_length

    generator = torch.Generator().manual_seed(1)
    v = torch.randn(CHANNELS, windows, WINDOW_TOKENS, generator=generator)
    values, bias = torch.randn(CHANNELS, WINDOW_TOKENS, generator=generator), torch.randn(CHANNELS, generator=generator)
    toeplitz, smooth = prepare(values, bias), prepare(values, bias, n_fft=smooth_length(2 * WINDOW_TOKENS - 1))
    by_window = v.transpose(0, 1).contiguous()
    plain = torch.fft.rfft(values, n=2 * WINDOW_TOKENS)
    return in_turns(
        {
            "Toeplitz, kept": lambda: convolve(v, toeplitz, bias),
            "FFT of 204, spectrum kept": lambda: plain_convolution(by_window, plain, bias),
            "FFT of 216 = 2³·3³, spectrum kept": lambda: convolve(v, smooth, bias),
        },
        rounds,
    )


@torch.no_grad()
def models(preset: str, length: int, windows: int, at_once: int, rounds: int, unit: str) -> list[str]:
    """The table of a whole model over windows of so many tokens, `at_once` of them in every pass."""
    from ribolm.models.network import new_network
    from ribolm.models.presets import preset_config
    from ribolm.models.ragged import pack
    from ribolm.sequences.tokenizers import make_tokenizer

    network = new_network(preset_config(preset, make_tokenizer("hyena")), None, seed=1).eval()
    tokens = torch.from_numpy(np.random.default_rng(1).integers(7, 11, (windows, length)))
    tokens[:, -1] = 1
    passes = tokens.split(at_once)
    packed = [pack(part.numpy()) for part in passes]
    plain, upstream = PlainModel(network), PlainModel(network, keep_spectra=False)
    contenders: dict[str, Callable[[], Any]] = {
        "ribolm": lambda: [network.encoder(batch) for batch in packed],
        "plain, spectra kept": lambda: [plain(part) for part in passes],
        "plain": lambda: [upstream(part) for part in passes],
    }
    difference = float((network.encoder(packed[0]) - plain(passes[0]).flatten(0, 1)).abs().max())
    seconds = in_turns(contenders, rounds)
    return [*rows(seconds, windows, unit), "", f"Hidden states differ by at most {difference:.1e}."]


def rows(seconds: dict[str, list[float]], per: float, unit: str) -> list[str]:
    """One line of a table per contender: the best time, and the ratio to the first, median (range)."""
    first = next(iter(seconds))
    lines = [f"| contender | {unit} | its time over {first}'s |", "|---|--:|--:|"]
    for name, times in seconds.items():
        ratios = sorted(time / own for time, own in zip(times, seconds[first], strict=True))
        ratio = "1" if name == first else f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        lines.append(f"| {name} | {min(times) / per * 1e3:,.2f} | {ratio} |")
    return lines


def report(options: argparse.Namespace, tables: list[tuple[str, list[str]]], load: str) -> str:
    """The page of results."""
    machine = f"{platform.machine()}, fp32, 1 thread, load {load}, torch {torch.__version__}"
    head = [
        "# HyenaDNA beside its plain form",
        "",
        f"`python benchmarks/hyena.py`, {datetime.date.today()}, {machine}; processor time, {options.rounds} rounds in "
        "turns (the last table: half as many): the best round, and the median of the rounds' ratios (range). Plain: "
        "upstream's order of operations, written anew, with transforms of twice the length; upstream computes its "
        "filters in every pass.",
    ]
    return "\n".join([*head, *[line for title, lines in tables for line in ("", f"## {title}", "", *lines)]]) + "\n"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--windows", type=int, default=512, help="windows of 102 tokens")
    parser.add_argument("--at-once", type=int, default=128, help="windows per pass of a whole model")
    parser.add_argument("--long-tokens", type=int, default=32_770)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    shape = f"{options.windows} windows × {CHANNELS} channels × {WINDOW_TOKENS} tokens"
    tables = [(f"The long convolution, {shape}", rows(convolutions(options.rounds, options.windows), 1, "ms"))]
    tiny = f"hyenadna-tiny-1k, windows of 101 nt, {options.at_once} per pass"
    arguments = (WINDOW_TOKENS, options.windows, options.at_once, options.rounds)
    tables.append((tiny, models("hyenadna-tiny-1k", *arguments, "ms per window")))
    long = f"hyenadna-small-32k, one sequence of {options.long_tokens:,} tokens"
    arguments = (options.long_tokens, 1, 1, max(2, options.rounds // 2))
    tables.append((long, models("hyenadna-small-32k", *arguments, "ms")))
    text = report(options, tables, load)
    options.out.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
