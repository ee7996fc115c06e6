"""Puts a pipeline together: each step, and what it was fitted or told. Called by bootstrap."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import yaml

from app.adapters.orders.file import FileOrderBook
from app.chat.anger import load_anger
from app.chat.arbitrate import Arbiter
from app.chat.calibrate import load_model
from app.chat.compose import Composer
from app.chat.decide import Decider, Policy
from app.chat.generate import Generator
from app.chat.intents import load_intents
from app.chat.lines import Lines
from app.chat.pipeline import Pipeline
from app.chat.plain_words import PlainWords
from app.chat.ports import LanguageModel, Trust
from app.chat.products import ProductReader, load_concepts
from app.chat.prompts import Prompts
from app.chat.remember import Memory
from app.chat.reply import Phrasing, Responder
from app.chat.retrieve import Retriever
from app.chat.select import Selector
from app.chat.understand import Understander
from app.chat.verify import Verifier
from app.knowledge.ports import Catalogue, Embedder, KnowledgeIndex
from app.knowledge.tokenize import warm
from app.knowledge.views import Views
from app.reading_parts import make_judge, make_query_encoder
from app.shop.guarded_orders import GuardedOrders
from app.shop_files import ShopFiles


class Searchable(Protocol):
    """What a pipeline reads of a shop's knowledge."""

    @property
    def catalogue(self) -> Catalogue:
        """The truth."""

    @property
    def index(self) -> KnowledgeIndex:
        """Where it is searched."""

    @property
    def embedder(self) -> Embedder:
        """What it was embedded with."""

    @property
    def brands(self) -> ShopFiles:
        """Brands and order books."""


def assemble(
    knowledge: Searchable,
    responder: Responder,
    *,
    trust: Trust,
    memory: Memory | None,
    threshold: float,
    reranker: str,
    prompts: Path,
    fitted: Path,
) -> Pipeline:
    """The pipeline over that knowledge. `prompts`: the folder of its lines and word lists; `fitted`: of its models.

    Raises ConfigurationError when what reads passages is not what the models were fitted on.
    """
    warm()
    judge, confidence = make_judge(reranker, fitted)
    lines = Lines.load(prompts / "shared" / "lines.yaml")
    orders = FileOrderBook(knowledge.brands.orders)
    return Pipeline(
        views=Views(knowledge.catalogue),
        understander=Understander(orders.looks_like_order_number, plain_words(prompts)),
        intents=load_intents(fitted / "intents.json"),
        retriever=Retriever(knowledge.index, knowledge.embedder, encoder=make_query_encoder(knowledge.embedder.name)),
        reader=ProductReader(load_concepts(_shared(prompts, "attributes.yaml"))),
        selector=Selector(load_model(fitted / "selector.json")),
        confidence=confidence,
        judge=judge,
        decider=Decider(Composer(), lines, Policy(answer=threshold)),
        responder=responder,
        orders=GuardedOrders(orders),
        anger=load_anger(fitted / "anger.json", knowledge.embedder.name),
        trust=trust,
        memory=memory,
    )


def make_responder(
    model: LanguageModel,
    embedder: Embedder,
    prompts: Path,
    timeout_seconds: float,
    *,
    phrasing: Phrasing | None,
    arbiter: Arbiter | None,
) -> Responder:
    """What turns decisions into sentences with that model.

    `phrasing` None: as suits the embedded one; `arbiter` None: the check of sentences decides alone.
    """
    return Responder(
        Generator(model, Prompts(prompts)),
        Verifier(),
        timeout_seconds=timeout_seconds,
        embedder=embedder,
        phrasing=phrasing,
        arbiter=arbiter,
    )


def plain_words(prompts: Path) -> PlainWords:
    """How shoppers write → how shops write, as that folder says it."""
    return PlainWords.load(_shared(prompts, "plain_words.yaml"))


def _shared(prompts: Path, name: str) -> Any:
    return yaml.safe_load((prompts / "shared" / name).read_text(encoding="utf-8"))
