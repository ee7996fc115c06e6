"""The embedder's layers as a network to be fitted: frozen, each matrix with two small factors beside it.

The same arithmetic as app/adapters/e5/encoder.py, in torch. Needs the `hub` extra.
Source: Hu et al., LoRA (2021).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from app.adapters.e5.packed_e5 import PackedModel

LINEAR = ("q", "k", "v", "ao", "fi", "fo")
NORMS = ("aln", "oln")
FACTOR_SCALE = 2.0
"""The product of the factors counts this much: with it, rates that suit one rank suit another."""
_NEVER = -1e4


class Adapted(nn.Module):  # type: ignore[misc]
    """A frozen linear map and the low-rank difference that is fitted."""

    def __init__(self, weight: Any, offset: Any, rank: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.offset = nn.Parameter(offset, requires_grad=False)
        self.a = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.b = nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x: Any) -> Any:
        """(…, in) → (…, out)."""
        change = functional.linear(functional.linear(x, self.a), self.b)
        return functional.linear(x, self.weight, self.offset) + change * FACTOR_SCALE


class Layer(nn.Module):  # type: ignore[misc]
    """One layer of the encoder."""

    def __init__(self, packed: PackedModel, number: int, rank: int) -> None:
        super().__init__()
        width, self.heads = packed.sizes.width, packed.sizes.heads
        for name in LINEAR:
            offset = torch.from_numpy(packed.tensor(f"l{number}.{name}.b", -1))
            weight = torch.from_numpy(packed.tensor(f"l{number}.{name}.w", len(offset), -1))
            setattr(self, name, Adapted(weight, offset, rank))
        for name in NORMS:
            norm = nn.LayerNorm(width, eps=packed.sizes.epsilon)
            norm.weight.data = torch.from_numpy(packed.tensor(f"l{number}.{name}.w", width))
            norm.bias.data = torch.from_numpy(packed.tensor(f"l{number}.{name}.b", width))
            setattr(self, name, norm)

    def forward(self, x: Any, mask: Any) -> Any:
        """(texts, tokens, width) → the same; `mask` is added to the attention's logits."""
        texts, tokens, width = x.shape
        query, key, value = (
            getattr(self, name)(x).view(texts, tokens, self.heads, -1).transpose(1, 2) for name in "qkv"
        )
        logits = (query @ key.transpose(2, 3)).float() * (query.shape[-1] ** -0.5) + mask
        seen = (torch.softmax(logits, -1).to(value.dtype) @ value).transpose(1, 2).reshape(texts, tokens, width)
        x = self.aln(x + self.ao(seen))
        return self.oln(x + self.fo(functional.gelu(self.fi(x))))


class EncoderNetwork(nn.Module):  # type: ignore[misc]
    """Token ids in, the mean state of the last layer out."""

    def __init__(self, packed: PackedModel, rank: int) -> None:
        super().__init__()
        width = packed.sizes.width
        words = torch.from_numpy(packed.tensor("emb.word", -1, width)).to(torch.bfloat16)
        self.words = nn.Embedding.from_pretrained(words, freeze=True)
        places = packed.tensor("emb.pos", -1, width) + packed.tensor("emb.type", -1, width)[:1]
        self.places = nn.Parameter(torch.from_numpy(places), requires_grad=False)
        self.first = nn.LayerNorm(width, eps=packed.sizes.epsilon)
        self.first.weight = nn.Parameter(torch.from_numpy(packed.tensor("emb.ln.w", width)), requires_grad=False)
        self.first.bias = nn.Parameter(torch.from_numpy(packed.tensor("emb.ln.b", width)), requires_grad=False)
        self.layers = nn.ModuleList(Layer(packed, n, rank) for n in range(packed.sizes.layers))

    def pooled(self, ids: Any, mask: Any) -> Any:
        """(texts, tokens) ids and which of them are text → (texts, width)."""
        x = self.first(self.words(ids).float() + self.places[: ids.shape[1]])
        hidden = torch.zeros(mask.shape).masked_fill(~mask, _NEVER)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, hidden)
        held = mask[..., None].float()
        return (x * held).sum(1) / held.sum(1)


class ReaderNetwork(EncoderNetwork):
    """One raw score a text."""

    def __init__(self, packed: PackedModel, rank: int) -> None:
        super().__init__(packed, rank)
        self.head = nn.Linear(packed.sizes.width, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Any, mask: Any) -> Any:
        """(texts, tokens) ids and which of them are text → (texts,) scores."""
        return self.head(self.pooled(ids, mask)).squeeze(-1)


class QueryNetwork(EncoderNetwork):
    """One unit vector a text."""

    def forward(self, ids: Any, mask: Any) -> Any:
        """(texts, tokens) ids and which of them are text → (texts, width) of unit length."""
        return functional.normalize(self.pooled(ids, mask), dim=-1)
