"""Say what was decided: fixed lines as they are, answers from their draft, phrased by the model where that helps.

Whatever the model does (is down, slow, wrong, dies in the middle), the reply is whole: what it failed to say is said
in the words of the draft, which is always complete, true and cited.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType

from app.chat.arbitrate import Arbiter
from app.chat.generate import Generation, Generator
from app.chat.language import join_sentences, language_of
from app.chat.stance import stance
from app.chat.support import clauses, joined, sounds
from app.chat.turn import Answer, Decision, ModelUse, Reply, Sentence, Turn, UseTool
from app.chat.values import Value
from app.chat.verify import Alike, Verifier
from app.errors import ModelUnavailable, Unavailable
from app.knowledge.ports import Embedder, Vector

MOST_MODEL_SENTENCES = 4
COVERED = 0.6
"""Share of a draft sentence's words that were said for it to count as said, when all its values were."""
EXCEPTING = frozenset({"no", "only", "except"})
"""What a sentence commits to that makes leaving it out a false answer: "you may return it" without "not on sale"."""
_KEPT_USES = 512


@dataclass(frozen=True, slots=True)
class Phrasing:
    """When the model is worth its wait. The defaults are for the embedded half-billion model.

    least_sentences     a draft of fewer sentences is already the answer
    across_languages    let it answer in another language than the evidence; small models mistranslate unseen
    """

    least_sentences: int = 3
    across_languages: bool = False

    def is_worth_it(self, decision: Answer) -> bool:
        """Whether to ask the model to phrase this answer."""
        draft = decision.evidence.draft
        if any(language_of(sentence.text) != decision.question.language for sentence in draft):
            return self.across_languages
        return len(draft) >= self.least_sentences


ABLE = Phrasing(least_sentences=2, across_languages=True)
"""For a model of some 7 billion parameters or more."""


class Responder:
    """Turns a decision into checked sentences. Keeps of a turn only what its model call cost, until `finish`."""

    def __init__(
        self,
        generator: Generator,
        verifier: Verifier,
        *,
        timeout_seconds: float = 20.0,
        embedder: Embedder | None = None,
        phrasing: Phrasing | None = None,
        arbiter: Arbiter | None = None,
    ) -> None:
        """`arbiter`: who settles what the verifier leaves in doubt; None = the verifier's word stands."""
        self._generator = generator
        self._verifier = verifier
        self._timeout_seconds = timeout_seconds
        self._embedder = embedder
        self._phrasing = phrasing or Phrasing()
        self._arbiter = arbiter
        self._costs: dict[int, tuple[Decision, Generation]] = {}

    async def reply(self, turn: Turn, decision: Decision) -> AsyncGenerator[Sentence, None]:
        """The sentences to send, in order; never none. Closing it cancels the model."""
        if not isinstance(decision, Answer | UseTool):
            yield Sentence(decision.text)
            return
        if not isinstance(decision, Answer) or not self._may_phrase(decision):
            for sentence in decision.evidence.draft:
                yield sentence
            return
        said: list[Sentence] = []
        whole = False
        try:
            async with aclosing(self._phrased(turn, decision, said)) as sentences:
                async for sentence in sentences:
                    said.append(sentence)
                    yield sentence
            whole = 2 * sum(sentence.origin == "model" for sentence in said) > len(said)
        except ModelUnavailable:
            pass
        for sentence in unsaid(decision, said, everything=not whole):
            yield sentence

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: Mapping[str, float]
    ) -> Reply:
        """The finished turn, with what the model cost."""
        kept = self._costs.pop(id(decision), None)
        return Reply(
            message_id=turn.message_id,
            text=join_sentences([sentence.text for sentence in sentences], decision.question.language),
            decision=decision,
            sentences=tuple(sentences),
            release=turn.release,
            language=decision.question.language,
            model_use=kept[1].use if kept is not None and kept[0] is decision else ModelUse(),
            timings_ms=MappingProxyType(dict(timings_ms)),
        )

    def _may_phrase(self, decision: Answer) -> bool:
        """Whether the model is asked at all: where phrasing helps, is worth it, and nobody has to wait for nothing."""
        return decision.needs_model and self._phrasing.is_worth_it(decision) and self._generator.model.available

    async def _phrased(self, turn: Turn, decision: Answer, said: Sequence[Sentence]) -> AsyncGenerator[Sentence, None]:
        """What the model says, each sentence checked, replaced or dropped."""
        cost = self._cost_of(decision)
        raw = self._generator.generate(turn, decision, timeout_seconds=self._timeout_seconds, cost=cost)
        async with aclosing(raw) as texts:
            async for text in texts:
                checked = await self._checked(text, turn, decision, [sentence.text for sentence in said])
                if checked is not None:
                    yield checked
                if len(said) >= MOST_MODEL_SENTENCES:
                    return

    async def _checked(self, text: str, turn: Turn, decision: Answer, said: Sequence[str]) -> Sentence | None:
        """What is sent in place of what the model wrote; None = nothing."""
        evidence, question, forbidden = decision.evidence, decision.question, turn.brand.forbidden_words
        alike = await self._alike(text, decision)
        if self._arbiter is None:
            return self._verifier.verify(text, evidence, question, forbidden_words=forbidden, said=said, alike=alike)
        grounds = self._verifier.grounds(evidence, question)
        verdict = self._verifier.judge(text, grounds, forbidden_words=forbidden, alike=alike)
        settled = await self._arbiter.settle(text, verdict, grounds, evidence)
        return self._verifier.conclude(text, settled, said)

    def _cost_of(self, decision: Answer) -> Generation:
        while len(self._costs) >= _KEPT_USES:  # replies that were never finished
            self._costs.pop(next(iter(self._costs)))
        cost = Generation()
        self._costs[id(decision)] = (decision, cost)
        return cost

    async def _alike(self, text: str, decision: Answer) -> Alike | None:
        """Cosines with the draft, where the draft is in another language than the text; else None."""
        language = language_of(text)
        drafted = [s.text for s in decision.evidence.draft if language_of(s.text) != language]
        if self._embedder is None or not drafted:
            return None
        try:
            vectors = await self._embedder.embed_passages([text, *drafted])
        except Unavailable:
            return None
        written: Vector = vectors[0]
        cosines = {drafted[n]: float(written @ vectors[n + 1]) for n in range(len(drafted))}
        return lambda other: cosines.get(other, 0.0)


