"""From options to a lesson: weights to begin with, rows to hold out, memory asked for; and the model in the end."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ribolm.console import choice
from ribolm.errors import DataError, UsageError
from ribolm.files import require_folder_possible, sha256_of
from ribolm.models.configuration import EncoderConfig
from ribolm.models.directories import MANIFEST, WEIGHTS, read_json
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.token_dropout import train_with_token_dropout, trained_with_token_dropout
from ribolm.models.weights import LoadedModel, load_model, save_model
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import Tokenizer
from ribolm.training.checkpoints.folder import difference
from ribolm.training.faults import reach
from ribolm.training.feed.batches import Feed
from ribolm.training.feed.streams import generator
from ribolm.training.machine.memory import (
    available_bytes,
    estimate_training,
    evaluation_need,
    require_dev_memory,
    require_memory,
)
from ribolm.training.machine.throughput import utilisation
from ribolm.training.run.loop import Loop
from ribolm.training.run.parameters import count_parameters
from ribolm.training.run.session import Lesson, Session
from ribolm.training.settings import Settings

if TYPE_CHECKING:
    from ribolm.training.checkpoints.state import TrainingState

Int64 = NDArray[np.int64]

BLOCK_ROWS = 32  # neighbours in a store overlap; whole blocks of them are held out


@dataclass(frozen=True)
class Start:
    """Where the weights come from: a preset's random ones or a model directory, one of them."""

    preset: str | None = None
    init: Path | None = None

    def __post_init__(self) -> None:
        if (self.preset is None) == (self.init is None):
            raise UsageError("Give --preset or --init, one of them.")

    def load(self, tokenizer: Tokenizer, head: str) -> LoadedModel | None:
        """The model to begin with, None for a preset. Raises DataError when its vocabulary is not the store's."""
        if self.init is None:
            return None
        model = load_model(self.init, "masked_lm" if head == "masked_lm" else "as stored")
        if model.tokenizer != tokenizer:
            raise DataError(
                f"{self.init}: was trained with another tokenizer ({model.tokenizer.label}) than that of the store "
                f"({tokenizer.label}). Tokenize the sequences with the model's."
            )
        return model

    def network(self, model: LoadedModel | None, tokenizer: Tokenizer, spec: HeadSpec, seed: int) -> Network:
        """The network with the head that is asked for, of the model where its head is the same, else a new one."""
        if model is None:
            network = new_network(preset_config(str(self.preset), tokenizer), spec, seed)
        else:
            network = model.network if model.network.spec == spec else model.network.with_new_head(spec, seed)
        mapped = isinstance(network.config, EncoderConfig) and network.config.nucleotide_mapping is not None
        if mapped and spec.kind != "masked_lm" and trained_with_token_dropout(network):
            choice("token dropout", "off", "fine-tuning hides no token, and predictions read whole sequences")
            train_with_token_dropout(network, False)
        return network

    def record(self, model: LoadedModel | None, network: Network) -> dict[str, Any]:
        """What of it decides the weights in the end, for the settings."""
        origin = {"init": model.sha256} if model else {"preset": self.preset}
        return {**origin, "config": network.config.to_dict()}


