"""Files of an evaluation of interactions: metrics.json and the tables that reports draw from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.evaluation.interactions.places import F1, HIT
from ribolm.evaluation.interactions.rankings import AUC, MEDIAN, RankingAssessment
from ribolm.evaluation.interactions.sites import SiteAssessment
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_directory, write_json

Row = dict[str, Any]
DEFINITIONS = {
    "site_recall": "share of pairs whose predicted place shares a base of the target with the known site",
    "site_recall_by_chance": "the same for a place as wide, put anywhere on the target",
    "position_f1": "per pair, over the bases of the target, then the mean",
    "order_difference": "mean absolute difference of the logits between both orders of the chains",
    "roc_auc": "per query, verified targets against the others, then the mean",
    "median_rank_share": "per query, median over verified targets of the share of others ranked above; lower is better",
    "recall_in_top_tenth": "per query, share of verified targets among the tenth of all targets ranked first",
}
DIFFERENCE_COLUMNS = ("universe", "method", "other", "metric", "difference", "low", "high", "p_value")

SITE_FILES = ("sites.tsv", "site_differences.tsv", "site_types.tsv", "site_pairs.tsv")
RANKING_FILES = ("ranking.tsv", "ranking_differences.tsv", "ranking_queries.tsv")


def write_interaction_assessment(
    outdir: Path, sites: SiteAssessment | None, ranking: RankingAssessment | None, settings: Row, models: Row
) -> None:
    """Write metrics.json, and per question asked `sites.tsv` … or `ranking.tsv` … with differences and details."""
    content: Row = {"kind": "interactions", "settings": settings, "definitions": DEFINITIONS, "models": models}
    with atomic_directory(outdir, optional=(*SITE_FILES, *RANKING_FILES)) as out:
        if sites is not None:
            content["sites"] = {"metrics": sites.method_rows(), "differences": sites.difference_rows()}
            content["sites"]["interval_note"] = sites.interval_note()
            methods, differences, types, pairs = (out / name for name in SITE_FILES)
            write_tsv(methods, _united(content["sites"]["metrics"]))
            write_tsv(differences, content["sites"]["differences"], DIFFERENCE_COLUMNS)
            write_tsv(types, sites.stratum_rows())
            write_tsv(pairs, sites.pair_rows())
        if ranking is not None:
            content["ranking"] = {"metrics": ranking.method_rows(), "differences": ranking.difference_rows()}
            content["ranking"]["interval_note"] = ranking.interval_note()
            methods, differences, queries = (out / name for name in RANKING_FILES)
            write_tsv(methods, _united(content["ranking"]["metrics"]))
            write_tsv(differences, content["ranking"]["differences"], DIFFERENCE_COLUMNS[1:])
            write_tsv(queries, ranking.query_rows())
        write_json(out / "metrics.json", content)
    _tell(sites, ranking)


def _united(rows: list[Row]) -> list[Row]:
    """Rows with the columns of all of them: facts that only some methods have stand empty in the others."""
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _tell(sites: SiteAssessment | None, ranking: RankingAssessment | None) -> None:
    for found in (sites, ranking):
        text = found.interval_note() if found is not None else None
        if text:
            notice(text)
    for row in sites.method_rows() if sites is not None else ():
        place = f"{row['universe']}, {row['method']} (n = {row['n']:,})"
        chance = f"{_shown(row['site_recall_by_chance'])} by chance"
        notice(f"{place}: site recall {_shown(row[HIT])} ({chance}), position F1 {_shown(row[F1])}")
    for row in ranking.method_rows() if ranking is not None else ():
        notice(f"ranking, {row['method']}: ROC-AUC {_shown(row[AUC])}, median rank share {_shown(row[MEDIAN])}")


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
