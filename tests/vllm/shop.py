"""A small shop whose policies the model phrases, and the real server over it, as patient as a CPU needs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import bootstrap, desk_parts
from app.adapters.db.audit import verify_chain
from app.adapters.db.engine import Database
from app.adapters.keys import load_or_make_key
from app.adapters.llm.breaker import Breaker
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.replicas import ReplicatedModel
from app.chat.ports import LanguageModel
from app.conversation.answer import Limits
from app.conversation.seal import MasterKey
from app.settings import Settings
from eval.production import open_solvers
from tests.integration.serving import Shopper, served

BRAND = """name: Hill
assistant_name: Ann
default_language: en
languages: [en]
tone: Warm, plain and short.
"""
POLICIES = {
    "returns.md": """# Returns

## How to return a tent

Tents may be returned within 60 days. Keep the receipt, since we ask for it. Pack the tent dry in its own bag.
We refund the price within five working days after the tent has arrived. Postage is not refunded.
""",
    "repairs.md": """# Repairs

## How to have a rucksack repaired

Rucksacks are repaired free of charge for 3 years. Write to our workshop before you send it. Empty every pocket.
The repair takes two weeks after the rucksack has arrived. Torn straps are replaced, not sewn.
""",
    "hire.md": """# Hire

## How to hire a stove

Stoves are hired out for 7 days at most. Bring an identity card, since we keep a copy. Gas is not included.
We give the deposit of £20 back when the stove is clean. A late stove costs £3 a day.
""",
}
RETURN, REPAIR, HIRE = "How do I return a tent?", "How do I have a rucksack repaired?", "How do I hire a stove?"
MUST_SAY = {RETURN: ("60 days",), REPAIR: ("3 years",), HIRE: ("7 days", "£20")}
"""What no reply to the question may lack, whoever wrote it"""
API_KEY = "of-a-program"
PATIENT = 240.0
"""Seconds a slow CPU may take for what a GPU does in one and a half"""


async def ingest(folder: Path, home: Path) -> None:
    """Make the shop live under that home."""
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text(BRAND, encoding="utf-8")
    for name, text in POLICIES.items():
        (folder / "knowledge" / name).write_text(text, encoding="utf-8")
    async with open_solvers(Settings(home=home, model="none"), {"hill": folder}):
        pass


def patient_models(
    most_at_once: int = 64, first_token_seconds: float = PATIENT, stall_seconds: float = PATIENT
) -> Callable[[Settings], LanguageModel]:
    """What stands in for `bootstrap.make_model`: the same adapters at the settings' addresses, with other patience."""

    def make(settings: Settings) -> LanguageModel:
        replicas = [
            OpenAIModel(
                url,
                name=settings.model_name,
                key=settings.model_key.get_secret_value(),
                first_token_seconds=first_token_seconds,
                stall_seconds=stall_seconds,
                most_at_once=most_at_once,
                breaker=Breaker(failures_allowed=1, pause_seconds=0.5, longest_pause_seconds=0.5),
            )
            for url in settings.model.split(",")
        ]
        return replicas[0] if len(replicas) == 1 else ReplicatedModel(replicas)

    return make


@asynccontextmanager
async def shop_server(
    shop_home: Path,
    home: Path,
    url: str,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    limits: Limits | None = None,
    **patience: float,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real server over a copy of the shop. The result cache is off: the model phrases every turn."""
    shutil.copytree(shop_home, home, dirs_exist_ok=True)
    limits = limits or Limits(turn_timeout_seconds=4 * PATIENT)

    def counter(*given: object, **named: object) -> desk_parts.Counter:
        return desk_parts.make_counter(*given, limits=limits, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(bootstrap, "make_model", patient_models(**patience))  # type: ignore[arg-type]
    monkeypatch.setattr(bootstrap, "make_counter", counter)
    settings = Settings(
        home=home,
        model=url,
        model_key=key,  # type: ignore[arg-type]
        api_key=API_KEY,  # type: ignore[arg-type]
        model_timeout_seconds=2 * PATIENT,
        confidence_threshold=0.05,
        result_cache=0,
    )
    async with AsyncExitStack() as stack:
        container = await stack.enter_async_context(bootstrap.open_server(settings))
        client = await stack.enter_async_context(served(container, timeout_seconds=4 * PATIENT))
        await (await Shopper.begin(client)).say("Do you sell tents?")  # the embedder loads at the first question
        yield client


def is_whole(reply: Mapping[str, Any], question: str) -> bool:
    """Whether a reply says what it must, with its source."""
    told = all(fact in reply["text"] for fact in MUST_SAY[question])
    return told and reply["decision"] == "answer" and bool(reply["citations"])


def chain_is_whole(home: Path) -> bool:
    """Whether nothing in the log was lost, doubled or changed."""
    database = Database(f"sqlite:///{home / 'xiaoer.sqlite3'}")
    try:
        return verify_chain(database, MasterKey(load_or_make_key(home / "master-key"))).ok
    finally:
        database.close()