def held_out_blocks(n_rows: int, share: float, seed: int, block_rows: int = BLOCK_ROWS) -> tuple[Int64, Int64]:
    """(rows to train on, rows held out): blocks of neighbouring rows drawn by chance, none where there are too few."""
    return held_out_units(np.arange(n_rows) // block_rows, share, seed)


def held_out_units(unit: Int64, share: float, seed: int) -> tuple[Int64, Int64]:
    """(rows to train on, rows held out): whole units drawn by chance; unit int64 [n], rows of one number are one."""
    names, number = np.unique(unit, return_inverse=True)
    n_held = min(round(share * len(names)) or int(share > 0), len(names) // 2)
    held = generator(seed, "held out").permutation(len(names))[:n_held]
    mask = np.isin(number, held)
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def validation_feed(store: TokenStore, rows: Int64, tokens_per_step: int, crop_tokens: int | None) -> Feed | None:
    """Rows in a fixed order with fixed masks; None where there are none."""
    if not rows.size:
        return None
    return Feed(store, rows, seed=0, tokens_per_step=tokens_per_step, crop_tokens=crop_tokens, shuffle=False)


def file_digest(path: Path | None) -> str | None:
    """sha256 of a small file, None without one."""
    return sha256_of(path) if path else None


def check_memory(
    session: Session,
    lesson_network: Network,
    feed: Feed,
    validation: Feed | None,
    share: float,
    outputs: int,
    step: int,
) -> Any:
    """Tell the memory needed and refuse what will not fit; returns the function from tokens/s to the share of peak.

    `share`: answers of the head per token, `outputs` of each; `step`: tokens per step. Raises UsageError.
    """
    fitting, device, world = session.fitting(step), session.device, session.world
    config, spec = lesson_network.config, lesson_network.spec
    strands = 2 if spec is not None and spec.both_strands else 1
    trained, weights = count_parameters(lesson_network)
    need = estimate_training(
        config,
        weights,
        trained,
        max(min(fitting.tokens, step), feed.longest) * strands,
        n_outputs=outputs,
        selected_share=share,
        bf16=device.precision == "bf16",
        device_type=device.kind,
        world=world.size,
    )
    free, bound = available_bytes(device.name)
    if world.first:
        sharing = world.size if device.kind == "cpu" else 1
        require_memory(need, free, bound, feed.longest, sharing)
        if validation is not None and validation.longest > feed.longest:
            tokens = max(min(fitting.tokens, step), validation.longest) * strands
            of_dev = evaluation_need(need, config, tokens, device.precision == "bf16")
            require_dev_memory(of_dev, free, bound, validation.longest, sharing)
    mfu, reason = utilisation(config, feed.lengths, device.name, share, outputs)
    session.log.choice("peak of the device", "known" if mfu(1.0) else "unknown, MFU is 0", reason)
    return mfu


def require_length(network: Network, *feeds: Feed | None) -> None:
    """Raise DataError where a row is longer than the backbone reads, before anything is trained."""
    longest = max(feed.longest for feed in feeds if feed is not None)
    longest += network.spec.delay_nt if network.spec is not None else 0
    bound = network.config.max_tokens
    if bound is not None and longest > bound:
        raise DataError(
            f"A sequence of the store has {longest:,} tokens with special ones, but the model reads up to {bound:,}. "
            "Make the store anew with shorter windows, or use a model of a longer context."
        )


def check_out(out: Path, checkpoint_dir: Path, settings: Settings) -> None:
    """Refuse output folders that cannot be, before days of work, and one that holds a model of other settings.

    A model must not lie inside its checkpoints; one of the same settings is this run, finished before.
    """
    require_folder_possible(out)
    require_folder_possible(checkpoint_dir)
    if out.resolve() == checkpoint_dir.resolve():
        raise UsageError("--out and --checkpoint-dir must be two folders.")
    if (out / WEIGHTS).exists():
        _require_this_run(out, settings)


def _require_this_run(out: Path, settings: Settings) -> None:
    """Raise UsageError unless the model in a folder was made by these settings."""
    found = read_json(out / MANIFEST) if (out / MANIFEST).exists() else {}
    key = found.get("key")
    if key == settings.key():
        return
    theirs, ours = found.get("settings") or {}, settings.model_dump(mode="json")
    told = difference(theirs, ours) if key else "it was not trained here"
    raise UsageError(
        f"--out {out} holds a model already, key {key or 'unknown'}, and this training has key {settings.key()} "
        f"({told}). Choose another folder, or remove that one."
    )


def write_model(
    out: Path,
    session: Session,
    lesson: Lesson,
    loop: Loop,
    state: TrainingState,
    tokenizer: Tokenizer,
    task: dict[str, Any] | None = None,
) -> None:
    """Write the model directory with its manifest and log.jsonl beside the weights; the first process alone does."""
    if not session.world.first:
        return
    reach("finish.model")
    assert isinstance(lesson.network, Network)
    network = lesson.network.to("cpu")
    save_model(out, network, tokenizer, task, _manifest(session, lesson.settings, loop, state))
    shutil.copyfile(session.folder / "log.jsonl", out / "log.jsonl")
    print(f"{out}: {state.step:,} of {loop.steps:,} steps{_best(loop, state)}")


def _best(loop: Loop, state: TrainingState) -> str:
    """The best evaluation in words, with what it was counted over; nothing where there was none."""
    if state.best_value is None:
        return ""
    counts = state.best_counts or {}
    shown = [f"n = {counts['n']:,.0f}"] if "n" in counts else []
    shown += [f"prevalence {counts['prevalence']:.3g}"] if "prevalence" in counts else []
    shown += [f"by chance {counts['chance_loss']:.4g}"] if "chance_loss" in counts else []
    beside = f" ({', '.join(shown)})" if shown else ""
    best = f"best {loop.judge.watch} on dev, {state.best_value:.4g}{beside}"
    return f", weights of step {state.best_step:,} with the {best}"


def _manifest(session: Session, settings: Settings, loop: Loop, state: TrainingState) -> dict[str, Any]:
    """What made these weights: data, parent, code, settings, seeds, versions, determinism."""
    optimisation = settings.optimisation
    best = {"metric": loop.judge.watch, "value": state.best_value, "step": state.best_step}
    return {
        "kind": settings.kind,
        "key": settings.key(),
        "parent": settings.network.get("init"),
        "data": settings.data,
        "settings": settings.model_dump(mode="json"),
        "seeds": {"training": optimisation.seed},
        "determinism": optimisation.determinism,
        "precision": session.device.precision,
        "made_by": session.record,
        "steps": state.step,
        "tokens": state.tokens,
        "stopped_early": state.stopped_early,
        "best": {**best, **(state.best_counts or {})},
    }
