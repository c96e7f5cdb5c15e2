"""What stands on the encoder: masked LM, token, sequence, regression, multi-label, pair, structure; logits in fp32."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.errors import DataError
from ribolm.models.family import BackboneConfig, HeadBuilder
from ribolm.models.linear import linear_gelu
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.pair_maps.head import PairMapHead
from ribolm.models.ragged import Ragged

Kind = Literal["masked_lm", "causal_lm", "token", "sequence", "regression", "multilabel", "pair", "structure"]
KINDS: tuple[Kind, ...] = (
    "masked_lm", "causal_lm", "token", "sequence", "regression", "multilabel", "pair", "structure",
)  # fmt: skip
POOLED = ("sequence", "regression", "multilabel")
Pooling = Literal["mean", "cls", "last"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "last")


@dataclass(frozen=True)
class HeadSpec:
    """Which head: its kind, the number of its outputs, how a sequence is pooled (None where each token answers).

    delay_nt, both_strands: where a token head of a causal backbone reads a token's state, see `look_ahead`. pair_map:
    the shape of a structure head, which has no other choice.
    """

    kind: Kind
    n_labels: int = 1
    pooling: Pooling | None = None
    delay_nt: int = 0
    both_strands: bool = False
    pair_map: PairMapConfig | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"head {self.kind!r} is unknown. Use one of {', '.join(KINDS)}.")
        pooled = self.kind in POOLED
        if self.pooling is not None and (not pooled or self.pooling not in POOLINGS):
            raise DataError(f"a {self.kind} head has no pooling {self.pooling!r}. Use one of {', '.join(POOLINGS)}.")
        if pooled and self.pooling is None:
            object.__setattr__(self, "pooling", "mean")
        if (self.delay_nt or self.both_strands) and (self.kind != "token" or self.delay_nt < 0):
            raise DataError(
                f"a {self.kind} head has no delay of {self.delay_nt} nt and no second strand. Use a token head."
            )
        if (self.kind == "structure") != (self.pair_map is not None):
            raise DataError(f"a {self.kind} head does not go with pair_map {self.pair_map}. Use a structure head.")
        if self.n_labels < 1:
            raise DataError(f"a head needs at least one label, not {self.n_labels}. Name the labels.")


def in_fp32(layer: nn.Linear, x: Tensor) -> Tensor:
    """A last linear layer in fp32, whatever autocast does before it."""
    with torch.autocast(x.device.type, enabled=False):
        bias = None if layer.bias is None else layer.bias.float()
        return functional.linear(x.float(), layer.weight.float(), bias)


class MaskedLMHead(nn.Module):
    """ESM-2's head of the masked language model; its decoder is the embedding matrix itself."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """Logits [N, vocabulary] of the selected hidden states [N, D]."""
        x = self.layer_norm(linear_gelu(hidden, self.dense))
        with torch.autocast(x.device.type, enabled=False):
            return functional.linear(x.float(), embeddings.float(), self.bias.float())


class TokenHead(nn.Linear):
    """One linear layer per token, as in `EsmForTokenClassification`."""

    def __init__(self, config: BackboneConfig, spec: HeadSpec) -> None:
        super().__init__(config.hidden_size * (1 + spec.both_strands), spec.n_labels)
        self.dropout = config.hidden_dropout_prob

    def forward(self, hidden: Tensor) -> Tensor:
        """Logits [N, labels] of hidden states [N, D], of both strands [N, 2 · D]."""
        return in_fp32(self, functional.dropout(hidden, self.dropout, self.training))


class SequenceHead(nn.Module):
    """Two linear layers over a pooled sequence, as in `EsmForSequenceClassification` (which pools by cls)."""

    def __init__(self, config: BackboneConfig, spec: HeadSpec) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, spec.n_labels)
        self.dropout = config.hidden_dropout_prob
        self.pooling = spec.pooling
        self.special_ids = (config.bos_token_id, config.eos_token_id)

    def forward(self, hidden: Tensor, batch: Ragged) -> Tensor:
        """Logits, or values of a regression, [B, labels] from hidden states [T, D]."""
        pooled = pool(hidden, batch, self.pooling or "mean", self.special_ids)
        x = functional.dropout(pooled, self.dropout, self.training)
        x = functional.dropout(torch.tanh(self.dense(x)), self.dropout, self.training)
        return in_fp32(self.out_proj, x)


class RegressionHead(SequenceHead):
    """A sequence head whose outputs are values."""


class MultiLabelHead(SequenceHead):
    """A sequence head whose outputs are independent logits."""


class PairHead(nn.Module):
    """A symmetric logit for two positions of one sequence: two projections, product and sum, one linear layer."""

    def __init__(self, config: BackboneConfig, spec: HeadSpec) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = nn.Linear(2 * config.hidden_size, spec.n_labels)

    def forward(self, hidden: Tensor, pairs: Tensor) -> Tensor:
        """Logits [P, labels] of pairs of token positions (int64 [P, 2], counted over the whole batch)."""
        x = functional.gelu(self.dense(hidden))
        left, right = x[pairs[:, 0]], x[pairs[:, 1]]
        return in_fp32(self.out_proj, torch.cat((left * right, left + right), dim=-1))


def pool(hidden: Tensor, batch: Ragged, pooling: Pooling, special_ids: Iterable[int | None]) -> Tensor:
    """One vector [B, D] per sequence: its first or last token, or the fp32 mean over those that are not special."""
    starts = batch.cu_seqlens[:-1].long()
    if pooling == "cls":
        return hidden[starts]
    if pooling == "last":
        return hidden[batch.cu_seqlens[1:].long() - 1]
    inner = torch.ones(len(hidden), device=hidden.device)
    for special in special_ids:
        if special is not None:
            inner = inner.masked_fill(batch.tokens == special, 0.0)
    lengths = batch.cu_seqlens.diff()
    owner = torch.arange(len(starts), device=hidden.device).repeat_interleave(lengths, output_size=len(hidden))
    total = torch.zeros(len(starts), hidden.shape[1], device=hidden.device)
    total = total.index_add(0, owner, hidden.float() * inner[:, None])
    counted = torch.zeros(len(starts), device=hidden.device).index_add(0, owner, inner)
    return total / counted.clamp(min=1)[:, None]


# Name of the weights and builder of every kind, where a family of backbones has not its own
HEADS: Mapping[str, tuple[str, HeadBuilder]] = {
    "masked_lm": ("lm_head", lambda config, _spec: MaskedLMHead(config)),
    "token": ("classifier", TokenHead),
    "sequence": ("classifier", SequenceHead),
    "regression": ("classifier", RegressionHead),
    "multilabel": ("classifier", MultiLabelHead),
    "pair": ("pair_head", PairHead),
    "structure": ("structure_head", lambda config, spec: PairMapHead(config, spec.pair_map)),
}
