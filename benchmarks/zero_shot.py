"""What encoders know without training, beside every floor: families, sites and targets of interactions, structures.

    python benchmarks/zero_shot.py --data ../shared/data/resm --scratch DIR [--model DIR] [--parts families sites ...]

Every part runs one command of `ribolm-evaluate` into DIR/<part>; parts that are there are kept, so that the page
(benchmarks/results/zero-shot.md) can be made in several sittings. Contact heads are fitted on 20 RNAs of TR0 where a
model has none. Without --model the encoder is one of random weights (--preset), which the page says. A small encoder
from the data at hand, 45 minutes of one processor (TR0.fa: TR0.dbn.gz without its structures):

    ribolm-tokenize rna --sequences rnacentral_sample.fasta.gz --sequences TR0.fa --exclude TS0.dbn.gz \\
        --exclude VL0.dbn.gz --exclude archiveII.dbn.gz --exclude rfam_seed_many_short.stk.gz --out corpus
    ribolm-train pretrain --store corpus --preset small --steps 2000 --tokens-per-step 4096 --device cpu --seed 1 \\
        --checkpoint-dir checkpoints --out pretrained-small
    python benchmarks/zero_shot.py --scratch DIR --model pretrained-small --trained-on corpus --others 20 \\
        --parts families sites structures ranking
"""

import argparse
import csv
import datetime
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from ribolm.cli.evaluate import main as evaluate  # noqa: E402
from ribolm.cli.train import main as train  # noqa: E402
from ribolm.cli.weights import main as weights  # noqa: E402

DATA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "resm"
RESULT = REPOSITORY / "benchmarks" / "results" / "zero-shot.md"
Table = list[dict[str, str]]
FAMILY_COLUMNS = ("nearest_neighbour_accuracy", "mean_average_precision", "overlap_ratio")
SITE_COLUMNS = ("site_recall", "site_recall_by_chance", "position_f1", "position_recall", "position_precision")
RANKING_COLUMNS = ("roc_auc", "average_precision", "median_rank_share", "recall_in_top_tenth")
STRUCTURE_COLUMNS = ("f1", "precision", "recall", "pooled_f1", "pooled_max_f1")
TITLES = {
    "families": "RNA families",
    "sites": "Sites of interactions",
    "ranking": "Targets of sRNAs, a sample",
    "full-ranking": "Targets of sRNAs, all of them",
    "structures": "Secondary structure from contacts",
}


def run(main: Any, arguments: Sequence[object]) -> None:
    """Call a command here; anything but success ends the benchmark."""
    code = main([str(argument) for argument in arguments])
    if code:
        raise SystemExit(code)


