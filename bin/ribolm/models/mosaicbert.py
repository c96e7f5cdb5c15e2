"""MosaicBERT, the architecture of DNABERT-2 (Zhou et al. 2023): BERT with ALiBi for positions and gated layers.

Layers normalise behind the residual sum, queries, keys and values come from one matrix, and no position is embedded, so
that any length goes. Names of the weights are those of upstream's `bert_layers.py`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.models.alibi import alibi_bias
from ribolm.models.attention import Backend, OnAttention, Plan, Wanted, attend, plan_attention
from ribolm.models.gated import MOSAICBERT_GATE, gated
from ribolm.models.linear import apply_linear, linear_gelu
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.ragged import Ragged

HEAD_EPS = 1e-12  # upstream's, whatever the configuration says


class Embeddings(nn.Module):
    """Token embeddings and what is done to them before the first layer."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        words, types, width = config.vocab_size, config.type_vocab_size, config.hidden_size
        # weights are given, so that none is initialised: see the encoder's embeddings
        empty = torch.empty(words, width)
        self.word_embeddings = nn.Embedding(words, width, padding_idx=config.pad_token_id, _weight=empty)
        self.token_type_embeddings = nn.Embedding(types, width, _weight=torch.empty(types, width))
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = config.hidden_dropout_prob

    def forward(self, embedded: Tensor) -> Tensor:
        """Hidden states [T, D] before the first layer, of token embeddings [T, D]; every token is of type 0."""
        x: Tensor = self.LayerNorm(embedded + self.token_type_embeddings.weight[0])
        return functional.dropout(x, self.dropout, self.training)


class SelfAttention(nn.Module):
    """Queries, keys and values of one layer, from one matrix."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.Wqkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.heads = config.num_attention_heads

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Attended values [T, D] of hidden states [T, D]."""
        return attend(apply_linear(self.Wqkv, x).view(len(x), 3, self.heads, -1), plan, layer)


class AttentionOutput(nn.Module):
    """What the attention sub-layer ends in."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = config.hidden_dropout_prob

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """LayerNorm(dropout(dense(x)) + residual), [T, D]."""
        projected = functional.dropout(apply_linear(self.dense, x), self.dropout, self.training)
        normalised: Tensor = self.LayerNorm(projected + residual)
        return normalised


class Attention(nn.Module):
    """Post-norm self-attention sub-layer."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = AttentionOutput(config)

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Hidden states [T, D] after the sub-layer."""
        attended: Tensor = self.output(self.self(x, plan, layer), x)
        return attended


class FeedForward(nn.Module):
    """Post-norm gated feed-forward sub-layer; the gate goes through the exact GELU."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.wo = nn.Linear(config.intermediate_size, config.hidden_size)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = config.hidden_dropout_prob

    def forward(self, x: Tensor) -> Tensor:
        """Hidden states [T, D] after the sub-layer."""
        widened = gated(apply_linear(self.gated_layers, x), MOSAICBERT_GATE, functional.gelu)
        widened = functional.dropout(widened, self.dropout, self.training)
        y: Tensor = self.layernorm(apply_linear(self.wo, widened) + x)
        return y


class Layer(nn.Module):
    """One layer."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, plan: Plan, layer: int) -> Tensor:
        """Hidden states [T, D] after both sub-layers."""
        y: Tensor = self.mlp(self.attention(x, plan, layer))
        return y


class Stack(nn.Module):
    """The layers."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])

    def forward(self, x: Tensor, plan: Plan) -> Tensor:
        """Hidden states [T, D] of the last layer."""
        for number, layer in enumerate(self.layer):
            x = layer(x, plan, number)
        return x


class MosaicBert(nn.Module):
    """The encoder of DNABERT-2 over packed tokens; parity with upstream's `BertModel` is tested to 1e-5 in fp32."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.config = config
        self.attention_backend: Backend | None = None  # None: chosen by device and dtype
        self.embeddings = Embeddings(config)
        self.encoder = Stack(config)

    @property
    def token_embeddings(self) -> Tensor:
        """The embedding matrix [vocabulary, D]."""
        return self.embeddings.word_embeddings.weight

    def embed(self, batch: Ragged) -> Tensor:
        """Embeddings [T, D] of the tokens, which `forward` takes as `embedded`."""
        embedded: Tensor = self.embeddings.word_embeddings(batch.tokens)
        return embedded

    def forward(self, batch: Ragged, embedded: Tensor | None = None, on_attention: OnAttention | None = None) -> Tensor:
        """Hidden states [T, D] of a batch; `embedded` and `on_attention` as for ESM's encoder."""
        config = self.config
        x = self.embeddings(self.embed(batch) if embedded is None else embedded)
        heads, dropout = config.num_attention_heads, config.attention_probs_dropout_prob
        wanted = Wanted(self.attention_backend, config.head_size, dropout, self.training, on_attention)
        bias = alibi_bias(heads, max(batch.lengths), x.device)
        hidden: Tensor = self.encoder(x, plan_attention(batch, x, wanted, bias=bias))
        return hidden


class Transform(nn.Module):
    """What stands between hidden states and decoder: a linear layer, GELU, LayerNorm."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=HEAD_EPS)

    def forward(self, hidden: Tensor) -> Tensor:
        """[N, D] of [N, D]."""
        normalised: Tensor = self.LayerNorm(linear_gelu(hidden, self.dense))
        return normalised


class TiedDecoder(nn.Module):
    """The embedding matrix as decoder, with a bias of its own."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, x: Tensor, embeddings: Tensor) -> Tensor:
        """Logits [N, vocabulary] in fp32."""
        with torch.autocast(x.device.type, enabled=False):
            return functional.linear(x.float(), embeddings.float(), self.bias.float())


class MaskedLMHead(nn.Module):
    """BERT's head of the masked language model; its decoder is the embedding matrix itself."""

    def __init__(self, config: MosaicBertConfig) -> None:
        super().__init__()
        self.predictions = nn.ModuleDict({"transform": Transform(config), "decoder": TiedDecoder(config)})

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """Logits [N, vocabulary] of the selected hidden states [N, D]."""
        logits: Tensor = self.predictions["decoder"](self.predictions["transform"](hidden), embeddings)
        return logits
