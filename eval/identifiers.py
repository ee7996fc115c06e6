"""Does a question that names a SKU or an order number reach that very row? Asked for every row a sample shop has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.adapters.orders.file import read_orders
from app.chat.products import skus_in
from app.chat.turn import Passage, UseTool
from app.knowledge.chunk import Kind
from app.knowledge.view import KnowledgeView
from eval.harness import Sample
from eval.production import ShopSolver

TARGET = 0.98
_ABOUT_SKU = {"zh": ("{}有货吗", "{} 多少钱"), "en": ("is {} in stock?", "how much is the {}")}
_ABOUT_ORDER = {"zh": "订单{}到哪了，手机尾号{}", "en": "where is order {}, phone ends in {}"}


@dataclass(frozen=True, slots=True)
class Named:
    """Shares of questions whose row came first, and among the first five; milliseconds a question."""

    name: str
    asked: int
    hit_1: float
    hit_5: float
    p50_ms: float
    target: float = TARGET


async def named_skus(solver: ShopSolver, samples: Sequence[Sample]) -> Named:
    """Two questions for every SKU, and every question of the suite that names one; the row or a variant is right."""
    view = (await solver.pipeline.candidates(solver.turn(samples[0]))).view
    ways = _ABOUT_SKU[solver.brand.default_language]
    asked = [
        replace(samples[0], question=way.format(c.locator), history=()) for c in view.by_sku.values() for way in ways
    ]
    asked += [sample for sample in samples if skus_in(sample.question, view)]
    places, seconds = [], []
    for sample in asked:
        start = time.perf_counter()
        passages = (await solver.pipeline.candidates(solver.turn(sample))).passages
        seconds.append(time.perf_counter() - start)
        places.append(_place(passages, sample.question, view))
    return _named(f"{solver.shop}: names a SKU", places, seconds)


async def named_orders(solver: ShopSolver, folder: Path, sample: Sample) -> Named:
    """One question for every order of the shop's file, with its phone tail; the order tool must report that order."""
    way = _ABOUT_ORDER[solver.brand.default_language]
    places, seconds = [], []
    for order in read_orders(folder / "orders.jsonl"):
        start = time.perf_counter()
        decision = await solver.decide(
            replace(sample, question=way.format(order.order_id, order.phone_last4), history=())
        )
        seconds.append(time.perf_counter() - start)
        told = isinstance(decision, UseTool) and any(f.locator == order.order_id for f in decision.evidence.facts)
        places.append(0 if told else None)
    return _named(f"{solver.shop}: names an order", places, seconds)


def _place(passages: Sequence[Passage], question: str, view: KnowledgeView) -> int | None:
    """Where the product that the question names stands; a question that names several is right with any."""
    wanted = {view.product_of(view.by_sku[sku]).group for sku in skus_in(question, view)}
    return next(
        (
            place
            for place, passage in enumerate(passages)
            if passage.chunk.kind is Kind.PRODUCT and view.product_of(passage.chunk).group in wanted
        ),
        None,
    )


def _named(name: str, places: Sequence[int | None], seconds: Sequence[float]) -> Named:
    found = [place for place in places if place is not None]
    return Named(
        name=name,
        asked=len(places),
        hit_1=sum(place < 1 for place in found) / max(1, len(places)),
        hit_5=sum(place < 5 for place in found) / max(1, len(places)),
        p50_ms=1e3 * float(np.median(seconds)) if seconds else 0.0,
    )
