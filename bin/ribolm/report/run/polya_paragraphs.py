"""Sentences of the methods text and of the limits on poly(A) sites: sets of windows, models, scans."""

import html
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from ribolm.labels.folds import WHAT
from ribolm.report.run.record import Run

REFERENCES = {
    "polyaglm": "Saha S, Fahmi NA, Yong J, Zhang W (2025) PolyA-GLM. <i>Comput Struct Biotechnol J</i>. "
    "doi:10.1016/j.csbj.2025.12.011",
    "polyasite": "Herrmann CJ et al. (2020) PolyASite 2.0: a consolidated atlas of polyadenylation sites from 3' end "
    "sequencing. <i>Nucleic Acids Res</i> 48:D174. doi:10.1093/nar/gkz918",
    "beaudoing": "Beaudoing E et al. (2000) Patterns of variant polyadenylation signal usage in human genes. "
    "<i>Genome Res</i> 10:1001. doi:10.1101/gr.10.7.1001",
}
AT_RANDOM = "single windows, dealt at random as in the published work; windows that overlap lie on both sides"


def polya_paragraphs(run: Run, steps: Sequence[str]) -> list[str]:
    """Paragraphs of the steps that were run, in the order in which they work."""
    opening = (
        f"Genomes were searched for poly(A) sites with ribolm{run.version('ribolm')} under "
        f"Nextflow{run.version('nextflow')} [nextflow], after PolyA-GLM [polyaglm]; where its text and code differ, or "
        "say nothing, the choices are ribolm's own."
    )
    writers = {
        "labels": _labels,
        "fewshot": _few_shot,
        "finetune": _finetuning,
        "tokens": _tokens,
        "evaluate": _evaluation,
        "explain": _explanation,
        "scan": _scan,
    }
    return [opening, *(write(run) for step, write in writers.items() if step in steps)]


def _value(run: Run, name: str, default: Any) -> str:
    return html.escape(str(run.get(name, default)))


def _labels(run: Run) -> str:
    width = _value(run, "polya_window_nt", 101)
    return (
        "Known sites (formats of PolyASite [polyasite], PolyA_DB, GENCODE and BED) were brought to one anchor, the A "
        f"behind the last base of the RNA, and windows of {width} nt were cut around it; sites whose anchor is no A "
        "were left out, no base was edited. Negatives are as many A's of the same contigs with a signal hexamer 10 to "
        "35 nt upstream, farther than a window from every known site of either strand; exact duplicates were removed "
        "within and across classes."
    )


def _few_shot(_run: Run) -> str:
    return (
        "Backbones were also asked without training, after PolyA-GLM [polyaglm]: a window was called a site where the "
        "mean of its last hidden states is nearer, by cosine, to the mean of two windows with a site than to that of "
        "two without. Windows were drawn ten times for each fold, from neither the tested fold nor the next one; means "
        "over draws and folds are told. ROC-AUC and average precision rank by the difference of the cosines; "
        "precision, recall and F1 are of the positive class."
    )


def _tokens(run: Run) -> str:
    values = {
        name: _value(run, f"token_{name}", default)
        for name, default in (
            ("crop_nt", 4096), ("background", 1), ("positive_weight", 4), ("delay_nt", 50), ("epochs", 5), ("folds", 1),
        )
    }  # fmt: skip
    weight = "balanced" if values["positive_weight"] in ("0", "0.0") else f"1 to {values['positive_weight']}"
    return (
        f"Models that answer for every base learnt from crops of {values['crop_nt']} nt around 3' ends and "
        f"{values['background']} times as many elsewhere in genes, with weights of other bases to sites of {weight}, "
        f"for {values['epochs']} epochs at most. A causal backbone answered for a base {values['delay_nt']} bases "
        "later, on both strands; another one sees both sides of a base. They were tested on whole genes of "
        f"{values['folds']} of {_value(run, 'folds', 5)} folds, each unseen by the models that are tested on it. At a "
        "tolerance of t nt a site is the best score within t nt on its strand, every other stretch of about 2 t + 1 "
        "bases one negative with the best of its own. Intervals are percentiles of a bootstrap over genes, paired "
        "between models [efron]."
    )