def unsaid(decision: Answer, said: Sequence[Sentence], *, everything: bool) -> list[Sentence]:
    """Draft sentences that must follow what was said: all that were not said when the model failed (`everything`),
    else those that hold a fact or a key number which nothing said so far holds, or an exception nobody told.
    """
    if not said:
        return list(decision.evidence.draft)
    missing: list[Sentence] = []
    for sentence in decision.evidence.draft:
        told = [*said, *missing]
        if any(sounds(sentence.text) in sounds(other.text) for other in told):
            continue
        values_missing = _lacks_value(sentence, told) or _lacks_fact(decision, sentence, told)
        if values_missing or _lacks_exception(sentence, told) or (everything and not _is_covered(sentence, told)):
            missing.append(sentence)
    return missing


def _values_of(text: str) -> tuple[Value, ...]:
    return tuple(value for clause in clauses(text) for value in clause.values)


def _lacks_value(sentence: Sentence, told: Sequence[Sentence]) -> bool:
    held = [value for other in told for value in _values_of(other.text)]
    return any(not any(value.same(other) for other in held) for value in _values_of(sentence.text))


def _lacks_fact(decision: Answer, sentence: Sentence, told: Sequence[Sentence]) -> bool:
    spoken = "\n".join(other.text for other in told)
    return any(fact.value in sentence.text and fact.value not in spoken for fact in decision.evidence.facts)


def _lacks_exception(sentence: Sentence, told: Sequence[Sentence]) -> bool:
    excepted = stance(sentence.text) & EXCEPTING
    alike = [other for other in told if excepted & stance(other.text)]
    return bool(excepted) and not (alike and _is_covered(sentence, alike))


def _is_covered(sentence: Sentence, told: Sequence[Sentence]) -> bool:
    parts = clauses(sentence.text)
    if not parts:
        return True
    content = joined(parts).words
    spoken = frozenset(word for other in told for clause in clauses(other.text) for word in clause.words)
    same_language = any(language_of(other.text) == language_of(sentence.text) for other in told)
    if not same_language:
        return any(set(sentence.citations) & set(other.citations) for other in told)
    return len(content & spoken) >= COVERED * len(content)
