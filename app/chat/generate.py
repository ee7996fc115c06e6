"""Phrase an answer with the language model: a short prompt in, whole sentences out as they come."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import cast

from app.chat.ports import Delta, LanguageModel, Prompt
from app.chat.prompts import Prompts
from app.chat.turn import Answer, Message, ModelUse, Sentence, Turn
from app.errors import ModelUnavailable
from app.shop.brand import Brand

_END = re.compile(r"[。！？!?](?:[”’」』)）\"'])*|\.(?=\s|$)|\n+")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|approx|no|mr|mrs|dr|st|inc|ltd|co)\.$|^\s*\d{1,2}\.$", re.IGNORECASE)
_DRESS = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)、]\s*(?=\D))|\*\*|__|`")
_SPEAKER = re.compile(r"^\s*(?:答|回答|客服|answer|assistant|reply)\s*[:：]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a prompt may hold, in characters of each part, and a reply in tokens.

    Chinese needs about 0.65 tokens a character, English about 0.25, with Qwen's tokenizer.
    """

    evidence: int = 260
    evidence_en: int = 620
    question: int = 120
    history_turns: int = 1
    history: int = 60
    reply_tokens: int = 160

    def evidence_for(self, language: str) -> int:
        """Characters of evidence in a language."""
        return self.evidence if language == "zh" else self.evidence_en


@dataclass(slots=True)
class Generation:
    """What one call to the model has cost, known once its sentences have ended."""

    use: ModelUse = field(default_factory=lambda: ModelUse(calls=1))


class Generator:
    """Asks the model to phrase the draft of an answer."""

    def __init__(self, model: LanguageModel, prompts: Prompts, budget: Budget | None = None) -> None:
        self.model = model
        self._prompts = prompts
        self._budget = budget or Budget()

    def generate(
        self, turn: Turn, decision: Answer, *, timeout_seconds: float = 20.0, cost: Generation | None = None
    ) -> AsyncGenerator[str, None]:
        """Raw sentences as the model finishes them; closing cancels the model. Raises ModelUnavailable at any point.

        A last sentence that was cut at the token limit is not yielded. What it used is written to `cost`.
        """
        return self._sentences(self.prompt(turn, decision), timeout_seconds, cost or Generation())

    def prompt(self, turn: Turn, decision: Answer) -> Prompt:
        """Rules and brand first, then history, evidence, question: what changes least stands first."""
        question, budget = decision.question, self._budget
        language = "zh" if question.language == "zh" else "en"
        messages = [*self._prefix(turn.brand, language), *_history(turn.history, budget)]
        task = self._prompts.task(
            "answer",
            language,
            evidence=evidence_text(decision, budget.evidence_for(_language_of_draft(decision))),
            question=question.text[: budget.question],
        )
        messages.append(("user", task))
        return Prompt(tuple(messages), max_tokens=budget.reply_tokens, affinity=turn.conversation_id)

    async def warm(self, brand: Brand, language: str) -> None:
        """Let the engine read the fixed prefix of a brand and language now, so that the first shopper need not wait."""
        messages = self._prefix(brand, language)
        prompt = Prompt((*messages, ("user", "…")), max_tokens=1)
        with suppress(ModelUnavailable):
            async for _ in self.model.stream(prompt, timeout_seconds=60):
                pass

    def _prefix(self, brand: Brand, language: str) -> list[tuple[str, str]]:
        messages = [("system", self._prompts.rules(brand, language))]
        for asked, answered in self._prompts.examples(language):
            messages += [("user", asked), ("assistant", answered)]
        return messages

    async def _sentences(
        self, prompt: Prompt, timeout_seconds: float, generation: Generation
    ) -> AsyncGenerator[str, None]:
        splitter = SentenceSplitter()
        deadline = time.monotonic() + timeout_seconds
        cut = False
        stream = cast(AsyncGenerator[Delta, None], self.model.stream(prompt, timeout_seconds=timeout_seconds))
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                cut = cut or delta.cut
                generation.use = delta.use or generation.use
                for sentence in splitter.feed(delta.text):
                    yield sentence
                if time.monotonic() > deadline:
                    raise ModelUnavailable("The language model took longer than the turn may wait.")
        rest = splitter.rest()
        if rest and not cut:
            yield rest


class SentenceSplitter:
    """Cuts a stream of text into sentences, without Markdown dress and speaker marks."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that this piece completes."""
        self._text += piece
        found: list[str] = []
        start = 0
        for match in _END.finditer(self._text):
            # A full stop at the very end may be the point of a number that goes on: wait for what follows.
            if match.group().startswith(".") and match.end() == len(self._text):
                break
            if match.group().startswith(".") and _ABBREVIATION.search(self._text[start : match.end()]):
                continue
            found.append(self._text[start : match.end()])
            start = match.end()
        self._text = self._text[start:]
        return [bare for sentence in found if (bare := undressed(sentence))]

    def rest(self) -> str:
        """What is left when the stream has ended."""
        rest, self._text = self._text, ""
        return undressed(rest)


def undressed(sentence: str) -> str:
    """The sentence without list marks, emphasis and a leading "Answer:"."""
    return _SPEAKER.sub("", _DRESS.sub("", sentence)).strip()


def evidence_text(decision: Answer, limit: int) -> str:
    """The draft's sentences under the heading they stand under, whole sentences only, up to `limit` characters."""
    headings = {p.chunk.locator: p.chunk.title for p in decision.evidence.passages}
    lines: list[str] = []
    used = 0
    last_heading = ""
    for sentence in decision.evidence.draft:
        heading = _heading(sentence, headings)
        line = f"[{heading}] {sentence.text}" if heading and heading != last_heading else sentence.text
        if lines and used + len(line) > limit:
            break
        last_heading = heading or last_heading
        lines.append(line)
        used += len(line)
    return "\n".join(lines)


def _heading(sentence: Sentence, headings: dict[str, str]) -> str:
    for citation in sentence.citations:
        title = headings.get(citation.locator, "")
        if title and title.rpartition(" > ")[2] not in sentence.text:
            return title.rpartition(" > ")[2][:40]
    return ""


def _language_of_draft(decision: Answer) -> str:
    passages = decision.evidence.passages
    return passages[0].chunk.language[:2] if passages else decision.question.language


def _history(history: tuple[Message, ...], budget: Budget) -> list[tuple[str, str]]:
    """The last exchanges, cut short: enough to know what "it" is. Agents' words count as the assistant's."""
    if budget.history_turns == 0:
        return []
    asked = [n for n, message in enumerate(history) if message.role == "user"]
    if not asked:
        return []
    start = asked[-budget.history_turns :][0]
    return [
        ("user" if message.role == "user" else "assistant", message.text[: budget.history])
        for message in history[start:]
        if message.text.strip()
    ]
