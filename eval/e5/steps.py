"""What every fit of a difference does: lengths padded, rates up and down, one optimizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from eval.e5.network import EncoderNetwork, ReaderNetwork

_PADDING = 16
"""Lengths are rounded up to a multiple: fewer shapes of tensors to keep kernels for."""
_PAD_ID = 1


def schedule(share: float, warm_up: float) -> float:
    """Part of the full rate when this share of the steps is done: up in a line, then down along a cosine."""
    return min(1.0, share / warm_up) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def padded(texts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Ids and mask, (texts, tokens)."""
    length = -(-max(len(text) for text in texts) // _PADDING) * _PADDING
    ids = torch.full((len(texts), length), _PAD_ID)
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = True
    return ids, mask


def optimizer(network: EncoderNetwork, rate: float, rate_of_head: float) -> tuple[Any, tuple[float, ...]]:
    """AdamW over the factors, the head where there is one, and the norms; and the full rate of each."""
    factors = [p for name, p in network.named_parameters() if name.endswith((".a", ".b")) and p.requires_grad]
    head = list(network.head.parameters()) if isinstance(network, ReaderNetwork) else []
    known = {id(p) for p in (*factors, *head)}
    norms = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    rates = (rate, rate_of_head, rate / 4)
    groups = [
        {"params": factors, "lr": rates[0], "weight_decay": 0.01},
        {"params": head, "lr": rates[1], "weight_decay": 0.0},
        {"params": norms, "lr": rates[2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98)), rates
