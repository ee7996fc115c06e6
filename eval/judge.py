"""A language model as a judge: an option, never the only word, and never the model under test.

It is asked one question a sent answer: does it say the same as the reference, and nothing that contradicts it? What it
says is printed beside its agreement with the labels (Cohen's κ): a judge below 0.6 is not worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import LanguageModel, Prompt
from app.errors import BadInput, ModelUnavailable
from eval.harness import Outcome
from eval.scorers.verdict import SENT

WORTH_READING = 0.6
TIMEOUT_SECONDS = 60.0
_RULES = (
    "You check answers of a shop's attendant. You are given a question, a right answer (or the facts that a right "
    "answer holds) and what the attendant said. Reply with one word: RIGHT if the attendant's answer holds the facts "
    "and contradicts none of them, WRONG otherwise. Politeness, length and language do not matter."
)
_WORD = re.compile(r"\b(RIGHT|WRONG)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said of a run. `agreed` counts pairs (judge says right, labels say right)."""

    judge: str
    asked: int
    right: int
    unreadable: int
    agreed: tuple[tuple[bool, bool], ...]

    @property
    def kappa(self) -> float | None:
        """Agreement with the labels beyond chance; None where either says the same of everything."""
        return kappa(self.agreed)

    def told(self) -> str:
        """One line, with κ beside the share."""
        agreement = self.kappa
        share = f"{100 * self.right / self.asked:.1f}%" if self.asked else "–"
        if agreement is None:
            beside = "κ cannot be told: one of them says the same of every answer"
        else:
            trust = "" if agreement >= WORTH_READING else f": below {WORTH_READING}, do not rely on it"
            beside = f"κ with the labels {agreement:.2f} over {len(self.agreed)} answers{trust}"
        lost = f", {self.unreadable} unreadable" if self.unreadable else ""
        return f"judge {self.judge}: {share} of {self.asked} right{lost} · {beside}"


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's κ of two raters; None where it is not defined."""
    if not pairs:
        return None
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    first, second = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def judge_at(where: str, under_test: str) -> OpenAIModel:
    """The judge at URL or URL#MODEL. Raises BadInput when it is the model that is being judged."""
    url, _, name = where.partition("#")
    tested_url, _, tested_name = under_test.partition("#")
    if url.rstrip("/") == tested_url.rstrip("/") and (not name or not tested_name or name == tested_name):
        raise BadInput(
            "The judge is the model under test: no model grades itself. Name another with --judge URL#MODEL, and "
            "the one under test with --model URL#MODEL where both are behind one address. Nothing was judged."
        )
    return OpenAIModel(url, name=name, key="", first_token_seconds=TIMEOUT_SECONDS)


async def judge_all(model: LanguageModel, outcomes: Sequence[Outcome]) -> Judgement:
    """Put every sent answer with a reference or labelled facts to the judge; agreement is with the labels' `facts`."""
    said: list[tuple[bool, bool | None]] = []
    unreadable = 0
    for outcome in outcomes:
        sample, reply = outcome.sample, outcome.solved.reply
        wanted = sample.reference or "; ".join(" or ".join(group) for group in sample.facts)
        if reply.get("decision") not in SENT or not wanted or not sample.answerable:
            continue
        text = f"Question: {sample.question}\nRight answer: {wanted}\nThe attendant said: {reply.get('text', '')}"
        word = await _asked(model, text)
        if word is None:
            unreadable += 1
            continue
        facts, false = outcome.value("facts"), outcome.value("nothing_false")
        labelled = None if facts is None else facts == 1.0 and false != 0.0
        said.append((word, labelled))
    pairs = tuple((judged, labelled) for judged, labelled in said if labelled is not None)
    return Judgement(model.name, len(said), sum(judged for judged, _ in said), unreadable, pairs)


async def _asked(model: LanguageModel, text: str) -> bool | None:
    prompt = Prompt((("system", _RULES), ("user", text)), max_tokens=8)
    try:
        told = "".join([delta.text async for delta in model.stream(prompt, timeout_seconds=TIMEOUT_SECONDS)])
    except ModelUnavailable:
        return None
    found = _WORD.search(told)
    return None if found is None else found[1].upper() == "RIGHT"
