"""Report and figure of benchmarks/truth.py, made from its tables alone."""

import csv
import itertools
import math
from pathlib import Path

CUTOFF = 1e-10
DEPTHS = ("low", "demo", "high")
TESTS = ("poisson", "negative-binomial")
Row = dict[str, str]
INTRODUCTION = """# Does the peak caller find what was planted?

`python benchmarks/truth.py --scratch DIR`: {genes} genes, {sites} planted sites, 2 IP and 2 input libraries at every
point of enrichment × depth × dispersion × GC bias, reads written at their true place (no aligner). The same genome,
genes and sites everywhere (seed 1).

- **Depth**: low, demo, high = 83, 250, 750 fragments per gene and library (demo: the defaults of
  ribolm-simulate, 15,000 on 60 genes).
- **Dispersion** 0.1: every library multiplies each 500 nt of genome and strand by a gamma factor of variance 0.1. A bin
  that draws from two windows sees a little less.
- **GC bias** 0.5: ln(yield) changes by 0.5 per 0.1 of GC in IP and 0.2 in input, ± 0.05 by library.
- **True peak**: shares ≥ 1 base, same strand, with the region of a planted site (150 nt around it along its
  transcripts). **Precision** = true peaks / called peaks.
- **Found site**: a called peak shares ≥ 1 base with its region. **Recall** = found / all planted sites. *Covered*
  recall counts only sites that ≥ 20 fragments of one input library are expected to hold ({covered} sites at the three
  depths).
- Sites are planted in coding genes above the 30 % quantile of a log-normal expression (σ = 1).
- **Intervals**: 95 %, bootstrap over genes (400 rounds). Cutoff 1e-10 (raw p, the default) unless a curve is shown.
"""
DEMO = """## The point of the defaults ({seeds} seeds, both groups)

All options at their defaults: 60 genes, 15,000 pairs per library, enrichment 8. Pooled
counts, and the worst single experiment.

| test | seeds | peaks | precision | sites | recall | worst precision | worst recall |
|---|---|---|---|---|---|---|---|"""
GRID = """## The grid at p ≤ 1e-10

All curves: `truth.tsv` (cutoffs from 0.1 to 1e-300), drawn below; the dot is 1e-10.

![precision against recall](truth.png)

| enrichment | depth | dispersion | GC bias | test | GC corrected | peaks | precision | recall | covered recall |
|---|---|---|---|---|---|---|---|---|---|"""
NULL = """## Null controls: every call is false

Simulated: 2 against 2 libraries of one distribution. Real: input replicates of chr22 against each other, both ways
(public test data of MeRIPseqPipe; no GC correction, unstranded): one against one in each condition, and the first
replicates of both conditions against the second ones. From one against one no dispersion can be estimated, and the
negative-binomial test is the Poisson test. The real libraries are small, so that few bins could reach 1e-10.

| data | depth | dispersion | GC bias | test | corrected | size factors | bins | p ≤ 0.001 | chance | called | peaks |
|---|---|---|---|---|---|---|---|---|---|---|---|"""
BASELINE = """- **Where GC bias hurts**: the median log2 fold change of bins that no site reaches, 0 if the size factors
  were right, lies between {off} without GC bias and between {on} with it (Poisson, dispersion 0, GC corrected).
  Background bins are found on ratios before GC correction, as published; under a GC bias that differs between IP and
  input these are GC-poor bins rather than unmethylated ones. With the right size factors given, the null controls with
  GC bias and dispersion 0 call {given} peaks instead of {estimated} (three depths)."""
LOOSE = """## The negative-binomial test at a cutoff it can reach

With dispersion φ in every library and two replicates of each kind, the standard error of ln(IP/input) is at least √φ
however deep the libraries are, so that p ≤ 1e-10 (6.4 standard errors) needs an observed enrichment of exp(6.4·√φ):
7.5-fold at φ = 0.1. The default cutoff belongs to the Poisson test. Dispersion 0.1, the same calls at p ≤ 0.001:

| enrichment | depth | GC bias | peaks | precision | recall | Poisson at 1e-10: precision | recall |
|---|---|---|---|---|---|---|---|"""


