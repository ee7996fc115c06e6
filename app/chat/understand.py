"""Make the message standalone: its language, what it wants, what it names, and what it leaves to the history."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

from app.chat import signals
from app.chat.guard import clean, hides_something, is_wordless, tries_to_take_over
from app.chat.language import language_of
from app.chat.plain_words import PlainWords
from app.chat.turn import Message, Question, Turn
from app.knowledge.tokenize import words

_ORDER_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*\d{3})([A-Za-z]{1,6}[-_]?\d[\dA-Za-z-]{3,24}|\d{8,24}|(?<=#)\d{4,12})(?![A-Za-z0-9])"
)
_PHONE_TAIL = re.compile(r"(?<![\dA-Za-z.-])(\d{4})(?![\dA-Za-z-]|\.\d)")
_FULL_PHONE = re.compile(r"(?<!\d)(?:\+?\d{1,3}[- ]?)?(1[3-9]\d{9}|0\d{9,10})(?!\d)")
_LEADING_GREETING = re.compile(
    r"^(你好|您好|哈喽|嗨|亲|亲亲|请问(一下)?|问(一)?下|老板|客服|小二|在吗|hi( there)?|hello( there)?|hey( there)?|hiya|good (morning|afternoon|evening)|quick (one|question|q))"
    r"[\s,，.。!！~～:：、?？呀啊哈-]+",
    re.IGNORECASE,
)
_DEED = re.compile(r"[到发寄送退收买付换修洗吃用穿装充拆]")
"""Single characters that say what is asked about ("多久能到" is about delivery), and are too short to be looked up"""
_SMALL_TALK = (
    ("greeting", signals.GREETING),
    ("thanks", signals.THANKS),
    ("goodbye", signals.GOODBYE),
    ("robot", signals.ROBOT),
    ("how_are_you", signals.HOW_ARE_YOU),
    ("capability", signals.CAPABILITY),
    ("acknowledgement", signals.ACKNOWLEDGEMENT),
)
_SMALL_TALK_LIMIT = 40
_HISTORY_MESSAGES = 8
_IDENTIFIERS = 3
"""Numbers of a kind that are tried in a turn: a list of guesses must not find somebody's order."""


