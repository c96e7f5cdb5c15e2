"""Sentences of the methods text and of the limits on corpus, training, prediction and evaluation of single sites."""

import html
from collections.abc import Sequence
from typing import Any

from ribolm.labels.folds import WHAT
from ribolm.report.run.record import Run

REFERENCES = {
    "transformer": "Vaswani A et al. (2017) Attention is all you need. <i>Adv Neural Inf Process Syst</i> 30",
    "esm": "Lin Z et al. (2023) Evolutionary-scale prediction of atomic-level protein structure with a language model. "
    "<i>Science</i> 379:1123. doi:10.1126/science.ade2574",
    "rotary": "Su J et al. (2024) RoFormer: enhanced transformer with rotary position embedding. "
    "<i>Neurocomputing</i> 568:127063. doi:10.1016/j.neucom.2023.127063",
    "bert": "Devlin J et al. (2019) BERT: pre-training of deep bidirectional transformers for language understanding. "
    "<i>NAACL-HLT</i> 4171. doi:10.18653/v1/N19-1423",
    "adamw": "Loshchilov I, Hutter F (2019) Decoupled weight decay regularization. <i>ICLR</i>",
    "m6aform": "Zhang, Jo, Gao, Huang (2026) m6A-FORM. arXiv:2606.12219",
    "atlas": "Liang Z et al. (2024) m6A-Atlas v2.0: updated resources for unraveling the N6-methyladenosine (m6A) "
    "epitranscriptome among multiple species. <i>Nucleic Acids Res</i> 52:D194. doi:10.1093/nar/gkad691",
    "jie": "Jie Z et al. (2019) Better modeling of incomplete annotations for named entity recognition. "
    "<i>NAACL-HLT</i> 729. doi:10.18653/v1/N19-1079",
    "resampling": "Wang X, Wang Y (2022) Sentence-level resampling for named entity recognition. <i>NAACL-HLT</i> "
    "2151. doi:10.18653/v1/2022.naacl-main.156",
    "platt": "Platt J (1999) Probabilistic outputs for support vector machines and comparisons to regularized "
    "likelihood methods. <i>Advances in Large Margin Classifiers</i> 61",
    "efron": "Efron B, Tibshirani R (1993) <i>An Introduction to the Bootstrap</i>. Chapman &amp; Hall",
    "sklearn": "Pedregosa F et al. (2011) Scikit-learn: machine learning in Python. <i>J Mach Learn Res</i> 12:2825",
}

DEFAULT_MODEL = "m6a-sites-small"
UNLABELED = {
    "soft": "predicted by models of the other half of the training genes and kept as probabilities [jie]",
    "hard": "predicted by models of the other half of the training genes and taken as yes or no [jie]",
    "ignore_unlabeled": "left out of the loss",
    "as_negative": "taken as negatives",
}
RESAMPLING = "Training sequences with sites were repeated by the formula {} [resampling]."
CANDIDATES = {
    "drach": "adenosines in DRACH",
    "adenosine": "all adenosines",
    "nucleotide": "all nucleotides",
}


def site_paragraphs(run: Run, steps: Sequence[str]) -> list[str]:
    """Paragraphs of the steps that were run, in the order in which they work."""
    writers = {
        "corpus": _corpus,
        "pretrain": _pretraining,
        "labels": _labels,
        "finetune": _finetuning,
        "predict": _prediction,
        "evaluate": _evaluation,
    }
    return [write(run, steps) for step, write in writers.items() if step in steps]


def _value(run: Run, name: str, default: Any) -> str:
    return html.escape(str(run.get(name, default)))


def _trains(steps: Sequence[str]) -> bool:
    return bool({"pretrain", "finetune"} & set(steps))


def _corpus(run: Run, steps: Sequence[str]) -> str:
    window, overlap = _value(run, "window_nt", 510), _value(run, "overlap_nt", 128)
    size = f"of {window} nt that overlap by {overlap} nt" if _trains(steps) else "of the length that the models read"
    return (
        f"Sequences of peaks were cut from spliced transcripts in windows {size}, "
        "on a grid that is fixed per gene, so that a base lies in the same windows wherever a peak begins. Duplicate "
        "sequences and those of mostly unknown bases were removed."
    )


def _pretraining(run: Run, _steps: Sequence[str]) -> str:
    start = (
        "from given weights"
        if run.get("init_model")
        else f"of preset {_value(run, 'preset', 'small')} from random weights"
    )
    return (
        "A bidirectional transformer encoder [transformer] with rotary positions [rotary] and normalisation before "
        f"each layer, built as ESM-2 [esm], {start}, was trained to restore 15 % of the bases (80 % of them masked, 10 "
        f"% replaced, 10 % kept [bert]) for {_value(run, 'pretrain_steps', 2000)} steps with AdamW [adamw]. Design of "
        "corpus and task after m6A-FORM [m6aform], whose objective and sizes are unpublished; those used are ribolm's "
        "own choice."
    )


