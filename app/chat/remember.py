"""What a question found, kept for the next shopper who asks the same: neither embedder, index nor model is asked again.

Kept is what was found, not what was decided: thresholds, modes and comparisons are judged anew in every turn, and an
order is never part of it. A question counts as the same when shop, release, day, voice and language are the same and
its words are, in their order.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

from app.chat.products import Reading
from app.chat.turn import Answer, Passage, Question, Sentence, Turn
from app.knowledge.simplify import simplify
from app.knowledge.view import KnowledgeView
from app.shop.brand import Brand

ENTRIES = 2_000
"""Some 20 kB each."""
LONGEST = 200
"""Characters of a question that somebody else may ask too."""
JUDGED = 3
"""Passages whose every score is kept: those that may be said, and judged."""
_PERSONAL = re.compile(r"\d{4,}|@|https?://")
"""A message with a number that may be an order's or a phone's is its writer's own."""
_NOT_TOLD = re.compile(r"(?<=\d)[.,:](?=\d)|[%$€£¥°+]|[^\W_]+")
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")
_GREETING = re.compile(
    r"^(?:(?:你好|您好|哈喽|亲亲|亲|在吗|老板|客服|小二|(?:我)?想?(?:请问|请教|问)(?:一下|下)?|麻烦问(?:一下|下)?)(?=.)"
    r"|(?:hi|hello|hey|hiya|there|please|excuse me|good (?:morning|afternoon|evening)|quick question) )+"
)
_THANKS = re.compile(r"(?:谢谢(?:你|您|啦|了)?|多谢|[啊呀哦呢吗嘛么哈]|(?: (?:please|thanks|thank you|thx|cheers)))+$")


@dataclass(frozen=True, slots=True)
class Found:
    """What looking a question up came to.

    intent, standalone, signals   what its embedding said of the question, by the names of `Question`
    passages                      judged, best first; those that are never said without their scores
    said                          drafts → the sentences a model made of them, each checked
    """

    intent: str
    standalone: str
    signals: Mapping[str, float]
    passages: tuple[Passage, ...]
    reading: Reading | None
    confidence: float
    said: Mapping[tuple[str, ...], tuple[Sentence, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def asked_as(self, question: Question) -> Question:
        """This shopper's question with what is known of it."""
        signals = MappingProxyType({**self.signals, **question.signals})
        return replace(question, intent=self.intent, standalone=self.standalone, signals=signals)


class ResultCache(Protocol):
    """Keeps what questions found. It may forget anything at any time, and must never mix up two keys."""

    async def get(self, key: str) -> Found | None:
        """What is kept under the key."""

    async def put(self, key: str, found: Found) -> None:
        """Keep it."""


class InProcess:
    """`ResultCache` in this process: the results used last."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._kept: OrderedDict[str, Found] = OrderedDict()

    async def get(self, key: str) -> Found | None:
        """What is kept under the key."""
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
        return found

    async def put(self, key: str, found: Found) -> None:
        """Keep it, and let go of what was not asked for the longest."""
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)


def _nobody(outcome: str) -> None:
    del outcome


class Memory:
    """Remembers what questions found that stand for themselves."""

    def __init__(self, cache: ResultCache | None, told: Callable[[str], None] = _nobody) -> None:
        """Without a cache nothing is remembered. `told` hears of every question: "hit", "miss" or "own"."""
        self._cache = cache
        self._told = told
        self._voices: dict[int, tuple[Brand, str]] = {}

    def key(self, question: Question, turn: Turn, view: KnowledgeView) -> str:
        """Under which it is kept; "" for a question that is its writer's own, or leans on what was said before."""
        if self._cache is None:
            return ""
        own = turn.history or question.order_ids or question.phone_tails
        if own or len(turn.text) > LONGEST or _PERSONAL.search(turn.text):
            return ""
        day = turn.as_of.astimezone(ZoneInfo(turn.brand.timezone)).date().isoformat()
        parts = (turn.shop, turn.release, day, view.period(turn.as_of), self._voice(turn.brand), question.language)
        return "\n".join([*map(str, parts), normalised(turn.text)])

    async def recall(self, key: str) -> Found | None:
        """What was found for it, if anything."""
        if self._cache is None:
            return None
        if not key:
            self._told("own")
            return None
        found = await self._cache.get(key)
        self._told("miss" if found is None else "hit")
        return found

    async def keep(self, key: str, found: Found) -> None:
        """Keep what was found."""
        if key and self._cache is not None:
            bare: Mapping[str, float] = MappingProxyType({})
            passages = (*found.passages[:JUDGED], *(replace(p, scores=bare) for p in found.passages[JUDGED:]))
            await self._cache.put(key, replace(found, passages=passages))

    async def recall_said(self, key: str, decision: Answer) -> tuple[Sentence, ...]:
        """What a model made of this very draft before, if anything."""
        found = await self._cache.get(key) if key and self._cache is not None else None
        return found.said.get(drafted(decision), ()) if found is not None else ()

    async def keep_said(self, key: str, decision: Answer, sentences: Sequence[Sentence]) -> None:
        """Keep what a model made of the draft, when all of it was checked and it said most of it."""
        if not key or self._cache is None or not any(sentence.origin == "model" for sentence in sentences):
            return
        if (found := await self._cache.get(key)) is not None:
            said = MappingProxyType({**found.said, drafted(decision): tuple(sentences)})
            await self._cache.put(key, replace(found, said=said))

    def _voice(self, brand: Brand) -> str:
        """Fingerprint of a brand, whichever server reads it."""
        kept = self._voices.get(id(brand))
        if kept is None or kept[0] is not brand:
            if len(self._voices) > 100:
                self._voices.clear()
            kept = self._voices[id(brand)] = (brand, hashlib.sha256(repr(brand).encode()).hexdigest()[:16])
        return kept[1]


def drafted(decision: Answer) -> tuple[str, ...]:
    """The draft's texts: what a model was given to phrase."""
    return tuple(sentence.text for sentence in decision.evidence.draft)


def normalised(text: str) -> str:
    """The same for two ways of typing the same words: no case, width, script, punctuation, greeting or thanks."""
    plain = simplify(unicodedata.normalize("NFKC", text).casefold()).replace("’", "'").replace("'", "")
    joined = _HAN_GAP.sub("", " ".join(_NOT_TOLD.findall(plain)))
    bare = _THANKS.sub("", _GREETING.sub("", joined)).strip()
    return bare or joined
