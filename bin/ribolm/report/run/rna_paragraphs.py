"""Sentences of the methods text and of the limits on RNA language models: pretraining, structures, values."""

import html
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from ribolm.report.run.given_models import UNKNOWN, given_models
from ribolm.report.run.record import Run

REFERENCES = {
    "resm": "Zhang Y et al. (2025) RESM. bioRxiv. doi:10.1101/2025.08.09.669469. Its authors declare patent "
    "applications on RESM and its downstream tasks",
    "esm": "Lin Z et al. (2023) Evolutionary-scale prediction of atomic-level protein structure with a language model. "
    "<i>Science</i> 379:1123. doi:10.1126/science.ade2574",
    "vienna": "Lorenz R et al. (2011) ViennaRNA Package 2.0. <i>Algorithms Mol Biol</i> 6:26. "
    "doi:10.1186/1748-7188-6-26",
    "rao": "Rao R et al. (2021) Transformer protein language models are unsupervised structure learners. "
    "<i>ICLR</i>. doi:10.1101/2020.12.15.422761",
}

SHIPPED = "rna-structure-small, the model that comes with ribolm"


def rna_paragraphs(run: Run, steps: Sequence[str]) -> list[str]:
    """Paragraphs of the steps that were run, in the order in which they work."""
    writers = {
        "pretrain": _pretraining,
        "embed": _embedding,
        "contacts": _contacts,
        "zeroshot": _zero_shot,
        "finetune": _finetuning,
        "predict": _prediction,
        "evaluate": _evaluation,
    }
    return [_opening(run, steps), *(write(run) for step, write in writers.items() if step in steps)]


def _opening(run: Run, steps: Sequence[str]) -> str:
    """Programs; and RESM, where the run has a language model of its kind."""
    programs = (
        f"RNAs were read with ribolm{run.version('ribolm')} and PyTorch{run.version('torch')} under "
        f"Nextflow{run.version('nextflow')} [nextflow]"
    )
    if "pretrain" not in steps and not run.get("init_model"):
        return f"{programs}."
    return (
        f"{programs}, after RESM [resm], which writes nucleotides as amino acids and goes on training the protein "
        "model ESM-2 [esm]; where its text and code differ, or say nothing, the choices are ribolm's own."
    )


def _value(run: Run, name: str, default: Any) -> str:
    return html.escape(str(run.get(name, default)))


def _named(run: Run, name: str) -> str:
    return html.escape(PurePath(str(run.get(name))).name)


def _listed(names: Sequence[str]) -> str:
    return html.escape(" and ".join(names))


def _start(run: Run) -> str:
    if run.get("init_model"):
        return f"the weights of {_named(run, 'init_model')}"
    return f"random weights of preset {_value(run, 'preset', 'small')}"


def _pretraining(run: Run) -> str:
    return (
        f"A masked language model was trained from {_start(run)} for {_value(run, 'pretrain_steps', 2000)} steps: 15 % "
        "of the nucleotides were targets, of which 80 % were hidden, 10 % replaced by another one and 10 % left. "
        "RNAs were brought to upper-case ACGU (T as U, other IUPAC codes as an unknown base), exact duplicates and "
        "copies of tested structures, of families and of held-out RNAs of pretraining were removed, and longer RNAs "
        "were cut to stretches of 1,024 nt, anew in each epoch."
    )


def _embedding(run: Run) -> str:
    return (
        f"RNAs were read by {_encoder(run)}. "
        "An RNA was embedded as the mean of the last hidden states over its bases, without special tokens and with "
        "token dropout off, and shown on the first two principal components [sklearn]."
    )


def _encoder(run: Run) -> str:
    if run.asks("pretrain"):
        return "the model pretrained here"
    if run.get("init_model"):
        return f"{_named(run, 'init_model')}"
    inside = _structure_model(run, SHIPPED)
    return f"the encoder of {inside}, which was trained for structures and not to predict hidden bases"


def _contacts(run: Run) -> str:
    return (
        f"Contacts were read from frozen attention as published for proteins [rao]: maps of all heads, symmetrised and "
        "corrected for the average product, went through a logistic regression with an L1 penalty (C = 0.15) "
        f"[sklearn], fitted on {_value(run, 'contact_rnas', 20)} RNAs of known structure and on pairs at least 6 nt "
        "apart. Maps were streamed layer by layer."
    )


def _zero_shot(run: Run) -> str:
    energies = f"RNAduplex and RNAcofold of ViennaRNA{run.version('viennarna')} [vienna] and the best complementary run"
    interactions = (
        "Interactions were read from the contact map of query and target, concatenated without a linker in both "
        f"orders, beside {energies}."
        if run.asks("contacts")
        else f"Interactions were asked of {energies} alone, for contact maps need step contacts."
    )
    return (
        "Families were told apart by the cosine of centred embeddings (ten different sequences of each family): "
        "nearest neighbour, mean average precision, and the area that the histograms within and between families "
        f"share. {interactions} Encoders with random weights of the same shape are the control."
    )


