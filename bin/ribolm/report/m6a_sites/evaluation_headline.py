"""The numbers of an evaluation to read first."""

from ribolm.report.folders.evaluation_folder import UNIVERSE_NAMES, EvaluationFolder, Row

Number = dict[str, str]

FLOORS = {"rule": "Distance from the motif rule", "baseline": "Distance from the best k-mer model"}


def evaluation_numbers(folder: EvaluationFolder) -> list[Number]:
    """Average precision and ROC-AUC of the reference in the narrowest universe, its distance from floors, leakage."""
    universe = folder.universes[0]
    rows = folder.rows("methods", universe=universe)
    own = next(row for row in rows if row["method"] == folder.reference)
    where = f"{folder.reference}, {UNIVERSE_NAMES[universe]}"
    numbers = [
        _number("Average precision", own, "average_precision", f"{where}, {_sizes(own)}"),
        _number("ROC-AUC", own, "roc_auc", f"{where}, {_sizes(own)}"),
    ]
    for kind, label in FLOORS.items():
        floors = [row for row in rows if row["kind"] == kind and row["average_precision"] is not None]
        if floors:
            best = max(floors, key=lambda row: float(row["average_precision"]))
            numbers.append(_difference(folder, universe, str(best["method"]), label))
    return [*numbers, _leaks(folder)]


def _sizes(row: Row) -> str:
    return (
        f"n = {row['n']:,.0f}, {row['n_sites']:,.0f} sites, {row['n_genes']:,.0f} genes, "
        f"prevalence {100 * row['prevalence']:.2f} %"
    )


def _number(label: str, row: Row, metric: str, note: str) -> Number:
    value = row[metric]
    return {
        "label": label,
        "value": "not defined" if value is None else f"{value:.3f}",
        "note": f"{_interval(row[f'{metric}_low'], row[f'{metric}_high'])}; {note}",
    }


def _interval(low: float | None, high: float | None) -> str:
    return (
        "no interval" if low is None or high is None else f"95 % interval {_number_text(low)} to {_number_text(high)}"
    )


def _number_text(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _difference(folder: EvaluationFolder, universe: str, other: str, label: str) -> Number:
    rows = folder.rows("differences", universe=universe, metric="average_precision", other=other)
    if not rows or rows[0]["difference"] is None:
        return {"label": label, "value": "not defined", "note": f"difference in average precision to {other}"}
    row = rows[0]
    note = f"difference in average precision to {other}; {_interval(row['low'], row['high'])}, paired over genes"
    return {"label": label, "value": _signed(row["difference"]), "note": note}


def _leaks(folder: EvaluationFolder) -> Number:
    """Tested windows that training sequences of the same split share by an exact stretch."""
    rows = [row for row in folder.tables["leakage"] if row["check"] == "kmers" and row["test"] != "evaluated sequences"]
    label = "Tested windows found in training"
    if not rows:
        return {"label": label, "value": "not audited", "note": "no split, or the audit was switched off"}
    shared, n = (sum(float(row[column]) for row in rows) for column in ("n_test_shared", "n_test"))
    return {"label": label, "value": f"{shared:,.0f} of {n:,.0f}", "note": "sharing an exact 51-mer with another fold"}
