"""The bidirectional transformer encoder: pre-norm, packed tokens, ESM's names of the weights.

ESM-2's form has rotary positions and a GELU between its feed-forward matrices; configurations of ESM's other branches
ask for learned positions (Nucleotide Transformer) or a gated feed-forward layer (its second version).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.errors import DataError
from ribolm.models.attention import Backend, OnAttention, Plan, Wanted, attend, plan_attention
from ribolm.models.configuration import EncoderConfig
from ribolm.models.gated import NUCLEOTIDE_TRANSFORMER_GATE, gated
from ribolm.models.linear import apply_linear, linear, linear_gelu
from ribolm.models.mapped_ids import MappedIds
from ribolm.models.ragged import Ragged, positions_of
from ribolm.models.rotary import RotaryEmbeddings, pairs_side_by_side, rotate, rotate_in_place

__all__ = ["Encoder", "EncoderConfig"]
MASKED_IN_TRAINING = 0.15 * 0.8  # share of <mask> in ESM-2's training, the reference of its token dropout


class Embeddings(nn.Module):
    """Token embeddings with ESM-2's token dropout, and learned positions where the configuration has them."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        # a given weight is not initialised: torch's normal_ on the meta device would import its compiler (3 s)
        vocabulary, width = config.vocab_size, config.hidden_size
        empty = torch.empty(vocabulary, width)
        self.word_embeddings = nn.Embedding(vocabulary, width, padding_idx=config.pad_token_id, _weight=empty)
        self.mask_token_id = config.mask_token_id
        self.token_dropout = config.token_dropout
        self.position_embeddings: nn.Embedding | None = None
        if config.learned_positions:
            rows = config.max_position_embeddings
            empty = torch.empty(rows, width)
            self.position_embeddings = nn.Embedding(rows, width, padding_idx=config.pad_token_id, _weight=empty)

    def forward(self, batch: Ragged) -> Tensor:
        """Embeddings [T, D] of the tokens of a batch; DataError for more tokens than there are learned positions."""
        embedded = self._tokens(batch)
        if self.position_embeddings is None:
            return embedded
        first = (self.position_embeddings.padding_idx or 0) + 1  # rows up to the padding's are never read (fairseq)
        longest, most = max(batch.lengths), self.position_embeddings.num_embeddings - first
        if longest > most:
            raise DataError(
                f"a sequence of {longest:,} tokens is longer than the {most:,} that the model has places for. Cut it "
                "into windows, or use another model."
            )
        placed: Tensor = embedded + self.position_embeddings(positions_of(batch) + first)
        return placed

    def _tokens(self, batch: Ragged) -> Tensor:
        embedded: Tensor = self.word_embeddings(batch.tokens)
        if not self.token_dropout:
            return embedded
        masked = batch.tokens == self.mask_token_id
        counted = functional.pad(masked.cumsum(0), (1, 0))[batch.cu_seqlens.long()].diff()
        lengths = batch.cu_seqlens.diff()
        scale = (1 - MASKED_IN_TRAINING) / (1 - counted.float() / lengths)
        per_token = scale.repeat_interleave(lengths, output_size=len(batch.tokens)).masked_fill(masked, 0.0)
        return embedded * per_token[:, None]


class SelfAttention(nn.Module):
    """Queries, keys and values of one layer, projected in one product."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.heads = config.num_attention_heads

        self.head_size = config.head_size

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Attended values [T, D] of normalised hidden states [T, D]."""
        turns = plan.rotation.turns if plan.rotation else None
        parts = (self.query, self.key, self.value)
        if not all(type(part) is nn.Linear for part in parts):  # adapters of LoRA stand in the place of some
            qkv = torch.cat([apply_linear(part, x) for part in parts], dim=-1)
        elif turns is not None and _is_fp32(x, self.query.weight):
            qkv = rotate_in_place(linear(x, self._joined("weight", True), self._joined("bias", True)), turns)
            return attend(qkv.view(len(x), 3, self.heads, -1), plan, layer)
        else:
            qkv = linear(x, self._joined("weight"), self._joined("bias"))
        qkv = qkv.view(len(x), 3, self.heads, -1)
        return attend(rotate(qkv, plan.rotation) if plan.rotation else qkv, plan, layer)

    def _joined(self, name: str, pairs_together: bool = False) -> Tensor:
        turned: list[Tensor] = [getattr(part, name) for part in (self.query, self.key)]
        if pairs_together:
            turned = [pairs_side_by_side(parameter, self.head_size) for parameter in turned]
        return torch.cat([*turned, getattr(self.value, name)])


