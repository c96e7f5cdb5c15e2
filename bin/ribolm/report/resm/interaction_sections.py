"""Sections on interactions: where targets are bound, and which targets are bound."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ribolm.report.drawing.multiqc import Section
from ribolm.report.folders.assessed_folder import AssessedFolder, Row
from ribolm.report.resm.method_table import column, with_intervals, write_method_table

CHAPTER = "ribolm_rna_zeroshot"
SITES = Section(
    "interaction_sites",
    CHAPTER,
    "Where targets are bound",
    "Both RNAs are concatenated without a linker, and the stretch of the target in which their bases most likely pair "
    "is held against the known site. Site recall: share of pairs whose stretch shares a base with the site; by "
    "chance: the same for a stretch as wide anywhere on the target. Intervals (95 %) from a bootstrap over targets.",
    "RNAduplex and RNAcofold (ViennaRNA) know energies and nothing else; the complementary run knows letters alone.",
)
RANKING = Section(
    "interaction_ranking",
    CHAPTER,
    "Which targets are bound",
    "Verified targets of each small RNA among others, ranked by the score of every pair; means over small RNAs, "
    "intervals (95 %) from a bootstrap over them. Others count as negatives, though some may be targets that nobody "
    "has verified.",
)
SITE_METRICS = {
    "site_recall": column("Site recall", "Share of pairs"),
    "position_f1": column("F1 of bases", "Mean over pairs"),
}
SITE_COLUMNS = {
    **with_intervals(SITE_METRICS, "targets"),
    "site_recall_by_chance": column("By chance", "Site recall of a stretch as wide, put anywhere"),
    "width_nt": column("Width (nt)", "Mean width of the stretch", "{:.1f}"),
    "n": column("n", "Pairs", "{:,.0f}"),
    "n_targets": column("Targets", form="{:,.0f}"),
}
RANK_METRICS = {
    "roc_auc": column("ROC-AUC", "Mean over small RNAs"),
    "average_precision": column("Average precision", "Mean over small RNAs"),
    "recall_in_top_tenth": column("In the top tenth", "Share of verified targets"),
}
RANK_COLUMNS = {
    **with_intervals(RANK_METRICS, "small RNAs"),
    "prevalence": column("Prevalence", "Verified targets among all pairs", "{:.2g}"),
    "n": column("n", "Pairs", "{:,.0f}"),
    "n_queries": column("Small RNAs", form="{:,.0f}"),
}


def write_interaction_sections(outdir: Path, folders: Sequence[AssessedFolder]) -> None:
    """Write the section of sets with sites, and that of lists of verified targets."""
    parts = ((SITES, "sites", SITE_COLUMNS), (RANKING, "ranking", RANK_COLUMNS))
    for section, table, columns in parts:
        asked = [_named_apart(folder, table) for folder in folders if folder.tables.get(table)]
        notes = [str(note) for folder in asked if (note := folder.content[table].get("interval_note"))]
        if asked:
            described = replace(section, description=" ".join([section.description, *dict.fromkeys(notes)]))
            write_method_table(outdir, described, asked, columns, table=table)


def _named_apart(folder: AssessedFolder, table: str) -> AssessedFolder:
    """Methods of several universes with the universe in their names."""
    rows = folder.tables[table]
    if len({row.get("universe") for row in rows}) < 2:
        return folder

    def named(row: Row) -> Row:
        return {**row, "method": f"{row['method']} ({row['universe']})"}

    return replace(folder, tables={**folder.tables, table: [named(row) for row in rows]})
