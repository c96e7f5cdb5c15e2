"""Sections on the evaluation of sites: curves with their floors, tables, calibration, strata, leakage, speed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ribolm.report.drawing.cards import cards, write_headline
from ribolm.report.drawing.figures import embed
from ribolm.report.drawing.multiqc import (
    Section,
    interval_text,
    write_bars,
    write_html,
    write_line_tabs,
    write_table,
    write_words,
)
from ribolm.report.folders.evaluation_folder import CHANCE, DIAGONAL, UNIVERSE_NAMES, EvaluationFolder, Row
from ribolm.report.m6a_sites.evaluation_figure import draw_intervals
from ribolm.report.m6a_sites.evaluation_headline import evaluation_numbers

CHAPTER = "ribolm_sites"
HEADLINE = Section("headline_sites", "ribolm_headline", "m6A sites at a glance", "")
PRECISION = Section(
    "site_average_precision",
    CHAPTER,
    "Average precision by universe",
    "Area under the precision-recall curve with its 95 % interval from a bootstrap over genes. The same scores look "
    "very different over other candidates: compare numbers within one panel only. The dashed line is the prevalence, "
    "which scores without any knowledge reach.",
    "Candidates that no experiment called count as negatives, though some are true sites: precision is a lower bound. "
    "Ties share one threshold. Of several seeds the mean is shown.",
)
CURVES = {
    "pr": Section(
        "site_precision_recall",
        CHAPTER,
        "Precision and recall",
        "Share of true sites among the called ones, against the share of sites found. Floors: the prevalence, the "
        "motif rule, baselines on k-mers, random weights and shuffled labels.",
        "Of several seeds the one with the median average precision is drawn.",
    ),
    "roc": Section(
        "site_roc",
        CHAPTER,
        "ROC curves",
        "True against false positive rate, with the same floors. With few sites among many candidates ROC-AUC "
        "flatters: read it beside precision and recall.",
    ),
}
CALIBRATION = Section(
    "site_calibration",
    CHAPTER,
    "Calibration",
    "Share of sites among candidates of like probability; on the diagonal a probability means what it says.",
    "Ten bins of equal numbers of candidates. Sites that no experiment found make true points lie higher.",
)
DIFFERENCES = Section(
    "site_differences",
    CHAPTER,
    "Differences between methods",
    "Average precision of the reference method minus that of each other, from the same draws of genes.",
)
LEAKAGE = Section(
    "site_leakage",
    CHAPTER,
    "Leakage audit",
    "What tested and training sequences share. Zero is what a split by gene should give; repeats and paralogous genes "
    "can still be alike, and the last two checks show it. Pretraining sees sequences without labels: what it shares "
    "with tested ones is told here.",
)
SPEED = Section(
    "site_speed",
    CHAPTER,
    "Speed of prediction",
    "Candidates scored per second, each method on the machine of this run.",
)
STRATA = {
    "context": ("Per five-base context", "Average precision within one context, where the motif itself tells nothing."),
    "feature": ("Per part of the transcript", "Average precision within 5'UTR, CDS and 3'UTR."),
    "fold": ("Per fold", "Average precision within each tested fold: how much the number depends on the genes."),
}
FEATURES = ("5'UTR", "CDS", "3'UTR", "non-coding")
METHOD_COLUMNS = {
    "average_precision": {"title": "Average precision", "description": "Area under the curve", "format": "{:.3f}"},
    "average_precision_interval": {"title": "95 % interval", "description": "Bootstrap over genes"},
    "roc_auc": {"title": "ROC-AUC", "description": "Area under the ROC curve", "format": "{:.3f}"},
    "roc_auc_interval": {"title": "95 % interval", "description": "Bootstrap over genes"},
    "n": {"title": "n", "description": "Candidates", "format": "{:,.0f}"},
    "n_sites": {"title": "Sites", "description": "Candidates that are labelled sites", "format": "{:,.0f}"},
    "n_genes": {"title": "Genes", "description": "Overlapping genes count as one", "format": "{:,.0f}"},
    "prevalence": {"title": "Prevalence", "description": "Sites among candidates", "format": "{:.4f}"},
    "seeds": {"title": "Seeds", "description": "Trained models per fold", "format": "{:,.0f}"},
    "seed_sd": {"title": "SD", "description": "Of the average precision over seeds", "format": "{:.3f}"},
    "parameters": {"title": "Parameters", "description": "Numbers that were fitted", "format": "{:,.0f}"},
    "sites_per_s": {"title": "Candidates/s", "description": "Scored per second", "format": "{:,.0f}"},
    "precision_at_recall_10": {"title": "P at R 10 %", "description": "Precision at 10 % recall", "format": "{:.3f}"},
    "precision_at_recall_50": {"title": "P at R 50 %", "description": "Precision at 50 % recall", "format": "{:.3f}"},
    "expected_error": {"title": "ECE", "description": "Expected calibration error", "format": "{:.3f}"},
    "brier": {"title": "Brier", "description": "Mean squared error of probabilities", "format": "{:.3f}"},
    "n_seen": {"title": "Seen in training", "description": "Candidates it was trained on", "format": "{:,.0f}"},
    "n_missing": {"title": "Not scored", "description": "They rank last", "format": "{:,.0f}"},
    "kind": {"title": "Kind", "description": "What sort of method it is"},
}  # fmt: skip


def write_evaluation_sections(outdir: Path, folder: EvaluationFolder) -> None:
    """Write all sections and the figure."""
    if not folder.universes:
        write_words(outdir, PRECISION, "No candidate has both a score and a label, so there is nothing to evaluate.")
        return
    numbers = evaluation_numbers(folder)
    write_headline(outdir / "headline_sites.json", numbers)
    write_html(outdir, HEADLINE, cards(numbers))
    draw_intervals(outdir / "average_precision.png", folder)
    write_html(outdir, PRECISION, embed(outdir / "average_precision.png", _words(folder)) + _account(folder))
    for universe in folder.universes:
        _write_methods(outdir, folder, universe)
    for curve, section in CURVES.items():
        _write_curves(outdir, folder, curve, section)
    _write_calibration(outdir, folder)
    _write_differences(outdir, folder)
    for stratum in STRATA:
        _write_strata(outdir, folder, stratum)
    _write_leakage(outdir, folder)
    _write_speed(outdir, folder)


def _words(folder: EvaluationFolder) -> str:
    """The numbers of the figure in words."""
    parts = [
        f"{UNIVERSE_NAMES[row['universe']]}, {row['method']}: {row['average_precision'] or 0:.3f}"
        for row in folder.tables["methods"]
    ]
    return "Average precision. " + "; ".join(parts)


def _account(folder: EvaluationFolder) -> str:
    """How many sites are in no universe, below the figure."""
    sites = folder.content.get("sites") or {}
    outside = sites.get("outside") or {}
    names = [name for name in UNIVERSE_NAMES if outside.get(name)]
    parts = [f"{int(outside[name]):,} lie outside '{UNIVERSE_NAMES[name]}'" for name in names]
    return (
        f"<p>{int(sites.get('sites') or 0):,} labelled sites; {int(sites.get('unscored') or 0):,} have no score; "
        f"{', '.join(parts) or 'none lies outside a universe'}. Sites outside a universe count neither for nor against "
        "a method there. "
        f"Split: {folder.content.get('split')}.</p>"
    )


def _write_methods(outdir: Path, folder: EvaluationFolder, universe: str) -> None:
    rows = {}
    for row in folder.rows("methods", universe=universe):
        cells = {key: row.get(key) for key in METHOD_COLUMNS}
        for metric in ("average_precision", "roc_auc"):
            cells[f"{metric}_interval"] = _three_digits(row, metric)
        cells["seed_sd"] = row.get("average_precision_seed_sd")
        cells["n_missing"] = row.get("n_missing") or None
        cells |= {key: value for key, value in folder.calibration(universe, str(row["method"])).items() if key in cells}
        rows[str(row["method"])] = cells
    known = {key for cells in rows.values() for key, value in cells.items() if value is not None}
    columns = {key: value for key, value in METHOD_COLUMNS.items() if key in known}
    section = Section(
        f"site_methods_{universe}",
        CHAPTER,
        f"Methods over {UNIVERSE_NAMES[universe].lower().replace('drach', 'DRACH')}",
        folder.with_note("Every method over the same candidates and genes."),
    )
    write_table(outdir, section, rows, columns, "Method")


def _three_digits(row: Row, metric: str) -> str | None:
    low, high = row.get(f"{metric}_low"), row.get(f"{metric}_high")
    return None if low is None or high is None else f"{low:.3f}\u00a0to\u00a0{high:.3f}"


def _write_curves(outdir: Path, folder: EvaluationFolder, curve: str, section: Section) -> None:
    tabs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for universe in folder.universes:
        rows = folder.rows("curves", universe=universe, curve=curve)
        names = dict.fromkeys(str(row["method"]) for row in rows)
        lines = {name: [(row["x"], row["y"]) for row in rows if row["method"] == name] for name in names}
        prevalence = float(folder.rows("methods", universe=universe)[0]["prevalence"] or 0.0)
        floor = [(0.0, prevalence), (1.0, prevalence)] if curve == "pr" else [(0.0, 0.0), (1.0, 1.0)]
        tabs[UNIVERSE_NAMES[universe]] = {**lines, CHANCE if curve == "pr" else DIAGONAL: floor}
    colours, dashes = folder.styles()
    labels = {"pr": ("Recall", "Precision"), "roc": ("False positive rate", "True positive rate")}[curve]
    limits = {"xmin": 0, "xmax": 1, "ymin": 0, "ymax": 1, "tt_decimals": 3}
    write_line_tabs(outdir, section, tabs, colours, labels, dashes, smooth_points=400, **limits)


def _write_calibration(outdir: Path, folder: EvaluationFolder) -> None:
    tabs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for universe in folder.universes:
        rows = folder.rows("calibration", universe=universe)
        names = dict.fromkeys(str(row["method"]) for row in rows)
        lines = {n: [(r["mean_probability"], r["observed"]) for r in rows if r["method"] == n] for n in names}
        if lines:
            reach = max(max(point) for points in lines.values() for point in points)
            tabs[UNIVERSE_NAMES[universe]] = {**lines, DIAGONAL: [(0.0, 0.0), (reach, reach)]}
    if not tabs:
        write_words(outdir, CALIBRATION, "No method gives probabilities, so calibration cannot be seen.")
        return
    colours, dashes = folder.styles()
    labels = ("Mean probability", "Share of sites")
    limits = {"xmin": 0, "ymin": 0, "tt_decimals": 3}
    write_line_tabs(
        outdir,
        CALIBRATION,
        tabs,
        {**colours, "perfect": colours[CHANCE]},
        labels,
        {**dashes, "perfect": "dot"},
        **limits,
    )


def _write_differences(outdir: Path, folder: EvaluationFolder) -> None:
    rows = {}
    for row in folder.rows("differences", metric="average_precision"):
        universe = UNIVERSE_NAMES[row["universe"]]
        low, high = row["low"], row["high"]
        rows[f"{universe}: {row['method']} − {row['other']}"] = {
            "difference": row["difference"],
            "interval": None if low is None or high is None else f"{low:.3f}\u00a0to\u00a0{high:.3f}",
            "p_value": row["p_value"],
        }
    if not rows:
        write_words(outdir, DIFFERENCES, "There is one method only, so there is no difference to show.")
        return
    columns: Mapping[str, Mapping[str, Any]] = {
        "difference": {"title": "Difference", "description": "In average precision", "format": "{:.3f}"},
        "interval": {"title": "95 % interval", "description": "Paired bootstrap over genes"},
        "p_value": {"title": "p-value", "description": "Two-sided, from the draws", "format": "{:.3g}"},
    }
    write_table(outdir, DIFFERENCES, rows, columns, "Universe and methods")


def _write_strata(outdir: Path, folder: EvaluationFolder, stratum: str) -> None:
    rows: dict[str, dict[str, Any]] = {}
    methods = dict.fromkeys(str(row["method"]) for row in folder.rows("strata", stratum=stratum))
    for row in sorted(folder.rows("strata", stratum=stratum), key=lambda row: _place(stratum, str(row["name"]))):
        cells = rows.setdefault(
            str(row["name"]), {"n": row["n"], "n_sites": row["n_sites"], "prevalence": row["prevalence"]}
        )
        cells[str(row["method"])] = row["average_precision"]
        if row["method"] == folder.reference:
            cells["interval"] = interval_text(row["average_precision_low"], row["average_precision_high"])
    if not rows:
        return
    columns: dict[str, dict[str, Any]] = {
        "n": {"title": "Candidates (n)", "format": "{:,.0f}"},
        "n_sites": {"title": "Sites (n)", "format": "{:,.0f}"},
        "prevalence": {"title": "Prevalence", "format": "{:.3f}"},
    }
    for name in methods:
        columns[name] = {"title": name, "description": "Average precision", "format": "{:.3f}"}
        if name == folder.reference:
            columns["interval"] = {"title": "95 % interval", "description": f"Of {name}, bootstrap over genes"}
    title, about = STRATA[stratum]
    universe = UNIVERSE_NAMES[folder.universes[0]]
    section = Section(f"site_strata_{stratum}", CHAPTER, title, f"{about} Candidates: {universe}.")
    write_table(outdir, section, rows, columns, stratum.capitalize())


def _place(stratum: str, name: str) -> tuple[int, str]:
    """Folds by number, features from 5' to 3'; contexts stay in the order of the table (the most frequent first)."""
    if stratum == "feature":
        return FEATURES.index(name) if name in FEATURES else len(FEATURES), name
    return (int(name.split()[-1]), "") if stratum == "fold" else (0, "")


def _write_leakage(outdir: Path, folder: EvaluationFolder) -> None:
    meaning = folder.content.get("leakage") or {}
    rows: dict[str, dict[str, Any]] = {}
    for row in folder.tables["leakage"]:
        cells = rows.setdefault(f"{row['test']} against {row['train']}", {})
        cells[str(row["check"])] = f"{row['n_test_shared']:,.0f} of {row['n_test']:,.0f}"
    if not rows:
        write_words(outdir, LEAKAGE, "Nothing was trained on these sequences or the audit was switched off.")
        return
    checks = dict.fromkeys(str(row["check"]) for row in folder.tables["leakage"])
    titles = {"kmers": "51-mers", "identity": "About 90 % identical"}
    columns = {c: {"title": titles.get(c, c.capitalize()), "description": str(meaning.get(c, c))} for c in checks}
    write_table(outdir, LEAKAGE, rows, columns, "Test and training")


def _write_speed(outdir: Path, folder: EvaluationFolder) -> None:
    rows: Sequence[Row] = folder.rows("methods", universe=folder.universes[0])
    bars = {str(row["method"]): {"speed": row["sites_per_s"]} for row in rows if row.get("sites_per_s")}
    if not bars:
        write_words(outdir, SPEED, "No method told its speed.")
        return
    categories = {"speed": {"name": "Candidates per second", "color": folder.styles()[0][folder.reference]}}
    write_bars(outdir, SPEED, bars, categories, "Candidates per second", cpswitch=False, logswitch=True, tt_decimals=0)