def _is_fp32(x: Tensor, weight: Tensor) -> bool:
    """Whether their product on a CPU is fp32."""
    return x.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


class Projection(nn.Module):
    """A linear layer whose result is added to the residual stream; both sub-layers end in one."""

    def __init__(self, width: int, config: EncoderConfig, bias: bool = True) -> None:
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size, bias=bias)
        self.dropout = config.hidden_dropout_prob

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """residual + dropout(dense(x)), [T, D]."""
        projected = apply_linear(self.dense, x)
        if self.training and self.dropout:
            projected = functional.dropout(projected, self.dropout)
        return residual + projected if projected.dtype != residual.dtype else projected.add_(residual)


class Attention(nn.Module):
    """Pre-norm self-attention sub-layer."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = Projection(config.hidden_size, config)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Hidden states [T, D] after the sub-layer."""
        attended: Tensor = self.output(self.self(self.LayerNorm(x), plan, layer), x)
        return attended


class Intermediate(nn.Module):
    """The widening half of the feed-forward sub-layer, with the exact GELU or gated by a SiLU."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.gated = config.gated
        width = (2 if self.gated else 1) * config.intermediate_size
        self.dense = nn.Linear(config.hidden_size, width, bias=config.feed_forward_bias)

    def forward(self, x: Tensor) -> Tensor:
        """GELU(dense(x)), or SiLU(one half of dense(x)) · the other, [T, intermediate_size]."""
        if self.gated:
            return gated(apply_linear(self.dense, x), NUCLEOTIDE_TRANSFORMER_GATE, functional.silu)
        return linear_gelu(x, self.dense)


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = Projection(config.intermediate_size, config, config.feed_forward_bias)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Hidden states [T, D] after both sub-layers."""
        x = self.attention(x, plan, layer)
        y: Tensor = self.output(self.intermediate(self.LayerNorm(x)), x)
        return y


class Stack(nn.Module):
    """The layers and the final LayerNorm."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])
        self.emb_layer_norm_after = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, plan: Plan) -> Tensor:
        """Hidden states [T, D] of the last layer, normalised."""
        for number, layer in enumerate(self.layer):
            x = layer(x, plan, number)
        y: Tensor = self.emb_layer_norm_after(x)
        return y


class ContactHead(nn.Module):
    """ESM-2's stored regression over attention maps: carried along, never trained with the encoder."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.regression = nn.Linear(config.num_hidden_layers * config.num_attention_heads, 1)
        self.regression.requires_grad_(False)


class Encoder(nn.Module):
    """ESM's encoder over packed tokens; parity with transformers' `EsmModel` is tested to 1e-5 in fp32."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.attention_backend: Backend | None = None  # None: chosen by device and dtype
        self.mapped_ids = MappedIds.of(config)
        self.embeddings = Embeddings(config)
        self.rotary_embeddings = None if config.learned_positions else RotaryEmbeddings(config)
        self.encoder = Stack(config)
        self.contact_head = ContactHead(config)

    @property
    def token_embeddings(self) -> Tensor:
        """The embedding matrix [vocabulary, D]."""
        return self.embeddings.word_embeddings.weight

    def embed(self, batch: Ragged) -> Tensor:
        """Embeddings [T, D] of the tokens, which `forward` takes as `embedded`."""
        embedded: Tensor = self.embeddings(batch)
        return embedded

    def forward(self, batch: Ragged, embedded: Tensor | None = None, on_attention: OnAttention | None = None) -> Tensor:
        """Hidden states [T, D] of a batch.

        `embedded` [T, D] stands in for the token embeddings (gradients with respect to them); `on_attention` receives
        (layer, sequence, probabilities [heads, L, L]) and switches to eager attention. Raises DataError for ids that
        are not of the model's mapping of nucleotides.
        """
        if self.mapped_ids is not None:
            self.mapped_ids.check(batch.tokens)
        x = self.embeddings(batch) if embedded is None else embedded
        hidden: Tensor = self.encoder(x, self._plan(batch, x, on_attention))
        return hidden

    def _plan(self, batch: Ragged, x: Tensor, on_attention: OnAttention | None) -> Plan:
        config = self.config
        wanted = Wanted(
            self.attention_backend,
            config.head_size,
            config.attention_probs_dropout_prob,
            self.training,
            on_attention,
        )
        rotation = None if self.rotary_embeddings is None else self.rotary_embeddings(batch)
        return plan_attention(batch, x, wanted, rotation)
