"""What becomes of a decision in its conversation: said as it is, handed over, or kept from going round in circles.

The attendant decides turn by turn; this knows the conversation, the desk and the hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from app.chat.signals import ANGER
from app.chat.turn import Answer, Clarify, Decision, HandOff, Message, Question, SmallTalk, Turn, UseTool
from app.conversation import lines
from app.conversation.contact import contact_in, new_ticket
from app.conversation.conversation import Conversation, Episode, question_key
from app.conversation.events import Draft, EventType
from app.conversation.modes import Floor, Mode, ModeRules, Modes
from app.conversation.standing import Status
from app.errors import BadInput
from app.knowledge.tokenize import words
from app.shop.brand import Brand
from app.shop.hours import hours_of

PRIORITY = {"anger": 30, "agent_vanished": 25, "sensitive_topic": 20, "tool_failed": 15, "model_down": 10}
USUAL_PRIORITY = 10
OFFLINE_PRIORITY = -20
BY_REQUEST = frozenset({"asked_for_human"})
"""Reasons that are the shopper's own wish: honoured every time."""
ASKED_BEFORE = 2
"""Answers to the same question after which asking it again calls a person."""
_SAYS_AGAIN = re.compile(
    r"(我|刚才?|已经)(都)?(问|说)(过|的是)|没(有)?(回答|解决|答到)|再问一(次|遍)|还是(没|不)(懂|明白|清楚)|答非所问"
    r"|\b(already asked|asked (you )?(this|that) (already|before)|asking again|didn'?t answer|not what i asked|"
    r"doesn'?t answer|once again|i('ll| will)? ask again)\b",
    re.IGNORECASE,
)
_ASKS_CONTACT = re.compile(r"邮箱|手机|电话|联系方式|微信|e-?mail|phone|number|contact", re.IGNORECASE)
"""A shop's own line that asks for a contact: asking again would be one time too many."""
_HURT = re.compile(
    r"(用|吃|喝|穿|戴|敷|抹|涂|碰|打开|拆)(了|过|完|的时候).{0,16}(起(了)?(红)?疹|过敏|红肿|肿了|中毒|受伤|烫伤|烫到|划伤|割伤|烧伤|拉肚子|呕吐|住院|出血)"
    r"|(我|孩子|宝宝|小孩|儿子|女儿|老公|老婆|老人|妈妈|爸爸|狗狗|猫咪).{0,6}(过敏|中毒|受伤|烫伤|起疹子|起红疹)了|(脸|手|眼睛|嘴|皮肤|脖子).{0,4}(肿了|起疹|起红疹|烂了|溃烂)"
    r"|被.{0,10}(烫伤|烫到|划伤|割伤|烧伤|电到|砸伤|扎伤)"
    r"|\b(i|we|he|she|my (son|daughter|child|baby|kid|wife|husband|mum|mom|dad|partner|dog|cat)|somebody|someone)\b"
    r"('ve|'m|'s| have| has| had| was| were| am| is| got)?( been| got| had| was)?.{0,20}"
    r"\b(rash|poisoning|poisoned|burnt|burned|burns|injured|injury|hurt|electrocuted|hospital(ised|ized)?|bleeding|scalded)\b"
    r"|\b(gave|given) (me|us|him|her)\b.{0,16}\b(rash|burns?|blisters|poisoning|shock|hives)\b"
    r"|\b(burnt|burned|cut|scalded|injured|hurt) (my|myself|himself|herself|his|her|our)\b",
    re.IGNORECASE,
)
_IN_GENERAL = re.compile(
    r"会不会|会.{0,8}(吗|么)|是否|容易.{0,8}(吗|么)|怕|如果|要是|万一|的话"
    r"|\b(will|would|could|can|might|if|does|do|in case|so that)\b",
    re.IGNORECASE,
)
"""Somebody was hurt already: not asked about in general."""
_ALIKE = 0.75


class Staffing(Protocol):
    """How the desk of a shop is staffed."""

    async def floor(self, shop: str) -> Floor:
        """The queue and the people, now."""


class AlwaysAuto:
    """Modes of a server without a desk."""

    async def of(self, shop: str) -> ModeRules:
        """Full auto."""
        del shop
        return ModeRules()

    async def choose(self, shop: str, rules: ModeRules) -> None:
        """Not kept: there is no desk to show it on."""


class NoDesk:
    """Staffing of a server without a desk."""

    async def floor(self, shop: str) -> Floor:
        """Nobody, and nothing known of a queue."""
        del shop
        return Floor()


@dataclass(frozen=True, slots=True)
class Received:
    """What is done about a turn before the attendant is asked: `silent` means a person answers and the bot does not."""

    decision: Decision | None = None
    drafts: tuple[Draft, ...] = ()
    silent: bool = False


