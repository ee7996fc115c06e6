"""The gate notices a part that was broken on purpose: the retriever, the verifier, the prompt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.chat.generate import Generator
from app.chat.ports import Delta, Prompt
from app.chat.prompts import Prompts
from app.chat.reply import Phrasing, Responder
from app.chat.turn import ModelUse, Passage, Sentence
from app.chat.verify import Verifier
from app.knowledge.chunk import Chunk
from eval.compare import compare
from eval.gates import failures
from eval.harness import Outcome, Sample, Source, Suite, Task, run
from eval.production import ShopSolver
from eval.report.files import write_outcomes
from eval.runs import read_run
from eval.scorers import SCORERS
from eval.summary import summarise
from tests.builders import SHARED_PROMPTS, SHOP, a_brand, a_policy
from tests.fakes import FakeModel
from tests.unit.test_pipeline import Shop

TOPICS = {
    "Returns": ("30", "Unused teapots may be returned within 30 days of delivery."),
    "Delivery": ("4", "Parcels to mainland addresses arrive within 4 working days."),
    "Warranty": ("24", "Kettles carry a warranty of 24 months from purchase."),
    "Gift wrapping": ("3", "Gift wrapping costs 3 pounds for each parcel."),
    "Storage": ("18", "Green tea keeps best below 18 degrees in a closed tin."),
    "Samples": ("2", "Every order brings 2 free samples of loose tea."),
    "Refunds": ("7", "Refunds reach your account within 7 working days of inspection."),
    "Subscriptions": ("10", "Subscriptions may be paused for up to 10 weeks a year."),
}
CHUNKS: tuple[Chunk, ...] = tuple(
    a_policy(title, text, path=f"policies/{title.lower().replace(' ', '-')}.md") for title, (_, text) in TOPICS.items()
)
SUITE = Suite(
    "tea",
    tuple(
        Sample(
            title,
            text.rstrip(".") + "?",
            facts=((value,),),
            sources=(Source(f"policies/{title.lower().replace(' ', '-')}.md"),),
            language="en",
        )
        for title, (value, text) in TOPICS.items()
    ),
)


@dataclass
class Phraser(FakeModel):
    """A model that says again what its prompt gives it; `slips` makes it write another figure."""

    slips: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncIterator[Delta]:
        asked = prompt.messages[-1][1]
        facts = [line for line in asked.splitlines() if line.strip() and not line.startswith(("Facts", "Customer"))]
        said = next((f.rpartition("] ")[2] for f in facts if len(f) > 20), "We are glad to help with anything.")
        if self.slips:
            said = said.replace("within", "within 1")
            said = " ".join(f"9{word}" if word.isdigit() else word for word in said.split())
        yield Delta(text=said)
        yield Delta(use=ModelUse(1, 100, 60, 12))


class Credulous(Verifier):
    """A verifier that believes everything."""

    def verify(self, sentence: str, *args: Any, **kwargs: Any) -> Sentence | None:
        return Sentence(sentence.strip(), (), "model")


async def outcomes_of(
    model: FakeModel, verifier: Verifier | None = None, prompts: Path = SHARED_PROMPTS.parent, *, lost: bool = False
) -> list[Outcome]:
    """The suite through the production pipeline, with the parts as they are given."""
    shop = Shop(*CHUNKS, model=model)
    await shop.ask("hello")
    shop.pipeline._responder = Responder(
        Generator(model, Prompts(prompts)), verifier or Verifier(), phrasing=Phrasing(least_sentences=1)
    )
    if lost:
        retrieve = shop.pipeline._retriever.retrieve

        async def astray(*args: Any) -> list[Passage]:
            found: Sequence[Passage] = await retrieve(*args)
            return list(found)[3:]

        shop.pipeline._retriever.retrieve = astray  # type: ignore[method-assign, assignment]
    solver = ShopSolver(SHOP, a_brand(), 1, shop.pipeline)
    return await run(Task(SUITE, solver, SCORERS))


def worse(before: list[Outcome], after: list[Outcome], folder: Path) -> list[str]:
    """What the comparison's gate says got worse, over runs written down and read back as `eval compare` does."""
    for name, outcomes in (("before", before), ("after", after)):
        write_outcomes(folder / f"{name}.jsonl", outcomes)
    (folder / "before").mkdir()
    (folder / "after").mkdir()
    (folder / "before.jsonl").rename(folder / "before" / "tea.jsonl")
    (folder / "after.jsonl").rename(folder / "after" / "tea.jsonl")
    return compare(read_run(folder / "before" / "tea.jsonl"), read_run(folder / "after" / "tea.jsonl")).worse


async def test_with_every_part_whole_the_gates_about_truth_are_open(tmp_path: Path) -> None:
    whole = await outcomes_of(Phraser())
    shut = failures(summarise(whole))
    assert not [reason for reason in shut if reason.startswith(("right", "wrong", "grounded"))], shut
    assert summarise(whole).phrased == 1.0
    assert worse(whole, await outcomes_of(Phraser()), tmp_path) == []


async def test_a_retriever_that_loses_the_best_passages_is_caught(tmp_path: Path) -> None:
    broken = await outcomes_of(Phraser(), lost=True)
    assert any(reason.startswith("right_answerable") for reason in failures(summarise(broken)))
    assert "right" in worse(await outcomes_of(Phraser()), broken, tmp_path)


async def test_a_verifier_that_believes_everything_is_caught(tmp_path: Path) -> None:
    held = summarise(await outcomes_of(Phraser(slips=True)))
    assert held.grounded == 1.0, "the real one lets no such slip through"
    broken = await outcomes_of(Phraser(slips=True), Credulous())
    assert any(reason.startswith("grounded") for reason in failures(summarise(broken)))
    assert "every sentence grounded" in worse(await outcomes_of(Phraser()), broken, tmp_path)


async def test_a_prompt_that_lost_its_evidence_is_caught(tmp_path: Path) -> None:
    broken_prompts = tmp_path / "prompts"
    for folder in ("shared", "tasks"):
        (broken_prompts / folder).mkdir(parents=True)
        for file in (SHARED_PROMPTS.parent / folder).glob("*.md"):
            text = file.read_text(encoding="utf-8").replace("{evidence}", "")
            (broken_prompts / folder / file.name).write_text(text, encoding="utf-8")
    broken = await outcomes_of(Phraser(), prompts=broken_prompts)
    assert summarise(broken).phrased == 0.0
    assert summarise(broken).wrong == 0.0, "what the shopper reads is still the shop's own words"
    assert "model's words kept" in worse(await outcomes_of(Phraser()), broken, tmp_path)


@pytest.mark.parametrize("slips", [False, True])
async def test_the_phraser_really_phrases(slips: bool) -> None:
    assert summarise(await outcomes_of(Phraser(slips=slips), Credulous())).model_calls == len(SUITE.samples)