def read_table(path: Path) -> list[Row]:
    """Read a TSV with a header."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def write_report(results: Path, genes: int) -> None:
    """Write truth.md and truth.png from truth.tsv, truth_null.tsv and truth_demo.tsv."""
    rows = read_table(results / "truth.tsv")
    nulls = read_table(results / "truth_null.tsv")
    demo = read_table(results / "truth_demo.tsv")
    draw(rows, results / "truth.png")
    at_default = [row for row in rows if math.isclose(float(row["p_cutoff"]), CUTOFF)]
    parts = [
        *introduction(genes, at_default), *demo_section(demo), *findings(at_default, nulls),
        *grid_section(at_default), *loose_section(rows), *null_section(nulls),
    ]  # fmt: skip
    (results / "truth.md").write_text("\n".join(parts) + "\n", encoding="utf-8")


def introduction(genes: int, rows: list[Row]) -> list[str]:
    """What was done and how it is counted."""
    covered = ", ".join(str(n) for n in sorted({int(row["covered_sites"]) for row in rows}))
    return [INTRODUCTION.format(genes=genes, sites=max(int(row["sites"]) for row in rows), covered=covered)]


def demo_section(demo: list[Row]) -> list[str]:
    """The demo's point over seeds."""
    seeds = len({row["seed"] for row in demo})
    lines = [DEMO.format(seeds=seeds)]
    for test, which in itertools.product(TESTS, ("1", "all")):
        chosen = [row for row in demo if row["test"] == test and which in ("all", row["seed"])]
        peaks, true, sites, found = (sum(int(r[k]) for r in chosen) for k in ("peaks", "true_peaks", "sites", "found"))
        worst_p = min(int(r["true_peaks"]) / max(int(r["peaks"]), 1) for r in chosen)
        worst_r = min(int(r["found"]) / max(int(r["sites"]), 1) for r in chosen)
        lines.append(
            f"| {test} | {which} | {peaks} | {true / max(peaks, 1):.3f} | {sites} | {found / max(sites, 1):.3f} | "
            f"{worst_p:.3f} | {worst_r:.3f} |"
        )
    return [*lines, ""]


