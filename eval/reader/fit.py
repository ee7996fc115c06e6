"""Fit the reader: a few thousand questions, two passes, an hour on one core. Needs the `hub` extra.

The loss of a question is two things: whether each passage answers it (which teaches "on the subject, but not said"),
and that a passage that answers stands before those that don't.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from app.adapters.rerankers.encoder import Difference
from app.adapters.rerankers.packed_e5 import PackedModel
from eval.reader.network import FACTOR_SCALE, LINEAR, NORMS, ReaderNetwork
from eval.reader.pairs import Asked, Pair, batches, longest

_PADDING = 16
"""Lengths are rounded up to a multiple: fewer shapes of tensors to keep kernels for."""
_PAD_ID = 1


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how boldly to fit."""

    epochs: float = 2.0
    rank: int = 32
    rate: float = 8e-4
    rate_of_head: float = 2e-3
    warm_up: float = 0.06
    tokens: int = 4_000
    wrong: int = 4
    order_weight: float = 0.5
    seed: int = 5


Progress = Callable[[int, int, float, float], None]
"""Steps done, steps in all, smoothed loss, seconds."""


def fit(
    packed: PackedModel,
    questions: Sequence[Asked],
    effort: Effort,
    on_progress: Progress,
    start: Difference | None = None,
) -> ReaderNetwork:
    """A fitted network. The same questions and effort give the same one on the same machine.

    `start` is a difference that was fitted before: the fit goes on from it.
    """
    torch.manual_seed(effort.seed)
    rng = Random(effort.seed)
    network = ReaderNetwork(packed, effort.rank)
    if start is not None:
        take_over(network, start)
    optimizer, rates = _optimizer(network, effort)
    steps = max(1, round(len(batches(questions, effort.tokens, effort.wrong, Random(0))) * effort.epochs))
    done, smoothed, started = 0, 0.0, time.monotonic()
    while done < steps:
        for batch in batches(questions, effort.tokens, effort.wrong, rng)[: steps - done]:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(done / steps, effort.warm_up)
            loss = loss_of(network, batch, effort.order_weight)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
            optimizer.step()
            smoothed = 0.97 * smoothed + 0.03 * loss.item() if done else loss.item()
            done += 1
            on_progress(done, steps, smoothed, time.monotonic() - started)
    return network


def schedule(share: float, warm_up: float) -> float:
    """Part of the full rate when this share of the steps is done: up in a line, then down along a cosine."""
    return min(1.0, share / warm_up) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def loss_of(network: ReaderNetwork, batch: Sequence[Sequence[Pair]], order_weight: float) -> Any:
    """The mean loss of a batch of questions."""
    pairs = [pair for asked in batch for pair in asked]
    labels = torch.tensor([float(pair.answers) for pair in pairs])
    with torch.autocast("cpu", torch.bfloat16):
        scores = network(*padded([pair.ids for pair in pairs]))
    scores = scores.float()
    loss = functional.binary_cross_entropy_with_logits(scores, labels)
    places = torch.split(torch.arange(len(pairs)), [len(asked) for asked in batch])
    ordered = [p for p in places if 0 < labels[p].sum() < len(p)]
    if not ordered:
        return loss
    lost = [torch.logsumexp(scores[p], 0) - torch.logsumexp(scores[p][labels[p] > 0], 0) for p in ordered]
    return loss + order_weight * torch.stack(lost).mean()


def padded(texts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Ids and mask, (texts, tokens)."""
    length = -(-max(len(text) for text in texts) // _PADDING) * _PADDING
    ids = torch.full((len(texts), length), _PAD_ID)
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = True
    return ids, mask


def read(network: ReaderNetwork, questions: Sequence[Asked], at_once: int = 12) -> list[list[float]]:
    """The scores of every pair, question by question."""
    order = sorted(range(len(questions)), key=lambda n: longest(questions[n]) if questions[n] else 0)
    found: list[list[float]] = [[] for _ in questions]
    for start in range(0, len(order), at_once):
        part = [n for n in order[start : start + at_once] if questions[n]]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            scores = network(*padded([pair.ids for n in part for pair in questions[n]])).float().tolist()
        for n in part:
            found[n], scores = scores[: len(questions[n])], scores[len(questions[n]) :]
    return found


def take_over(network: ReaderNetwork, fitted: Difference) -> None:
    """Set the network to a difference that `export` wrote; its rank must be the network's."""
    for number, layer in enumerate(network.layers):
        for name in LINEAR:
            adapted, key = getattr(layer, name), f"{number}.{name}"
            adapted.a.data = torch.from_numpy(fitted.factor(f"{key}.a"))
            adapted.b.data = torch.from_numpy(fitted.factor(f"{key}.b").T.copy()) / FACTOR_SCALE
        for name in NORMS:
            getattr(layer, name).weight.data = torch.from_numpy(fitted.arrays[f"{number}.{name}.w"])
            getattr(layer, name).bias.data = torch.from_numpy(fitted.arrays[f"{number}.{name}.b"])
    weights, offset = fitted.head
    network.head.weight.data = torch.from_numpy(weights)[None]
    network.head.bias.data = torch.tensor([float(offset)])


def export(network: ReaderNetwork, path: Path) -> None:
    """Write what the server reads: factors as int8 with a scale a row, norms and head as they are."""
    arrays: dict[str, NDArray[Any]] = {"layers": np.array([len(network.layers)])}
    for number, layer in enumerate(network.layers):
        for name in LINEAR:
            adapted = getattr(layer, name)
            arrays |= _rounded(f"{number}.{name}.a", adapted.a.detach().numpy())
            arrays |= _rounded(f"{number}.{name}.b", (FACTOR_SCALE * adapted.b.detach()).T.contiguous().numpy())
        for name in NORMS:
            arrays[f"{number}.{name}.w"] = getattr(layer, name).weight.detach().numpy()
            arrays[f"{number}.{name}.b"] = getattr(layer, name).bias.detach().numpy()
    arrays["head.w"] = network.head.weight.detach().numpy()[0]
    arrays["head.b"] = network.head.bias.detach().numpy()
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def _rounded(key: str, factor: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
    scale = np.maximum(np.abs(factor).max(axis=1) / 127, 1e-12)
    return {key: np.round(factor / scale[:, None]).astype(np.int8), f"{key}.scale": scale.astype(np.float32)}


def _optimizer(network: ReaderNetwork, effort: Effort) -> tuple[Any, tuple[float, ...]]:
    factors = [p for name, p in network.named_parameters() if name.endswith((".a", ".b")) and p.requires_grad]
    head = list(network.head.parameters())
    known = {id(p) for p in (*factors, *head)}
    norms = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    rates = (effort.rate, effort.rate_of_head, effort.rate / 4)
    groups = [
        {"params": factors, "lr": rates[0], "weight_decay": 0.01},
        {"params": head, "lr": rates[1], "weight_decay": 0.0},
        {"params": norms, "lr": rates[2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98)), rates
