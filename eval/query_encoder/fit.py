"""Fit the query encoder: a question's vector is moved towards the passages that answer it. Needs the `hub` extra.

Passages stay where the embedder put them, so an index need not be built again. Each question is told from all passages
of its shop and of three others (InfoNCE; Oord et al., 2018), scored as retrieval scores them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from app.adapters.e5.encoder import Difference
from app.adapters.e5.packed_e5 import PackedModel
from app.chat.chunk_vectors import ASPECTS, NAME, PHRASING, SENTENCE, WHOLE
from app.chat.retrieve import QUERY_SIDE, SHARES, sort_of
from eval.e5.files import take_over
from eval.e5.network import QueryNetwork
from eval.e5.steps import optimizer, padded, schedule
from eval.query_encoder.shelves import Asked, Batch, Shelf, batches

_NOTHING = -9.0
"""Score of an aspect that a chunk lacks"""
_READ_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how boldly to fit."""

    epochs: float = 6.0
    rank: int = 32
    rate: float = 5e-4
    warm_up: float = 0.05
    temperature: float = 0.02
    seed: int = 1


Progress = Callable[[int, int, float], None]
"""Steps done, steps in all, smoothed loss."""


def fit(
    packed: PackedModel,
    shelves: Sequence[Shelf],
    effort: Effort,
    on_progress: Progress,
    start: Difference | None = None,
) -> QueryNetwork:
    """A fitted network; `start` is a difference fitted before, to go on from."""
    torch.manual_seed(effort.seed)
    rng = Random(effort.seed)
    network = QueryNetwork(packed, effort.rank)
    if start is not None:
        take_over(network, start)
    stepper, rates = optimizer(network, effort.rate, effort.rate)
    steps = max(1, round(len(batches(shelves, Random(0))) * effort.epochs))
    done, smoothed = 0, 0.0
    while done < steps:
        for batch in batches(shelves, rng)[: steps - done]:
            for group, rate in zip(stepper.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(done / steps, effort.warm_up)
            loss = loss_of(network, batch, effort.temperature)
            stepper.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
            stepper.step()
            smoothed = 0.97 * smoothed + 0.03 * loss.item() if done else loss.item()
            done += 1
            on_progress(done, steps, smoothed)
    return network


def loss_of(network: QueryNetwork, batch: Batch, temperature: float) -> Any:
    """The mean over the batch of how improbable the answering passages are among all."""
    asked = [one for _, questions in batch for one in questions]
    with torch.autocast("cpu", torch.bfloat16):
        vectors = network(*padded([one.ids for one in asked]))
    scores = torch.cat([chunk_scores(shelf, vectors.float()) for shelf, _ in batch], dim=1) / temperature
    wanted = torch.zeros_like(scores, dtype=torch.bool)
    row = first = 0
    for shelf, questions in batch:
        for one in questions:
            wanted[row, [first + number for number in one.answers]] = True
            row += 1
        first += len(shelf.chunks)
    held = torch.logsumexp(scores.masked_fill(~wanted, float("-inf")), 1)
    return (torch.logsumexp(scores, 1) - held).mean()


def chunk_scores(shelf: Shelf, vectors: Any) -> Any:
    """(questions, chunks): the dense score that app/chat/retrieve.py gives, in torch."""
    found = vectors @ torch.from_numpy(shelf.vectors).T
    places = torch.from_numpy(shelf.places).expand(len(found), -1)
    best = torch.full((len(found), len(shelf.chunks) * len(ASPECTS)), _NOTHING)
    best = best.scatter_reduce(1, places, found, "amax").view(len(found), len(shelf.chunks), len(ASPECTS))
    whole, phrasing, sentence, name = (best[..., aspect] for aspect in (WHOLE, PHRASING, SENTENCE, NAME))
    parts = [
        whole,
        torch.where(phrasing > _NOTHING, phrasing - QUERY_SIDE, whole),
        torch.maximum(whole, sentence),
        torch.maximum(whole, (whole + name) / 2),
    ]
    shares = torch.from_numpy(SHARES)[[sort_of(chunk) for chunk in shelf.chunks]]
    return (torch.stack(parts, -1) * shares).sum(-1)


def found_at(network: QueryNetwork, shelf: Shelf) -> list[int]:
    """For each question the place of the first passage that answers it, from 0."""
    places: list[int] = []
    for start in range(0, len(shelf.asked), _READ_AT_ONCE):
        part: Sequence[Asked] = shelf.asked[start : start + _READ_AT_ONCE]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            vectors = network(*padded([one.ids for one in part])).float()
        order = torch.argsort(-chunk_scores(shelf, vectors), dim=1).tolist()
        places += [
            next(place for place, number in enumerate(row) if number in one.answers)
            for row, one in zip(order, part, strict=True)
        ]
    return places