class Understander:
    """Reads a message in its conversation. Pure: looks nothing up but the order numbers it is given."""

    def __init__(
        self, is_order_number: Callable[[str, str], bool] | None = None, plain_words: PlainWords | None = None
    ) -> None:
        self._is_order_number = is_order_number or (lambda _shop, _number: False)
        self._plain_words = plain_words or PlainWords()

    def understand(self, turn: Turn) -> Question:
        """The message as a standalone question. `signals["hidden"]` is 1 when it carried invisible characters."""
        text = clean(turn.text)
        stripped = _without_greeting(text)
        history = tuple(turn.history[-_HISTORY_MESSAGES:])
        language = self._language(stripped or text, turn)
        order_ids, tails = self._identifiers(turn, stripped, history)
        plain = self._plain_words.of(stripped or text)
        return Question(
            text=stripped or text,
            plain=plain,
            standalone=_standalone(plain, history),
            language=language,
            intent=_intent(text, stripped, order_ids=order_ids, history=history),
            history=history,
            order_ids=order_ids,
            phone_tails=tails,
            signals=MappingProxyType(
                {
                    "hidden": float(hides_something(turn.text)),
                    "depends": dependence(stripped or text, history),
                }
            ),
        )

    def _language(self, text: str, turn: Turn) -> str:
        """The message's own language; for a bare number or emoji the conversation's, the locale's, the brand's."""
        for candidate in (text, *(m.text for m in reversed(turn.history) if m.role == "user")):
            if found := language_of(_ORDER_NUMBER.sub(" ", candidate), fallback=""):
                return found
        return turn.locale[:2] if turn.locale[:2] in ("zh", "en") else turn.brand.default_language

    def _identifiers(
        self, turn: Turn, text: str, history: tuple[Message, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Order numbers and phone tails, from this message first, then from earlier ones, then from the storefront."""
        numbers: list[str] = []
        tails: list[str] = []
        for said in (text, *(m.text for m in reversed(history) if m.role == "user")):
            found = [n for n in _ORDER_NUMBER.findall(said) if self._is_order_number(turn.shop, n)]
            rest = said
            for number in found:
                rest = rest.replace(number, " ")
            numbers += found
            tails += [phone[-4:] for phone in _FULL_PHONE.findall(rest)] + _PHONE_TAIL.findall(rest)
        vouched = turn.identity
        return _first(numbers, vouched.order_id), _first(tails, vouched.phone_last4)


def _first(said: list[str], vouched: str) -> tuple[str, ...]:
    """The first few that were said, each once, then the one the storefront vouches for."""
    few = list(dict.fromkeys(said))[:_IDENTIFIERS]
    return tuple(dict.fromkeys([*few, vouched] if vouched else few))


def dependence(text: str, history: tuple[Message, ...]) -> float:
    """How much the message leans on what was said before, 0 (stands alone) to 1 (a bare pronoun)."""
    if not any(m.role == "user" for m in history):
        return 0.0
    content = words(text)
    leaning = 0.5 if signals.FOLLOW_UP.search(text) or _only_measures(text, content) else 0.0
    shortness = max(0.0, 1.0 - len(content) / 8)
    return min(1.0, leaning + 0.5 * shortness)


def _only_measures(text: str, content: Sequence[str]) -> bool:
    """Whether a message asks how long, how much or how often and does not say of what."""
    return bool(content) and not _DEED.search(text) and all(signals.MEASURE.fullmatch(word) for word in content)


def _without_greeting(text: str) -> str:
    previous = None
    while previous != text:
        previous = text
        text = _LEADING_GREETING.sub("", text).strip()
    return text


def _intent(text: str, stripped: str, *, order_ids: tuple[str, ...], history: tuple[Message, ...]) -> str:
    """The intent that a phrase settles; "knowledge" where none does."""
    if not text:
        return "unclear"
    if tries_to_take_over(text):
        return "injection"
    if is_wordless(text):
        return "unclear"
    for intent, pattern in _FOR_A_PERSON:
        if pattern.search(text):
            return intent
    if len(text) <= _SMALL_TALK_LIMIT:
        for name, pattern in _SMALL_TALK:
            if pattern.search(text):
                return f"smalltalk.{name}"
    if not stripped:
        return "smalltalk.greeting"
    if (
        signals.ORDER.search(stripped)
        or _names_order(stripped, order_ids)
        or _answers_order_question(stripped, history)
    ):
        return "order"
    return "knowledge"


_FOR_A_PERSON = (
    ("human", signals.HUMAN),
    ("complaint", signals.ANGER),
    ("legal", signals.LEGAL),
    ("accident", signals.ACCIDENT),
    ("medical", signals.MEDICAL),
)
"""What a person had better handle, in the order in which it settles the intent"""


def _names_order(text: str, order_ids: tuple[str, ...]) -> bool:
    return any(order_id in text for order_id in order_ids)


def _answers_order_question(text: str, history: tuple[Message, ...]) -> bool:
    """A bare number right after the attendant asked for an order number or a phone tail."""
    if not history or history[-1].role != "assistant" or not re.search(r"\d{4}", text):
        return False
    asked = re.search(r"订单号|手机尾号|手机.{0,6}四位|order (number|no)|last (4|four)", history[-1].text, re.I)
    return bool(asked) and len(words(text)) <= 6


def _standalone(text: str, history: tuple[Message, ...]) -> str:
    """The question with the one before it, when it leans on it; else as it is."""
    if dependence(text, history) < 0.5:
        return text
    earlier = [clean(m.text) for m in history if m.role == "user"]
    return f"{earlier[-1]} {text}" if earlier else text