def _finetuning(run: Run) -> str:
    start = "given weights" if run.get("init_model") else f"random weights of preset {_value(run, 'preset', '')}"
    units = AT_RANDOM if run.get("split_by") == "random" else f"whole {_split_units(run)}"
    epochs, folds, seeds = (
        _value(run, name, default) for name, default in (("finetune_epochs", 10), ("folds", 5), ("seeds", 3))
    )
    return (
        f"A model that answers once per window was trained from {start} for {epochs} epochs at most, with early "
        f"stopping. {folds} folds hold {units}: one is tested, the next steers stopping and calibration, the others "
        f"train; {seeds} seeds per fold. Logits became probabilities by Platt scaling [platt] on the fold that steers."
    )


def _split_units(run: Run) -> str:
    """What a fold keeps together and the bootstrap draws."""
    return WHAT.get(str(run.get("split_by", "gene")), WHAT["gene"])


def _evaluation(run: Run) -> str:
    if not (run.get("model") or run.asks("finetune")):
        return "No model was fine-tuned or given, so that none was evaluated."
    units = _split_units(run)
    return (
        f"Scores were evaluated of {_judged(run)}. Precision, recall and F1 are of the positive class. "
        f"Intervals are percentiles of a bootstrap over {units}, paired between methods [efron]. "
        "Floors, cross-fitted on the same folds: logistic regression [sklearn] on 4-mers by place (bins of 10 "
        "nt), a small convolutional network, the hexamer alone, and shuffled labels."
    )


def _judged(run: Run) -> str:
    """Which models are judged, and on which windows."""
    own = "the fine-tuned models, each on the fold that it had not seen"
    given = (
        f"the given model {html.escape(PurePath(str(run.get('model'))).name)} on all windows, of which those that it "
        "was trained on are counted where its manifest tells of them"
    )
    if not run.get("model"):
        return own
    return f"{own}, and {given}" if run.asks("finetune") else given


def _explanation(run: Run) -> str:
    return (
        f"Of each class up to {_value(run, 'explain_windows', 1000)} windows of a set were looked at: those of "
        "the fold that a model had not seen, all for a given model. A growing share of the AATAAA and ATTAAA of "
        "positives was replaced by random hexamers that are no signal, beside as many other hexamers as control; every "
        "letter was replaced by each other one; and where a model has attention, the words at the most attended token "
        "were counted in both classes."
    )


def _scan(run: Run) -> str:
    share = float(run.get("fdr", 0.5))
    beside = (
        " and, where the model brings its regression, beside a logistic regression on 4-mers [sklearn] at equal shares"
    )
    return (
        "Candidates of both strands are A's behind C or G with one of 18 signal hexamers [beaudoing] 10 to 35 nt "
        f"upstream. Each was scored by {_scanner(run)}; candidates within 24 nt on a strand were united, the best "
        "score first. The false discovery rate compares scores with those of the same candidates whose surroundings "
        f"were shuffled, dinucleotides kept; calls have an estimated rate of at most {share:g}. Probabilities are "
        "calibrated to the estimated share of sites among candidates. Recovery of known sites is told beside that of "
        f"the same sites shifted along their strand{beside}."
    )


def _scanner(run: Run) -> str:
    """Which model scored the candidates."""
    if run.get("model"):
        return f"the given model {html.escape(PurePath(str(run.get('model'))).name)}"
    if run.asks("finetune"):
        return "a model trained on the first set of the genome, all folds but the one that it is stopped by"
    return "polya-small, the model that comes with ribolm (human sites of Omni-PolyA and HybPAS, none of them on chr22)"


LIMITS = (
    "A called site is what a sequence model expects. Which sites a cell uses depends on its proteins and on "
    "expression, which sequence alone does not tell.",
    "The false discovery rate is an estimate against shuffled windows. Repeats and A-rich stretches are not like "
    "shuffled letters, so that true rates can be higher; sites unlike those of training are missed.",
    "Lists of known sites are incomplete and hold internal priming: calls far from known sites need not be false, and "
    "some known sites are not true.",
    "Metrics of sets with equal classes say how windows are ranked, not how a genome-wide scan performs, where sites "
    "are rare.",
)


def polya_limits() -> list[str]:
    """Limits of called sites and of evaluated models of windows."""
    return list(LIMITS)
