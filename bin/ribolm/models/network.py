"""Backbone and head as one module whose state has the keys of the classes that the backbone was published with."""

import torch
from torch import Tensor, nn

from ribolm.errors import DataError
from ribolm.models.backbones import build, family_of
from ribolm.models.family import BackboneConfig, HeadBuilder
from ribolm.models.heads import HEADS, POOLED, HeadSpec
from ribolm.models.look_ahead import look_ahead
from ribolm.models.pair_maps.head import PairMapHead
from ribolm.models.ragged import Ragged

MASKED_LM = HeadSpec("masked_lm")


class Network(nn.Module):
    """A backbone with one head, or with none.

    `state_dict` has upstream's keys. Of ESM-2: the encoder is `esm`, the head `lm_head`, `classifier` or (pairs,
    unknown to transformers) `pair_head`, `structure_head`; of other families see `family.Family.prefix` and `heads`.
    """

    def __init__(self, config: BackboneConfig, spec: HeadSpec | None = None) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self._prefix = family_of(config).prefix
        self.add_module(self._prefix, build(config))
        if spec:
            name, make = _head(config, spec)
            self.add_module(name, make(config, spec))

    @property
    def encoder(self) -> nn.Module:
        """The backbone: [T] tokens to [T, D] hidden states."""
        backbone: nn.Module = getattr(self, self._prefix)
        return backbone

    @property
    def head(self) -> nn.Module | None:
        """The head, or None."""
        return getattr(self, head_name(self.config, self.spec)) if self.spec else None

    def forward(self, batch: Ragged, selected: Tensor | None = None) -> Tensor:
        """Logits in fp32.

        `selected`: positions over the whole batch (int64 [N]; pairs [P, 2]) that are scored; None: every token. Masked
        and causal LM: [N, vocabulary]; token: [N, labels]; sequence, regression, multi-label: [B, labels] (`selected`
        unused); pair: [P, labels]; structure: see `pair_maps.folding`. Without a head: hidden states [T, D], or the
        selected ones.
        """
        return self.answer(self._states(batch), batch, selected)

    def _states(self, batch: Ragged) -> Tensor:
        spec, bases = self.spec, family_of(self.config).bases
        if spec is None or bases is None or not (spec.delay_nt or spec.both_strands):
            return _tensor(self.encoder(batch))
        n_behind = int(self.config.eos_token_id is not None)
        return look_ahead(self.encoder, batch, spec.delay_nt, spec.both_strands, bases, n_behind)

    def answer(self, hidden: Tensor, batch: Ragged, selected: Tensor | None = None) -> Tensor:
        """Logits from hidden states [T, D]; see `forward`."""
        head, kind = self.head, self.spec.kind if self.spec else ""
        if head is not None and kind == "pair":
            if selected is None:
                raise ValueError("a pair head needs the pairs of positions to score")
            return _tensor(head(hidden, selected))
        if head is not None and kind == "structure":
            raise ValueError("a structure head answers RNA by RNA: use pair_maps.folding")
        if head is not None and kind in POOLED:
            return _tensor(head(hidden, batch))
        chosen = hidden if selected is None else hidden[selected]
        if head is not None and kind in ("masked_lm", "causal_lm"):
            return _tensor(head(chosen, self.encoder.token_embeddings))
        return chosen if head is None else _tensor(head(chosen))

    def with_new_head(self, spec: HeadSpec | None, seed: int) -> "Network":
        """A network that shares this backbone and has a new, randomly initialised head."""
        other = new_network(self.config, spec, seed)
        setattr(other, self._prefix, self.encoder)
        return other

    def n_parameters(self) -> int:
        """Number of weights, tied ones counted once."""
        return sum(parameter.numel() for parameter in self.parameters())


def _tensor(value: Tensor) -> Tensor:
    return value


def _head(config: BackboneConfig, spec: HeadSpec) -> tuple[str, HeadBuilder]:
    family = family_of(config)
    if config.causal and spec.pooling == "cls":
        raise DataError(f"{family.name} is causal, so a first token has seen nothing. Use pooling mean or last.")
    if (spec.delay_nt or spec.both_strands) and not (config.causal and family.bases):
        raise DataError(f"{family.name} sees what follows a token anyway: give no delay and no second strand.")
    if spec.kind == "structure" and config.causal:
        raise DataError(f"{family.name} is causal, so a base does not see its later partners. Use another model.")
    heads = {**HEADS, **family.heads}
    if spec.kind not in heads or (spec.kind.endswith("_lm") and spec.kind != family.language_model):
        raise DataError(f"{family.name} has no head for {spec.kind}. Use another model.")
    return heads[spec.kind]


def head_name(config: BackboneConfig, spec: HeadSpec) -> str:
    """The name under which a head's weights are stored."""
    return _head(config, spec)[0]


def language_model(config: BackboneConfig) -> HeadSpec:
    """The head that a family is pretrained with: masked or causal language modelling."""
    return MASKED_LM if family_of(config).language_model == "masked_lm" else HeadSpec("causal_lm")


def new_network(config: BackboneConfig, spec: HeadSpec | None, seed: int) -> Network:
    """A network with its family's random initialisation, a pure function of configuration, head and seed.

    Of ESM-2: matrices normal with standard deviation `initializer_range`, biases 0, LayerNorms 1, the padding row 0.
    """
    family = family_of(config)
    with torch.device("meta"):
        network = Network(config, spec)
    # not to_empty: empty_like of a meta tensor would import torch's symbolic shapes (1.2 s)
    network._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype))  # type: ignore[no-untyped-call]
    family.reset(network.encoder)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        family.initialise(module, config, generator)
    if isinstance(network.head, PairMapHead):
        network.head.initialise(generator)
    return network