def _labels(run: Run, _steps: Sequence[str]) -> str:
    lifted = " Positions of other builds were lifted over with a chain of the user." if run.get("chain") else ""
    return (
        "Sites at base resolution were united from tables of experiments (formats of m6A-Atlas [atlas], GLORI, "
        f"bedMethyl, BED).{lifted} A site was kept when the base on its strand is A and when enough independent "
        f"technology families saw it (--min-families {_value(run, 'min_families', 'auto')}). Other adenosines in peaks "
        "are unknown, not negative."
    )


def _finetuning(run: Run, _steps: Sequence[str]) -> str:
    unlabeled = str(run.get("unlabeled", "soft"))
    rule = str(run.get("resampling", "sCR"))
    copies = "" if rule == "none" else " " + RESAMPLING.format(html.escape(rule))
    units = f"whole {WHAT[str(run.get('split_by', 'gene'))]}"
    epochs, folds, seeds = (
        _value(run, name, default) for name, default in (("finetune_epochs", 10), ("folds", 5), ("seeds", 3))
    )
    return (
        f"The encoder was fine-tuned to score every nucleotide, {epochs} epochs at most, with early stopping. {folds} "
        f"folds hold {units}: one is tested, the next steers stopping and calibration, the others train; {seeds} seeds "
        f"per fold. Unlabelled adenosines were {UNLABELED.get(unlabeled, html.escape(unlabeled))}.{copies} Logits "
        "became probabilities by Platt scaling [platt] on the fold that steers."
    )


def _prediction(run: Run, steps: Sequence[str]) -> str:
    universe = str(run.get("universe", "drach"))
    which = "the fine-tuned models" if "finetune" in steps else _applied(run)
    return (
        f"Sites were predicted for {CANDIDATES.get(universe, html.escape(universe))} in peaks: every window is scored "
        f"in one pass, logits of overlapping windows are averaged, and so are the calibrated logits of {which}. The "
        "probability is calibrated on the candidates of training, at their prevalence."
    )


def _applied(run: Run) -> str:
    """The models that the run did not train."""
    return "the given models" if run.get("model") else f"the model that comes with ribolm ({DEFAULT_MODEL})"


def _seen(run: Run, steps: Sequence[str]) -> str:
    """On which places the models are judged, and what they may have seen of them."""
    outside = (
        f"{_applied(run)} on all places, and candidates that such a model was trained on are counted where its "
        "manifest tells of them"
    )
    if "finetune" not in steps:
        return outside
    own = "the fine-tuned models on the fold that each had not seen"
    return f"{own}, {outside}" if run.get("model") else own


def _evaluation(run: Run, steps: Sequence[str]) -> str:
    is_controlled = str(run.get("random_control", True)).lower() != "false"
    starts = "pretrain" in steps or run.get("init_model")
    has_control = "finetune" in steps and is_controlled and starts
    control = "the same network fine-tuned from random weights, " if has_control else ""
    return (
        "Scores were evaluated over DRACH adenosines, all adenosines and all nucleotides, each place once: "
        f"{_seen(run, steps)}. Unlabelled adenosines count as negatives. Average precision and ROC-AUC have "
        "percentile intervals from a bootstrap over genes, paired between methods [efron]. Floors: the motif rule "
        "(GGACT, then GGAC[AC], then other DRACH), logistic regression and gradient boosting [sklearn] on bases within "
        f"10 nt and on shares of 1- to 3-mers within 250 nt, cross-fitted on the folds, {control}and shuffled labels. "
        "Sequences of each fold and those of the other folds were compared for shared sites, intervals, genes, exact "
        "51-mers and about 90 % identity."
    )


SITE_LIMITS = (
    "A predicted site is what a sequence model expects, not a measurement: it knows neither the tissue nor the "
    "methylation level, and labels lack orthogonal validation.",
    "Known sites are incomplete. Unlabelled adenosines count as negatives in the evaluation, though some are "
    "methylated: precision is a lower bound, and it depends on how deeply the peaks of this run were studied before.",
    "Metrics of different universes, data or prevalences do not compare. Intervals show the chance of drawing these "
    "genes; other experiments, cell types and label sources come on top.",
)
FEW_SITES_LIMIT = (
    "Sites of one experiment can carry its sequence bias (antibody, cross-linking, enzyme), which a model learns with "
    "the biology."
)


def site_limits(steps: Sequence[str]) -> list[str]:
    """Limits of predicted and evaluated sites; empty where no step deals with sites."""
    if not {"predict", "evaluate", "finetune"} & set(steps):
        return []
    return [*SITE_LIMITS, FEW_SITES_LIMIT]
