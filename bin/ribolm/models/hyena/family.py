"""HyenaDNA as a family of backbones: heads, random weights, names in published files."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ribolm.errors import DataError
from ribolm.models.family import Family, Fates
from ribolm.models.heads import HeadSpec, in_fp32, pool
from ribolm.models.hyena.backbone import Hyena, Projection, ShortFilter
from ribolm.models.hyena.configuration import HyenaConfig, hyena_config_from_dict, is_hyena
from ribolm.models.hyena.filter import Filter, Modulation, Positions, Sine
from ribolm.models.ragged import Ragged
from ribolm.models.state import State

# Layers wrapped for gradient checkpointing carry one more part in their names
CHECKPOINTED = re.compile(r"\.(mixer|mlp)\.layer\.")
REPEATED_SINE = re.compile(r"(.*\.implicit_filter\.)\d+\.freq")


class CausalHead(nn.Linear):
    """The decoder of the causal language model, not tied to the embeddings."""

    def __init__(self, config: HyenaConfig, _spec: HeadSpec) -> None:
        super().__init__(config.d_model, config.n_embeddings, bias=False)

    def forward(self, hidden: Tensor, _embeddings: Tensor | None = None) -> Tensor:
        """Logits [N, 16] of the token behind each of the hidden states [N, D]."""
        return in_fp32(self, hidden)


class ScoreHead(nn.Linear):
    """A linear layer without bias over a pooled sequence, as in `HyenaDNAForSequenceClassification` (pooling last)."""

    def __init__(self, config: HyenaConfig, spec: HeadSpec) -> None:
        super().__init__(config.d_model, spec.n_labels, bias=False)
        self.pooling = spec.pooling or "mean"
        self.special_ids = (config.bos_token_id, config.eos_token_id)

    def forward(self, hidden: Tensor, batch: Ragged | None = None) -> Tensor:
        """Logits, or values of a regression, [B, labels] from hidden states [T, D]."""
        assert batch is not None
        return in_fp32(self, pool(hidden, batch, self.pooling, self.special_ids))


@torch.no_grad()
def initialise(module: nn.Module, config: HyenaConfig, generator: torch.Generator) -> None:
    """Set the weights that a module itself owns, by the rules of the original repository.

    Matrices and embeddings are normal, of standard deviation 0.02, those that end in the residual stream 0.02 /
    sqrt(2 · layers); filter biases are standard normal; short filters uniform within 1 / sqrt(3); LayerNorms 1.
    """
    if isinstance(module, nn.Linear | nn.Embedding):
        scale = (2 * config.n_layer) ** -0.5 if isinstance(module, Projection) else 1.0
        module.weight.normal_(0.0, config.initializer_range * scale, generator=generator)
    if isinstance(module, nn.LayerNorm):
        module.weight.fill_(1.0)
    if isinstance(module, nn.Linear | nn.LayerNorm) and module.bias is not None:
        module.bias.zero_()
    if isinstance(module, Filter):
        module.bias.normal_(generator=generator)
    if isinstance(module, ShortFilter):
        for parameter in (module.weight, module.bias):
            parameter.uniform_(-(3**-0.5), 3**-0.5, generator=generator)
    if isinstance(module, Sine):
        module.freq.fill_(module.start)


def _reset(backbone: Hyena) -> None:
    for module in backbone.modules():
        if isinstance(module, Positions | Modulation):
            module.reset()


def rename(stored: Mapping[str, Tensor], config: HyenaConfig) -> tuple[State, Fates]:
    """Bring the names of the original repository and of gradient checkpointing to those of transformers' classes.

    The one frequency tensor of a filter may stand once or several times; positions and decays may be missing. Raises
    DataError where copies of the frequencies differ.
    """
    state: State = {}
    fates = Fates()
    for name, value in stored.items():
        new = CHECKPOINTED.sub(r".\1.", name.removeprefix("model."))
        new = f"hyena.{new}" if new.startswith("backbone.") else new
        repeated = REPEATED_SINE.fullmatch(new)
        if repeated:
            new = f"{repeated[1]}1.freq"
            if new in state:
                fates.left_out.append(name)
                if not torch.equal(value, state[new]):
                    raise DataError(f"{name} is not the filter's one frequency tensor. Use a HyenaDNA model.")
                continue
        if new != name:
            fates.renamed.append(name)
        state[new] = value
    return _with_computed(state, config, fates), fates


def _with_computed(state: State, config: HyenaConfig, fates: Fates) -> State:
    """Positions and decays follow from the configuration where a file leaves them out."""
    positions, modulation = Positions(config), Modulation(config)
    positions.reset()
    modulation.reset()
    computed = {"pos_emb.z": positions.z, "pos_emb.t": positions.t, "modulation.deltas": modulation.deltas}
    for number in range(config.n_layer):
        for part, value in computed.items():
            name = f"hyena.backbone.layers.{number}.mixer.filter_fn.{part}"
            if name not in state:
                state[name] = value.clone()
                fates.added.append(name)
    return state


_CLASSIFIER = "HyenaDNAForSequenceClassification"
_SCORE: tuple[str, Any] = ("score", ScoreHead)
HYENA = Family(
    name="HyenaDNA",
    prefix="hyena",
    config=HyenaConfig,
    recognises=is_hyena,
    read_config=hyena_config_from_dict,
    build=Hyena,
    initialise=initialise,
    reset=_reset,
    rename=rename,
    language_model="causal_lm",
    heads={"causal_lm": ("lm_head", CausalHead), "sequence": _SCORE, "regression": _SCORE, "multilabel": _SCORE},
    architectures={
        "": "HyenaDNAModel",
        "pair": "HyenaDNAModel",
        "token": "HyenaDNAModel",
        "causal_lm": "HyenaDNAForCausalLM",
        "sequence": _CLASSIFIER,
        "regression": _CLASSIFIER,
        "multilabel": _CLASSIFIER,
    },
    tokenizer=("hyena", None),
    bases=(7, 8, 9, 10, 11),
    lora_targets=("in_proj", "out_proj", "fc1", "fc2"),
    adapted=r"backbone\.layers\..*",
    parity="standalone_hyenadna.py and modeling_hyena.py on random weights; unverified against published weights",
)