def pick(rows: list[Row], **wanted: str) -> list[Row]:
    """Rows whose columns have the wanted values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def findings(rows: list[Row], nulls: list[Row]) -> list[str]:
    """What the numbers say, failures first; every figure is read from the tables."""
    lines = ["## What it says", ""]
    corrected = pick(rows, gc_correction="True")
    for test, dispersion in itertools.product(TESTS, ("0", "0.1")):
        chosen = pick(corrected, test=test, dispersion=dispersion)
        called = [row for row in chosen if int(row["peaks"]) >= 5]
        worst = min(called, key=lambda row: float(row["precision"]))
        best = max(chosen, key=lambda row: float(row["recall"]))
        lines.append(
            f"- **{test}, dispersion {dispersion}**: lowest precision {float(worst['precision']):.3f} "
            f"({worst['peaks']} peaks; {place(worst)}); highest recall {float(best['recall']):.3f} ({place(best)})."
        )
    for test, dispersion, bias in itertools.product(TESTS, ("0", "0.1"), ("0", "0.5")):
        wanted = {"test": test, "dispersion": dispersion, "gc_bias": bias, "size_factors": "estimated"}
        most = max(pick(nulls, data="simulated", gc_correction="True", **wanted), key=lambda row: int(row["peaks"]))
        lines.append(
            f"- **null, {test}, dispersion {dispersion}, GC bias {bias}**: at most {most['peaks']} false peaks "
            f"({most['called_bins']} of {most['bins']} bins; depth {most['depth']})."
        )
    return [*lines, *baseline(corrected, nulls), ""]


def baseline(corrected: list[Row], nulls: list[Row]) -> list[str]:
    """Whether wrong size factors explain what goes wrong under GC bias."""
    poisson = pick(corrected, test="poisson", dispersion="0")
    shift = {bias: [float(r["baseline_shift_log2"]) for r in pick(poisson, gc_bias=bias)] for bias in ("0", "0.5")}
    given = pick(nulls, size_factors="given", dispersion="0")
    estimated = pick(nulls, data="simulated", gc_bias="0.5", dispersion="0", test="poisson", gc_correction="True")
    false = [sum(int(r["peaks"]) for r in pick(rows, size_factors=kind)) for rows, kind in
             ((estimated, "estimated"), (given, "given"))]  # fmt: skip
    low, high = ({bias: choose(values) for bias, values in shift.items()} for choose in (min, max))
    text = BASELINE.format(
        off=f"{low['0']:.2f} and {high['0']:.2f}", on=f"{low['0.5']:.2f} and {high['0.5']:.2f}",
        given=false[1], estimated=false[0],
    )  # fmt: skip
    return [text]


def loose_section(rows: list[Row]) -> list[str]:
    """What the negative-binomial test finds at p ≤ 0.001."""
    lines = [LOOSE]
    chosen = pick(rows, dispersion="0.1", gc_correction="True")
    for row in pick(chosen, test=TESTS[1], p_cutoff="0.001"):
        same = {name: row[name] for name in ("enrichment", "depth", "gc_bias")}
        (other,) = pick(chosen, test=TESTS[0], p_cutoff="1e-10", **same)
        cells = (*same.values(), row["peaks"], *(number(r, k) for r in (row, other) for k in ("precision", "recall")))
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def place(row: Row) -> str:
    """A point of the grid in words."""
    return f"enrichment {row['enrichment']}, depth {row['depth']}, GC bias {row['gc_bias']}"


def number(row: Row, name: str) -> str:
    """A ratio with its interval."""
    value = float(row[name])
    if math.isnan(value):
        return "–"
    return f"{value:.2f} ({float(row[f'{name}_low']):.2f}–{float(row[f'{name}_high']):.2f})"


def grid_section(rows: list[Row]) -> list[str]:
    """The whole grid at the default cutoff."""
    lines = [GRID]
    for row in rows:
        covered = float(row["covered_recall"])
        cells = (
            row["enrichment"], row["depth"], row["dispersion"], row["gc_bias"], row["test"],
            "yes" if row["gc_correction"] == "True" else "no", row["peaks"], number(row, "precision"),
            number(row, "recall"), "–" if math.isnan(covered) else f"{covered:.2f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def null_section(nulls: list[Row]) -> list[str]:
    """Null controls, simulated and real."""
    lines = [NULL]
    for row in nulls:
        cells = (
            row["data"], row["depth"], row["dispersion"], row["gc_bias"], row["test"],
            "yes" if row["gc_correction"] == "True" else "no", row["size_factors"], row["bins"], row["p_below_1e-3"],
            row["chance_would_give"], row["called_bins"], row["peaks"],
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def draw(rows: list[Row], path: Path) -> None:
    """Precision against recall over the cutoff: rows dispersion and GC bias, columns enrichment."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    settings = list(itertools.product(("0", "0.1"), ("0", "0.5")))
    enrichments = ("2", "4", "8")
    figure, axes = plt.subplots(len(settings), 3, figsize=(10, 12), sharex=True, sharey=True, layout="constrained")
    colour = dict(zip(DEPTHS, ("#88c0d0", "#3572b0", "#12305c"), strict=True))
    for (i, (dispersion, bias)), (j, enrichment) in itertools.product(enumerate(settings), enumerate(enrichments)):
        axis = axes[i][j]
        for depth, test in itertools.product(DEPTHS, TESTS):
            chosen = pick(rows, enrichment=enrichment, dispersion=dispersion, gc_bias=bias, depth=depth, test=test)
            draw_curve(axis, pick(chosen, gc_correction="True"), colour[depth], "-" if test == TESTS[0] else ":")
        axis.set(xlim=(-0.02, 1.03), ylim=(-0.02, 1.05))
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        if not i:
            axis.set_title(f"enrichment {enrichment}")
        if not j:
            axis.set_ylabel(f"precision\ndispersion {dispersion}, GC bias {bias}")
        if i == len(settings) - 1:
            axis.set_xlabel("recall of all planted sites")
    handles = [plt.Line2D([], [], color=colour[depth], label=f"depth {depth}") for depth in DEPTHS]
    handles += [
        plt.Line2D([], [], color="black", linestyle=style, label=test) for test, style in zip(TESTS, "-:", strict=True)
    ]
    for fill, test in (("black", "Poisson"), ("white", "NB")):
        handles.append(
            plt.Line2D([], [], color="black", marker="o", mfc=fill, linestyle="", label=f"{test}, p ≤ 1e-10")
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def draw_curve(axis: object, rows: list[Row], colour: str, style: str) -> None:
    """One curve over the cutoff, with a dot at the default."""
    shown = [row for row in rows if row["precision"] != "nan"]
    x, y = ([float(row[name]) for row in shown] for name in ("recall", "precision"))
    axis.plot(x, y, color=colour, linestyle=style, linewidth=1.5)
    for row in shown:
        if math.isclose(float(row["p_cutoff"]), CUTOFF):
            fill = colour if style == "-" else "white"
            axis.plot(float(row["recall"]), float(row["precision"]), "o", color=colour, mfc=fill, markersize=5.5)
