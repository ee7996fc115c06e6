"""Fit the reader: a few thousand questions, two passes, an hour on one core. Needs the `hub` extra.

The loss of a question is two things: whether each passage answers it (which teaches "on the subject, but not said"),
and that a passage that answers stands before those that don't.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch.nn import functional

from app.adapters.e5.encoder import Difference
from app.adapters.e5.packed_e5 import PackedModel
from eval.e5.files import take_over
from eval.e5.network import ReaderNetwork
from eval.e5.steps import optimizer, padded, schedule
from eval.reader.pairs import Asked, Pair, batches, longest


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
    stepper, rates = optimizer(network, effort.rate, effort.rate_of_head)
    steps = max(1, round(len(batches(questions, effort.tokens, effort.wrong, Random(0))) * effort.epochs))
    done, smoothed, started = 0, 0.0, time.monotonic()
    while done < steps:
        for batch in batches(questions, effort.tokens, effort.wrong, rng)[: steps - done]:
            for group, rate in zip(stepper.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(done / steps, effort.warm_up)
            loss = loss_of(network, batch, effort.order_weight)
            stepper.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
            stepper.step()
            smoothed = 0.97 * smoothed + 0.03 * loss.item() if done else loss.item()
            done += 1
            on_progress(done, steps, smoothed, time.monotonic() - started)
    return network


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