def models_of(arguments: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Encoders for embeddings, and the same with contact heads."""
    directories = list(arguments.model)
    if not directories:
        directories = [arguments.scratch / f"random-{arguments.preset}"]
        if not directories[0].exists():
            init = ("init", "--preset", arguments.preset, "--tokenizer", "esm", "--out", directories[0], "--seed", 7)
            run(weights, init)
    with_heads = []
    for directory in directories:
        manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
        fitted = directory if "contacts" in manifest else arguments.scratch / "heads" / directory.name
        if not fitted.exists():
            structures = arguments.data / "TR0.dbn.gz"
            run(train, ("contacts", "--model", directory, "--structures", structures, "--out", fitted))
        with_heads.append(fitted)
    return directories, with_heads


def commands(arguments: argparse.Namespace) -> dict[str, list[object]]:
    """Arguments of `ribolm-evaluate` by part, but for --outdir."""
    data, seed = arguments.data, ["--seed", 1]
    encoders, contacts = models_of(arguments)
    given = bool(arguments.model)
    plain = [word for path in encoders for word in ("--model", path)] if given else []
    heads = [word for path in contacts for word in ("--model", path)]
    control = ["--fit-on", data / "TR0.dbn.gz"] if given else []
    targets = ["--queries", data / "NC_000913.srnas.fa.gz", "--targets", data / "NC_000913.targets.fa.gz"]
    targets += ["--verified", data / "intarna_verified_interactions.tsv"]
    families = ["families", "--families", data / "rfam_seed_many_short.stk.gz"]
    corpus = ["--trained-on", arguments.trained_on] if arguments.trained_on else []
    maps = ["--longest-map-nt", arguments.longest_map_nt]
    structures = ["contacts", "--truth", data / "TS0.dbn.gz", "--validation", data / "VL0.dbn.gz"]
    return {
        "families": [*families, *plain, *corpus, *seed],
        "sites": ["interactions", "--pairs", data / "rri_gardner154.csv.gz", *heads, *control, *maps, *seed],
        "ranking": ["interactions", *targets, "--others", arguments.others, *heads, *control, *seed],
        "full-ranking": ["interactions", *targets, "--others", 0, "--no-cofold", *seed],
        "structures": [*structures, *heads, *control, "--n-validation", arguments.n_validation, *seed],
    }


def run_parts(arguments: argparse.Namespace) -> None:
    """Run the wanted parts that are not there yet, and note their cost."""
    known = commands(arguments)
    for part in arguments.parts:
        outdir = arguments.scratch / part
        if (outdir / "cost.json").exists():
            continue
        wall_s, used_s = time.perf_counter(), processor_s()
        outdir.mkdir(parents=True, exist_ok=True)
        result = ["--out", outdir / "metrics.json"] if part == "structures" else ["--outdir", outdir]
        run(evaluate, [*known[part], *result])
        cost = {"wall_s": time.perf_counter() - wall_s, "processor_s": processor_s() - used_s}
        cost |= {"date": str(datetime.date.today()), "load": os.getloadavg()}
        (outdir / "cost.json").write_text(json.dumps(cost), "utf-8")


def processor_s() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def read_table(path: Path) -> Table:
    """Rows of a TSV."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def markdown(rows: Table, first: Sequence[str], columns: Sequence[str]) -> list[str]:
    """A table with values and their intervals in one cell."""
    lines = ["| " + " | ".join(name.replace("_", " ") for name in (*first, *columns)) + " |"]
    lines.append("| " + " | ".join(["---"] * len(first) + ["--:"] * len(columns)) + " |")
    for row in rows:
        cells = [row.get(name) or "" for name in first] + [cell(row, name) for name in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def cell(row: dict[str, str], name: str) -> str:
    """A value with three decimals and its interval, where there is one."""
    if not row.get(name):
        return ""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    interval = f" ({float(low):.3f}-{float(high):.3f})" if low and high else ""
    return f"{float(row[name]):.3f}{interval}"


def section(part: str, folder: Path) -> list[str]:
    """One part of the page, from its folder."""
    cost = json.loads((folder / "cost.json").read_text("utf-8"))
    load = ", ".join(f"{value:.1f}" for value in cost["load"])
    about = f"{cost['date']}; {cost['processor_s']:,.0f} s of processor, {cost['wall_s']:,.0f} s of wall, load {load}."
    lines = [f"## {TITLES[part]}", "", about, ""]
    if part == "families":
        rows = read_table(folder / "methods.tsv")
        lines += [f"{int(rows[0]['n_families']):,} families, {int(rows[0]['n']):,} sequences.", ""]
        lines += [*markdown(rows, ("method", "kind"), FAMILY_COLUMNS), "", *beside_floors(folder)]
    elif part == "sites":
        lines += markdown(read_table(folder / "sites.tsv"), ("universe", "method", "kind", "n"), SITE_COLUMNS)
        lines += ["", *markdown(read_table(folder / "site_types.tsv"), ("type", "method", "n"), SITE_COLUMNS[:1])]
    elif part == "structures":
        content = json.loads((folder / "metrics.json").read_text("utf-8"))
        lines += [
            f"{content['rnas']['scored']:,} RNAs of TS0; pooled max F1 has the threshold that suits them best.",
            "",
        ]
        lines += markdown(structure_rows(content), ("method", "threshold"), STRUCTURE_COLUMNS)
    else:
        rows = read_table(folder / "ranking.tsv")
        n, verified = int(rows[0]["n"]), int(rows[0]["n_verified"])
        lines += [f"{rows[0]['n_queries']} sRNAs, {verified} verified targets among {n:,} pairs.", ""]
        lines += markdown(rows, ("method", "kind"), (*RANKING_COLUMNS, "seconds"))
    return [*lines, ""]


def beside_floors(folder: Path) -> list[str]:
    """One sentence for every encoder: whether it reaches the best floor, by paired draws of families."""
    sentences = []
    for row in json.loads((folder / "metrics.json").read_text("utf-8"))["differences"]:
        if row["metric"] != FAMILY_COLUMNS[0] or not row["other"].startswith("k-mers"):
            continue
        reaches = "reaches" if row["difference"] >= 0 else "does not reach"
        interval = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        sentences.append(f"{row['method']} {reaches} {row['other']}: {interval} in nearest neighbour accuracy.")
    return sentences


def structure_rows(content: dict[str, Any]) -> Table:
    """One row per method from the rows of metrics.json."""
    found: dict[str, dict[str, str]] = {}
    models = content["settings"]["models"]
    for row in content["metrics"]:
        known = found.setdefault(row["method"], {"method": row["method"]})
        known["threshold"] = f"{models[row['method']]['threshold']:g}" if row["method"] in models else ""
        for name, value in (("", row["value"]), ("_low", row["low"]), ("_high", row["high"])):
            known[f"{row['metric']}{name}"] = "" if value is None else str(value)
    return list(found.values())


def about_model(directory: Path) -> str:
    """What a model has learnt from, by its own record."""
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    settings = manifest.get("settings", {})
    optimisation, best = settings.get("optimisation"), manifest.get("best")
    if not optimisation or not best:
        return f"{directory.name}: its record tells of no training."
    preset = settings.get("network", {}).get("preset") or "no preset"
    return (
        f"{directory.name}: {preset}, mapping {manifest['mapping']}, up to {optimisation['steps']:,} steps of "
        f"{optimisation['tokens_per_step']:,} tokens; weights of step {best['step']:,}, the best on dev: "
        f"{best['metric']} {best['value']:.3f} (n = {best['n']:,.0f}, by chance {best['chance_loss']:.3f})."
    )


def about_corpus(store: Path) -> list[str]:
    """What a corpus was made from, and what it had in common with sets that are scored here."""
    source = json.loads((store / "manifest.json").read_text("utf-8"))["source"]
    counts, names = source["counts"], ", ".join(one["name"] for one in source["sequences"])
    lines = [
        f"Trained on {counts['written']:,} RNAs, {counts['nucleotides']:,} nt, of {names}: {counts['evaluated']:,} of "
        f"{counts['read']:,} were left out because sets that are scored have them (rule: "
        f"{source['options']['remove']}). Before that:",
        "",
    ]
    for row in source["leakage"]:
        share = f"{row['n_sharing_31mer']:,} share a 31-mer with it"
        lines.append(f"- {row['set']}: of {row['n']:,} sequences the corpus had {row['n_equal']:,}, and {share}.")
    return [*lines, ""]


def page(arguments: argparse.Namespace) -> str:
    """The page of all parts that have been run."""
    given = (
        ", ".join(path.name for path in arguments.model)
        or f"none given; families: random weights of 8m, other parts: of preset {arguments.preset}"
    )
    lines = ["# Without training: encoders beside floors", ""]
    lines += [f"`python benchmarks/zero_shot.py`, one thread. Models: {given}.", ""]
    for directory in arguments.model:
        lines += [about_model(directory), ""]
    if arguments.trained_on and arguments.trained_on.is_dir():
        lines += about_corpus(arguments.trained_on)
    for part in TITLES:
        if (arguments.scratch / part / "cost.json").exists():
            lines += section(part, arguments.scratch / part)
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for and write the page of everything that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, action="append", default=[])
    parser.add_argument("--trained-on", type=Path)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--parts", nargs="+", default=["families", "sites", "ranking"], choices=list(TITLES))
    parser.add_argument("--others", type=int, default=100)
    parser.add_argument("--longest-map-nt", type=int, default=2000)
    parser.add_argument("--n-validation", type=int, default=300)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    run_parts(arguments)
    RESULT.write_text(page(arguments), "utf-8")


if __name__ == "__main__":
    main()
