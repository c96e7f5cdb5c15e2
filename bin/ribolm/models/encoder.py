"""The bidirectional transformer encoder: rotary positions, pre-norm, packed tokens, ESM-2's names of the weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.models.attention import Backend, OnAttention, Plan, attend, choose_backend, neighbours_of_one_length
from ribolm.models.attention import tell_backend as _tell_backend
from ribolm.models.configuration import EncoderConfig
from ribolm.models.linear import apply_linear, linear, linear_gelu, onednn_fits
from ribolm.models.ragged import Ragged
from ribolm.models.rotary import RotaryEmbeddings, pairs_side_by_side, rotate, rotate_in_place

__all__ = ["Encoder", "EncoderConfig"]
MASKED_IN_TRAINING = 0.15 * 0.8  # share of <mask> in ESM-2's training, the reference of its token dropout


class Embeddings(nn.Module):
    """Token embeddings with ESM-2's token dropout."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        # a given weight is not initialised: torch's normal_ on the meta device would import its compiler (3 s)
        vocabulary, width = config.vocab_size, config.hidden_size
        empty = torch.empty(vocabulary, width)
        self.word_embeddings = nn.Embedding(vocabulary, width, padding_idx=config.pad_token_id, _weight=empty)
        self.mask_token_id = config.mask_token_id
        self.token_dropout = config.token_dropout

    def forward(self, batch: Ragged) -> Tensor:
        """Embeddings [T, D] of the tokens of a batch."""
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
        turns = plan.rotation.turns
        parts = (self.query, self.key, self.value)
        if not all(type(part) is nn.Linear for part in parts):  # adapters of LoRA stand in the place of some
            qkv = torch.cat([apply_linear(part, x) for part in parts], dim=-1)
        elif turns is not None and onednn_fits(x, self.query.weight):
            qkv = rotate_in_place(linear(x, self._joined("weight", True), self._joined("bias", True)), turns)
            return attend(qkv.view(len(x), 3, self.heads, -1), plan, layer)
        else:
            qkv = linear(x, self._joined("weight"), self._joined("bias"))
        return attend(rotate(qkv.view(len(x), 3, self.heads, -1), plan.rotation), plan, layer)

    def _joined(self, name: str, pairs_together: bool = False) -> Tensor:
        turned: list[Tensor] = [getattr(part, name) for part in (self.query, self.key)]
        if pairs_together:
            turned = [pairs_side_by_side(parameter, self.head_size) for parameter in turned]
        return torch.cat([*turned, getattr(self.value, name)])


class Projection(nn.Module):
    """A linear layer whose result is added to the residual stream; both sub-layers end in one."""

    def __init__(self, width: int, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size)
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
    """The widening half of the feed-forward sub-layer, with the exact GELU."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, x: Tensor) -> Tensor:
        """GELU(dense(x)), [T, intermediate_size]."""
        return linear_gelu(x, self.dense)


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = Projection(config.intermediate_size, config)
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
    """ESM-2's encoder over packed tokens; parity with transformers' `EsmModel` is tested to 1e-5 in fp32."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.attention_backend: Backend | None = None  # None: chosen by device and dtype
        self.embeddings = Embeddings(config)
        self.rotary_embeddings = RotaryEmbeddings(config)
        self.encoder = Stack(config)
        self.contact_head = ContactHead(config)

    def forward(self, batch: Ragged, embedded: Tensor | None = None, on_attention: OnAttention | None = None) -> Tensor:
        """Hidden states [T, D] of a batch.

        `embedded` [T, D] stands in for the token embeddings (gradients with respect to them); `on_attention` receives
        (layer, sequence, probabilities [heads, L, L]) and switches to eager attention.
        """
        x = self.embeddings(batch) if embedded is None else embedded
        hidden: Tensor = self.encoder(x, self._plan(batch, x, on_attention))
        return hidden

    def _plan(self, batch: Ragged, x: Tensor, on_attention: OnAttention | None) -> Plan:
        config = self.config
        dropout = config.attention_probs_dropout_prob if self.training else 0.0
        dtype = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype
        backend, reason = choose_backend(x.device, dtype, config.head_size, config.attention_probs_dropout_prob)
        if self.attention_backend:
            backend, reason = self.attention_backend, "asked for"
        if on_attention:
            backend, reason = "eager", "attention maps are wanted"
        _tell_backend(backend, reason)
        groups = neighbours_of_one_length(batch.lengths)
        return Plan(
            backend, batch.cu_seqlens, batch.lengths, groups, self.rotary_embeddings(batch), dropout, on_attention
        )
