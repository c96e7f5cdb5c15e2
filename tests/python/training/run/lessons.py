"""A small training with everything in it, for tests that kill it: `python lessons.py` serves forked copies of itself.

The server imports torch once and forks one process per order, so that a kill costs a tenth of a second, not three.
"""

import gc
import io
import json
import os
import signal
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "bin"))

import numpy as np
import torch

from ribolm.errors import RibolmError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.training import faults
from ribolm.training.checkpoints import lease, tensors  # noqa: F401
from ribolm.training.checkpoints.provenance import code_digest
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives.labels import Labels
from ribolm.training.objectives.masked_tokens import MaskedTokens
from ribolm.training.run import loop, session  # noqa: F401
from ribolm.training.run.parameters import parameter_groups
from ribolm.training.run.session import Lesson, open_session
from ribolm.training.settings import Optimisation, Runtime, Settings

torch.set_num_threads(1)
TOKENIZER = SimpleNamespace(prefix_ids=(0,), suffix_ids=(2,), mask_id=9, base_ids=np.arange(4, 8), vocab_size=10)


class Store:
    """Random sequences in memory, with a label per token: 1 where a G follows an A."""

    tokenizer = TOKENIZER

    def __init__(self, n: int = 60, seed: int = 3) -> None:
        chance = np.random.default_rng(seed)
        lengths = chance.integers(5, 40, n)
        self.offsets = np.concatenate(([0], np.cumsum(lengths)))
        self.tokens = chance.integers(4, 8, self.offsets[-1]).astype(np.uint8)
        self.labels = ((self.tokens == 4) & (np.roll(self.tokens, -1) == 6)).astype(np.float32)
        self.labels[self.tokens == 7] = np.nan


def make_lesson(kind: str = "pretrain", **changes: object) -> Lesson:
    """Masked LM or a token task of a two-layer network with dropout: twelve steps, evaluation every fourth."""
    values = {"steps": 12, "tokens_per_step": 200, "evaluate_every_steps": 4, "learning_rate": 3e-3, **changes}
    optimisation = Optimisation.model_validate(values)
    store = Store()
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = EncoderConfig(vocab_size=10, hidden_dropout_prob=0.1, **shape)
    network = new_network(config, HeadSpec("masked_lm" if kind == "pretrain" else "token"), optimisation.seed)
    masked = MaskedTokens(TOKENIZER, optimisation.seed)
    objective = masked if kind == "pretrain" else Labels(store.labels, "token", "binary")
    settings = Settings(
        kind=kind, data={"store": "random"}, network=config.to_dict(), objective={}, optimisation=optimisation
    )
    feed = Feed(store, np.arange(50), seed=optimisation.seed, tokens_per_step=optimisation.tokens_per_step)
    validation = Feed(store, np.arange(50, 60), seed=1, tokens_per_step=200, shuffle=False)
    groups = parameter_groups(network, optimisation.weight_decay, optimisation.layer_decay)
    return Lesson(settings, network, groups, objective, feed, validation)


def train(folder: Path, kind: str = "pretrain", changes: dict | None = None, **runtime: object) -> str:
    """Train in a folder; sha256 over the final weights."""
    lesson = make_lesson(kind, **(changes or {}))
    values = {"checkpoint_dir": folder, "device": "cpu", "checkpoint_every_steps": 2, "log_every_steps": 1, **runtime}
    with open_session(Runtime.model_validate(values), "fp32", "L1") as opened:
        opened.train(lesson)
    return weights_digest(lesson.network)


def weights_digest(network: torch.nn.Module) -> str:
    """sha256 over all weights."""
    import hashlib

    digest = hashlib.sha256()
    for name, tensor in tensors.unique_state(network).items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def _work(order: dict) -> tuple[int, str]:
    """Carry out an order in this process: (exit code, what it said or the digest of the weights)."""
    said = io.StringIO()
    faults.plan(order.pop("faults", ""))
    limit = order.pop("largest_file", None)
    if limit:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with redirect_stderr(said):
            return 0, train(Path(order.pop("folder")), **order) + "\n" + said.getvalue()
    except RibolmError as error:
        return error.exit_code, f"{error}\n{said.getvalue()}"


def _child(order: dict, rank: int, world: int, answer: Path) -> None:
    if world > 1:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
        os.environ["RIBOLM_RENDEZVOUS"] = str(answer.with_suffix(".meeting"))
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    if rank:
        order.pop("faults", None)
    order.pop("kill_after_s", None)
    code, text = _work(order)
    if rank == 0:
        answer.write_text(text)
    os._exit(code)


def _serve_one(order: dict, scratch: Path, number: int) -> dict:
    world, kill_after_s = order.pop("world", 1), order.pop("kill_after_s", None)
    kill_with = order.pop("kill_with", int(signal.SIGKILL))
    answer = scratch / f"{number}.txt"
    children = []
    for rank in range(world):
        pid = os.fork()
        if pid == 0:
            _child(order, rank, world, answer)
        children.append(pid)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(children[0], kill_with)
    codes = []
    for place, pid in enumerate(children):
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        codes.append(code)
        if place == 0 and code not in (0, 143):
            for other in children[1:]:
                os.kill(other, signal.SIGKILL)
    return {"codes": codes, "text": answer.read_text() if answer.exists() else ""}


def serve(scratch: Path) -> None:
    """Answer one JSON line per order on standard input."""
    code_digest()  # remembered by the children
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that torch's import left behind
    for number, line in enumerate(sys.stdin):
        print(json.dumps(_serve_one(json.loads(line), scratch, number)), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