def _finetuning(run: Run) -> str:
    return (
        f"Models of secondary structure were trained from {_backbone(run)}: a two-dimensional network over pairs of "
        "bases reads embeddings, the letters of both bases and pair probabilities of "
        f"ViennaRNA{run.version('viennarna')} [vienna] with {_value(run, 'structure_energies', 'rna_turner2004')}, "
        "which were withheld from a part of the RNAs so that the model works without them. The end of training and "
        "the way of decoding, ViennaRNA's share in the answer included, were chosen on the validation set, and each "
        "base pairs with one other at most. Models of measured values answer once per RNA; "
        f"{_value(run, 'folds', 5)} folds hold whole groups, or single RNAs where none are named, "
        f"{_value(run, 'value_folds', 1)} of which {'is' if run.get('value_folds', 1) == 1 else 'are'} tested."
    )


def _backbone(run: Run) -> str:
    return "the pretrained model" if run.asks("pretrain") else _start(run)


def _prediction(run: Run) -> str:
    own = f"the model trained here (without structures to learn from, {SHIPPED})" if run.asks("finetune") else SHIPPED
    return (
        f"Structures were predicted by {_structure_model(run, own)}, pseudoknots kept, with pair probabilities of "
        f"ViennaRNA{run.version('viennarna')} [vienna], by the energy sets that the model's task.json names, as "
        "further input and, where it says so (program_share), in a mean with the network's own."
        f"{_predicted_values(run)}"
    )


def _structure_model(run: Run, own: str) -> str:
    """The model of structures among the given ones; without one, `own`."""
    given = given_models(run)
    if given["structure"]:
        return f"the given model {_listed(given['structure'])}"
    if given[UNKNOWN]:
        return f"the model of structures among those given ({_listed(given[UNKNOWN])}; without one, {own})"
    return own


def _predicted_values(run: Run) -> str:
    """A sentence on given models of values, "" without one."""
    given = given_models(run)
    if given["value"]:
        several = "s" if len(given["value"]) > 1 else ""
        return f" Values were predicted by the given model{several} {_listed(given['value'])}."
    if given[UNKNOWN]:
        return " Values were predicted by the models of values among those given, if any."
    return ""


def _evaluation(run: Run) -> str:
    partition = ", and LinearPartition" if str(run.get("linearpartition", False)).lower() == "true" else ""
    structures = (
        "Predicted structures were held against known ones: F1 of each RNA over all kinds of brackets, then the mean; "
        "RNAs without known pairs were left out and counted. Floors on the same RNAs: minimum free energy and maximum "
        f"expected accuracy of RNAfold (ViennaRNA{run.version('viennarna')}) [vienna]{partition}."
    )
    values = (
        "Values were measured by R² and Spearman's correlation beside ridge regressions and gradient boosting "
        "[sklearn] fitted on the same folds."
    )
    perplexity = (
        "Where held-out RNAs of pretraining are given, their nucleotides were hidden as in training, and perplexity is "
        "e to the power of the mean loss."
    )
    intervals = (
        f"Intervals are percentiles of {_value(run, 'bootstrap_draws', 1000)} bootstrap draws over RNAs or groups, "
        "paired between methods [efron]."
    )
    chosen = ((True, structures), (run.asks("finetune"), values), (_has_backbone(run), perplexity), (True, intervals))
    return " ".join(text for is_told, text in chosen if is_told)


def _has_backbone(run: Run) -> bool:
    """Whether a language model is there to guess hidden nucleotides."""
    return run.asks("pretrain") or bool(run.get("init_model") or run.get("backbones"))


LIMITS = (
    "A predicted structure is what a model expects of the sequence alone. In the cell proteins, other RNAs, "
    "modifications and the order of transcription decide as well, and many RNAs have more than one structure.",
    "Models are best on RNAs like those that they learnt from. On families that no model has seen, thermodynamic "
    "folding is often as good or better: read families and floors, not the mean alone.",
    "Known structures come from comparison of sequences more often than from experiments, and leave out many true "
    "pairs.",
    "Values measured on one library or tissue do not carry over to others, nor to sequences of another length.",
    "Numbers that others published were measured on other data, or with other rules for the same data. They stand in "
    "tables of their own, and are no results of this run.",
)


def rna_limits() -> list[str]:
    """Limits of predicted structures, embeddings and values."""
    return list(LIMITS)
