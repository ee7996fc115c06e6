"""Our order of a prompt is what a real prefix cache wants: rules, brand and examples are computed once a shop."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from app.adapters.llm.openai_client import OpenAIModel
from app.bootstrap import PROMPTS
from app.chat.generate import Generator
from app.chat.prompts import Prompts
from app.chat.turn import Answer, Message, ModelUse
from app.settings import Settings
from app.shop.brand import Brand
from eval.harness import Sample
from eval.production import open_solver
from tests.vllm.engine import BLOCK_TOKENS, RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import HIRE, PATIENT, REPAIR, RETURN

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]

MOST_UNCACHED = 130 + BLOCK_TOKENS
"""What a turn may cost an engine in prompt tokens beyond its cache: the bound, and a block that is not whole"""
HITS = "vllm:prefix_cache_hits"


def never_changing(brand: Brand) -> list[tuple[str, str]]:
    """What every English prompt of a brand begins with."""
    prompts = Prompts(PROMPTS)
    pairs = prompts.examples("en")
    shown = [message for asked, told in pairs for message in (("user", asked), ("assistant", told))]
    return [("system", prompts.rules(brand, "en")), *shown]


async def test_two_turns_of_a_shop_share_all_but_evidence_and_question(
    engine: RealEngine, model: OpenAIModel, shop_home: Path, tmp_path: Path, figures: Figures
) -> None:
    shutil.copytree(shop_home, tmp_path, dirs_exist_ok=True)
    async with open_solver(Settings(home=tmp_path, model="none", confidence_threshold=0.05), "hill") as hill:
        brand = replace(hill.brand, name="Dale")  # nobody has asked in its name yet
        dale = replace(hill, brand=brand)
        generator = Generator(model, Prompts(PROMPTS))
        hits = [engine.metrics()[HITS]]

        async def ask(question: str, *history: Message) -> ModelUse:
            sample = Sample(question, question, history=history)
            decision = await dale.decide(sample)
            assert isinstance(decision, Answer)
            prompt = replace(generator.prompt(dale.turn(sample), decision), max_tokens=4)
            use = [delta.use async for delta in model.stream(prompt, timeout_seconds=PATIENT)][-1]
            assert use is not None
            hits.append((await asyncio.to_thread(engine.metrics))[HITS])
            return use

        first, second = await ask(RETURN), await ask(REPAIR)
        third = await ask(HIRE, Message("user", REPAIR), Message("assistant", "Repairs are free for 3 years."))
    fixed = await asyncio.to_thread(engine.tokens_of, never_changing(brand))
    assert first.cached_tokens == 0, "the brand stands in the first line: another shop's tokens are of no use to it"
    for use in (second, third):
        assert use.cached_tokens > fixed - BLOCK_TOKENS, "all whole blocks of what never changes"
        assert use.prompt_tokens - use.cached_tokens <= MOST_UNCACHED
    assert [b - a for a, b in pairwise(hits)] == [use.cached_tokens for use in (first, second, third)]
    figures.note(
        "prefix cache, three turns of one shop",
        "; ".join(f"{use.cached_tokens} of {use.prompt_tokens}" for use in (first, second, third)) + " tokens cached",
    )
