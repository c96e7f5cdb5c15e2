"""Masked language modelling over a token store, from random weights or those of a model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.console import choice
from ribolm.errors import UsageError
from ribolm.models.encoder import Encoder
from ribolm.models.network import MASKED_LM, Network
from ribolm.sequences import rna_corpus
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import Tokenizer, mapping_of
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives.masked_tokens import MaskedTokens
from ribolm.training.recipes.assembly import (
    BLOCK_ROWS,
    Start,
    check_memory,
    check_out,
    held_out_blocks,
    validation_feed,
    write_model,
)
from ribolm.training.recipes.unused import refuse_unused
from ribolm.training.run.parameters import freeze, parameter_groups
from ribolm.training.run.session import Lesson, open_session
from ribolm.training.settings import Optimisation, Runtime, Settings


@dataclass(frozen=True)
class PretrainOptions:
    """What `ribolm-train pretrain` is told.

    span: tokens that are masked together, None: those that show one nucleotide. crop_tokens: None: as an RNA corpus
    says. dev_share: of the rows, held out. published_replacements: RESM's quirk, random tokens that are no nucleotides.
    """

    store: Path
    out: Path
    start: Start
    optimisation: Optimisation
    runtime: Runtime
    mask_rate: float = 0.15
    span: int | None = None
    crop_tokens: int | None = None
    dev_share: float = 0.01
    published_replacements: bool = False


# RESM draws a random token's id from the eleven of its own vocabulary, but feeds it to a model of ESM-2's: ids 0 to 10
# there are <cls>, <pad>, <eos>, <unk>, L, A, G, V, S, E and R (evo/dataset.py, MaskedTokenWrapperDataset)
PUBLISHED_REPLACEMENTS = tuple(range(11))


def pretrain(options: PretrainOptions, key_only: bool = False) -> str:
    """Train and write the model; returns the checkpoint key. With `key_only` nothing else is done.

    Raises what `Session.train` raises, UsageError for an option without effect, DataError for a store or a model that
    does not fit.
    """
    optimisation = options.optimisation
    if options.mask_rate == 0:
        raise UsageError("--mask-rate 0 hides no token, so that nothing is learnt. Give a share above 0.")
    if options.dev_share == 0:
        refuse_unused(options, dict.fromkeys(("patience", "evaluate_every_steps"), "--dev-share 0 holds no row out"))
    store = TokenStore.open(options.store)
    model = options.start.load(store.tokenizer, "masked_lm")
    network = options.start.network(model, store.tokenizer, MASKED_LM, optimisation.seed)
    span, crop = options.span or store.tokenizer.overlap_tokens, _crop(options, store)
    drawn = _replacements(options, network, store.tokenizer)
    objective = MaskedTokens(store.tokenizer, optimisation.seed, options.mask_rate, span, drawn)
    settings = _settings(options, store, options.start.record(model, network), span, crop)
    if key_only:
        return settings.key()
    runtime = options.runtime.named(settings.key())
    check_out(options.out, runtime.checkpoint_dir, settings)
    overlap = store.manifest["source"].get("kind") != rna_corpus.KIND
    rows, held_out = held_out_blocks(len(store), options.dev_share, optimisation.seed, BLOCK_ROWS if overlap else 1)
    step = optimisation.tokens_per_step
    feed = Feed(store, rows, seed=optimisation.seed, tokens_per_step=step, crop_tokens=crop)
    freeze(network, optimisation.freeze)
    with open_session(runtime, optimisation.precision, optimisation.determinism) as session:
        validation = validation_feed(store, held_out, step, crop)
        mfu = check_memory(session, network, feed, validation, options.mask_rate, store.tokenizer.vocab_size, step)
        network.to(session.device.name)
        groups = parameter_groups(network, optimisation.weight_decay, optimisation.layer_decay)
        lesson = Lesson(settings, network, groups, objective, feed, validation, mfu)
        loop, state = session.train(lesson)
        write_model(options.out, session, lesson, loop, state, store.tokenizer)
    return settings.key()


def _settings(
    options: PretrainOptions, store: TokenStore, network: dict[str, Any], span: int, crop: int | None
) -> Settings:
    quirk = {"replacements": "as published"} if options.published_replacements else {}
    return Settings(
        kind="pretrain",
        data={"store": store.digest, "dev_share": options.dev_share, "crop_tokens": crop},
        network=network,
        objective={"name": "masked tokens", "rate": options.mask_rate, "span": span, **quirk},
        optimisation=options.optimisation,
    )


def _crop(options: PretrainOptions, store: TokenStore) -> int | None:
    """Tokens that longer sequences are cut to: as told, else as an RNA corpus says."""
    found = store.manifest["source"].get("options", {}).get("crop_nt")
    if options.crop_tokens is not None or found is None:
        return options.crop_tokens
    choice("tokens of a crop", found, "the corpus says so")
    return int(found)


def _replacements(options: PretrainOptions, network: Network, tokenizer: Tokenizer) -> tuple[int, ...] | None:
    """The ids of RESM's quirk, admitted by the network; None for the bases. UsageError for another vocabulary."""
    if not options.published_replacements:
        return None
    if mapping_of(tokenizer) is None or not isinstance(network.encoder, Encoder):
        raise UsageError(
            f"--published-replacements are ids of ESM-2's vocabulary, the store has the tokenizer {tokenizer.label}. "
            "Leave it out."
        )
    if network.encoder.mapped_ids is not None:
        network.encoder.mapped_ids = network.encoder.mapped_ids.with_more(PUBLISHED_REPLACEMENTS)
    return PUBLISHED_REPLACEMENTS