class Reception:
    """Stands between the attendant and the conversation. Holds nothing."""

    def __init__(
        self, staffing: Staffing, modes: Modes, clock: Callable[[], datetime], *, tells_queue: bool = True
    ) -> None:
        self._staffing = staffing
        self._modes = modes
        self._clock = clock
        self._tells_queue = tells_queue

    async def mode(self, shop: str, brand: Brand, category: str = "") -> Mode:
        """How far the bot goes there now."""
        rules = await self._modes.of(shop)
        return rules.at(self._clock(), brand, await self._staffing.floor(shop) if rules.rules else Floor(), category)

    async def before(self, turn: Turn, conversation: Conversation, status: Status) -> Received:
        """What needs no attendant: a contact for the ticket, and shops where a person answers first."""
        if taken := self._contact(turn, conversation.episode, status):
            return taken
        mode = await self.mode(turn.shop, turn.brand)
        if mode is Mode.AUTO:
            return Received()
        language = lines.language_of(turn.locale, turn.brand)
        if status is Status.WAITING:
            return Received(silent=mode in (Mode.OFF, Mode.ASSIST))
        called = self._policy(turn, language)
        if mode is Mode.HUMAN_FIRST and not await self._somebody_is_free(turn):
            return Received()
        # What a person has dealt with and given back is the bot's: whoever gave it back did not want it again.
        return Received() if question_key(turn.text) in conversation.settled else Received(called)

    async def after(self, decision: Decision, turn: Turn, conversation: Conversation, status: Status) -> Decision:
        """What is said instead, where saying the decision would fail the shopper in this conversation.

        A hand-over keeps the evidence: what the shop itself advises those who were hurt is said before the call.
        """
        if status is not Status.OPEN:
            return decision
        category = decision.reason if isinstance(decision, HandOff) else decision.question.intent
        is_settled = question_key(turn.text) in conversation.settled
        if not isinstance(decision, HandOff) and not is_settled and await self._wants_person(turn, category):
            return self._policy(turn, decision.question.language)
        if isinstance(decision, HandOff) and decision.reason not in BY_REQUEST and is_settled:
            line = lines.line("settled", turn.brand, decision.question.language)
            return Clarify(decision.question, line, confidence=decision.confidence, evidence=decision.evidence)
        if not is_settled and (reason := went_wrong(decision, turn) or going_round(decision, turn)):
            text = lines.line(reason, turn.brand, decision.question.language)
            text = f"{text}{_gap(text)}{lines.handoff(turn.brand, decision.question.language)}"
            return HandOff(decision.question, reason, text, decision.confidence, decision.evidence)
        return decision

    @staticmethod
    def raised(decision: HandOff, conversation: Conversation) -> tuple[Draft, ...]:
        """The event that lets a shopper who has become angry while waiting be seen sooner."""
        episode, wanted = conversation.episode, PRIORITY.get(decision.reason, USUAL_PRIORITY)
        if episode is None or wanted <= PRIORITY.get(episode.reason, USUAL_PRIORITY):
            return ()
        raised = wanted + (OFFLINE_PRIORITY if episode.offline else 0)
        return (Draft(EventType.RAISED, {"reason": decision.reason, "priority": raised}),)

    async def announce(
        self,
        shop: str,
        brand: Brand,
        language: str,
        reason: str,
        text: str,
        words_of_shopper: str = "",
        *,
        elsewhere: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """The hand-over's line with an honest expectation, and what the event says of it. Who asks for a person in
        anger waits no longer than who is only angry. Nothing is promised of a queue that is `elsewhere`."""
        now, hours = self._clock(), hours_of(brand)
        floor = await self._staffing.floor(shop)
        pressing = "anger" if ANGER.search(words_of_shopper) else reason
        priority = max(PRIORITY.get(one, USUAL_PRIORITY) for one in (reason, pressing))
        about: dict[str, Any] = {"priority": priority, "language": language}
        if not hours.is_open(now):
            opens = hours.next_opening(now)
            about |= {"offline": True, "priority": OFFLINE_PRIORITY + about["priority"]}
            about["opens_at"] = opens.isoformat() if opens else ""
            return self._offline(brand, language, reason, opens, now, files=not elsewhere), about
        about["position"] = floor.waiting + 1
        tells = self._tells_queue and not elsewhere
        return (f"{text}{_gap(text)}{_expect(brand, language, floor)}" if tells else text), about

    def _offline(
        self, brand: Brand, language: str, reason: str, opens: datetime | None, now: datetime, *, files: bool
    ) -> str:
        """Says why a person is needed and that nobody is there: who only reads the second thinks that it was not heard.

        Where people answer elsewhere no ticket is filed: the message is with them.
        """
        parts = [lines.line(reason, brand, language)] if reason in lines.REASONS else []
        own = brand.handoff.get(f"{language}_offline")
        parts.append(str(own) if own else lines.line("offline", brand, language))
        if opens is not None and not own:
            parts.append(lines.line("opens", brand, language, opens=_when(opens, now, language)))
        if files and not (own and _ASKS_CONTACT.search(own)):
            parts.append(lines.line("leave", brand, language))
        return (" " if language == "en" else "").join(parts)

    def file(
        self, conversation: Conversation, brand: Brand, contact: str, message: str
    ) -> tuple[tuple[Draft, ...], dict[str, str]]:
        """The event that opens a ticket, and what the shopper is told. Raises BadInput for what is no contact."""
        found = contact_in(contact)
        if not found:
            raise BadInput(
                "That is no e-mail address or phone number. Nothing was filed; correct it and send it again.",
            )
        ticket = new_ticket()
        text = lines.line("ticket", brand, lines.language_of(conversation.locale, brand), ticket=ticket)
        told = {"ticket": ticket, "contact": found, "text": message, "message_id": ""}
        return (Draft(EventType.TICKET, {**told, "line": text}),), {"ticket": ticket, "text": text}

    def _contact(self, turn: Turn, episode: Episode | None, status: Status) -> Received | None:
        if status is not Status.WAITING or episode is None or not episode.offline or episode.ticket:
            return None
        if not (contact := contact_in(turn.text)):
            return None
        ticket = new_ticket()
        language = lines.language_of(turn.locale, turn.brand)
        text = lines.line("ticket", turn.brand, language, ticket=ticket)
        told = {"ticket": ticket, "contact": contact, "text": turn.text, "message_id": turn.message_id}
        question = Question(turn.text, turn.text, language)
        return Received(SmallTalk(question, text), (Draft(EventType.TICKET, told),))

    async def _wants_person(self, turn: Turn, category: str) -> bool:
        rules = await self._modes.of(turn.shop)
        if not rules.by_category:
            return False
        mode = await self.mode(turn.shop, turn.brand, category)
        if mode is Mode.HUMAN_FIRST:
            return await self._somebody_is_free(turn)
        return mode is not Mode.AUTO

    async def _somebody_is_free(self, turn: Turn) -> bool:
        return hours_of(turn.brand).is_open(self._clock()) and (await self._staffing.floor(turn.shop)).free > 0

    @staticmethod
    def cannot(turn: Turn) -> HandOff:
        """The hand-over for a bot that cannot answer now."""
        language = lines.language_of(turn.locale, turn.brand)
        text = lines.line("model_down", turn.brand, language)
        text = f"{text}{_gap(text)}{lines.handoff(turn.brand, language)}"
        return HandOff(Question(turn.text, turn.text, language), "model_down", text)

    @staticmethod
    def _policy(turn: Turn, language: str) -> HandOff:
        question = Question(turn.text, turn.text, language)
        return HandOff(question, "policy", lines.line("policy", turn.brand, language))


def went_wrong(decision: Decision, turn: Turn) -> str:
    """ "sensitive_topic" where somebody was hurt: a person has to hear of it, whatever the knowledge says; else ""."""
    hurt = _HURT.search(turn.text) and not _IN_GENERAL.search(turn.text)
    return "sensitive_topic" if isinstance(decision, Answer) and hurt else ""


def going_round(decision: Decision, turn: Turn) -> str:
    """The reason to call a person when the conversation goes round in circles; "" when it does not.

    The same question after it was answered twice, or once where the shopper says that it was no answer; the same
    question back twice in a row.
    """
    history = turn.history
    if isinstance(decision, Clarify):
        back = [m.text for m in history if m.role == "assistant"]
        if back and back[-1] == decision.text and not _is_new(turn, history):
            looked_up = decision.question.order_ids and decision.question.phone_tails
            return "tool_failed" if looked_up else "low_confidence"
        return ""
    if not isinstance(decision, Answer | UseTool):
        return ""
    asked = sum(_alike(m.text, turn.text) for m in history if m.role == "user")
    enough = 1 if _SAYS_AGAIN.search(turn.text) else ASKED_BEFORE
    return "repeated_question" if asked >= enough else ""


def _is_new(turn: Turn, history: tuple[Message, ...]) -> bool:
    """Whether the shopper said something else than before: asking back about another matter is no circle."""
    del history
    return len(words(turn.text)) > 6 and not re.search(r"\d{4}", turn.text)


def _alike(earlier: str, now: str) -> bool:
    one, other = set(words(earlier)), set(words(_SAYS_AGAIN.sub(" ", now)))
    return bool(one and other) and len(one & other) / len(one | other) >= _ALIKE


def _expect(brand: Brand, language: str, floor: Floor) -> str:
    place = lines.line("place", brand, language, position=floor.waiting + 1)
    said = place if floor.waiting else lines.line("first", brand, language)
    if floor.present:
        return said
    return f"{said}{_gap(said)}{lines.line('nobody', brand, language)}"


def _gap(before: str) -> str:
    return " " if before[-1:].isascii() else ""


def _when(opens: datetime, now: datetime, language: str) -> str:
    """ "today at 09:00", "tomorrow", or the day."""
    days = (opens.date() - now.astimezone(opens.tzinfo).date()).days
    at = f"{opens:%H:%M}"
    if language == "zh":
        day = {0: "今天", 1: "明天"}.get(days, f"{opens.month}月{opens.day}日")
        return f"{day} {at} "
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {opens:%A} {opens.day} {opens:%B}")
    return f"{day} at {at}"


def with_text(decision: HandOff, text: str) -> HandOff:
    """The same hand-over, announced in other words."""
    return replace(decision, text=text)
