"""Encoder and head as one module whose state has the keys of transformers' ESM classes."""

import torch
from torch import Tensor, nn

from ribolm.models.configuration import EncoderConfig
from ribolm.models.encoder import Encoder
from ribolm.models.heads import HeadSpec, MaskedLMHead, PairHead, TokenHead, build_head
from ribolm.models.ragged import Ragged

MASKED_LM = HeadSpec("masked_lm")


class Network(nn.Module):
    """An encoder with one head, or with none.

    `state_dict` has the keys of `EsmForMaskedLM`, `EsmForTokenClassification` or `EsmForSequenceClassification`: the
    encoder is `esm`, the head `lm_head`, `classifier` or (pairs, unknown to transformers) `pair_head`.
    """

    def __init__(self, config: EncoderConfig, spec: HeadSpec | None = None) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.esm = Encoder(config)
        if spec:
            self.add_module(head_name(spec), build_head(config, spec))

    @property
    def encoder(self) -> Encoder:
        """The encoder: [T] tokens to [T, D] hidden states."""
        return self.esm

    @property
    def head(self) -> nn.Module | None:
        """The head, or None."""
        return getattr(self, head_name(self.spec)) if self.spec else None

    def forward(self, batch: Ragged, selected: Tensor | None = None) -> Tensor:
        """Logits in fp32.

        `selected`: positions over the whole batch (int64 [N]; pairs [P, 2]) that are scored; None: every token. Masked
        LM: [N, vocabulary]; token: [N, labels]; sequence, regression, multi-label: [B, labels] (`selected` unused);
        pair: [P, labels]. Without a head: hidden states [T, D], or the selected ones.
        """
        return self.score(self.esm(batch), batch, selected)

    def score(self, hidden: Tensor, batch: Ragged, selected: Tensor | None = None) -> Tensor:
        """Logits from hidden states [T, D]; see `forward`."""
        head = self.head
        if isinstance(head, PairHead):
            if selected is None:
                raise ValueError("a pair head needs the pairs of positions to score")
            return _tensor(head(hidden, selected))
        if head is not None and not isinstance(head, MaskedLMHead | TokenHead):
            return _tensor(head(hidden, batch))
        chosen = hidden if selected is None else hidden[selected]
        if isinstance(head, MaskedLMHead):
            return _tensor(head(chosen, self.esm.embeddings.word_embeddings.weight))
        return chosen if head is None else _tensor(head(chosen))

    def with_new_head(self, spec: HeadSpec | None, seed: int) -> "Network":
        """A network that shares this encoder and has a new, randomly initialised head."""
        other = new_network(self.config, spec, seed)
        other.esm = self.esm
        return other

    def n_parameters(self) -> int:
        """Number of weights, the tied decoder counted once."""
        return sum(parameter.numel() for parameter in self.parameters())


def _tensor(value: Tensor) -> Tensor:
    return value


def head_name(spec: HeadSpec) -> str:
    """The name under which a head's weights are stored."""
    return {"masked_lm": "lm_head", "pair": "pair_head"}.get(spec.kind, "classifier")


def new_network(config: EncoderConfig, spec: HeadSpec | None, seed: int) -> Network:
    """A network with ESM's random initialisation, a pure function of configuration, head and seed.

    Matrices are normal with standard deviation `initializer_range`, biases 0, LayerNorms 1, the padding row 0.
    """
    with torch.device("meta"):
        network = Network(config, spec)
    # not to_empty: empty_like of a meta tensor would import torch's symbolic shapes (1.2 s)
    network._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype))  # type: ignore[no-untyped-call]
    network.esm.rotary_embeddings.reset()
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        initialise(module, config, generator)
    return network


@torch.no_grad()
def initialise(module: nn.Module, config: EncoderConfig, generator: torch.Generator) -> None:
    """Set the weights that a module itself owns."""
    if isinstance(module, nn.Linear | nn.Embedding):
        module.weight.normal_(0.0, config.initializer_range, generator=generator)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight[module.padding_idx] = 0.0
    if isinstance(module, nn.LayerNorm):
        module.weight.fill_(1.0)
    if isinstance(module, nn.Linear | nn.LayerNorm | MaskedLMHead) and module.bias is not None:
        module.bias.zero_()
