"""What a published change came to: the same questions asked again of the live release, before and after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

from app.chat.turn import Decision, Message, Turn
from app.conversation.ports import Attendant, Brands
from app.errors import NotFound, XiaoerError
from app.knowledge.editor import Editing, Reply
from app.review.exchange import Exchange
from app.review.item import AskedAgain, Item, Kind, Outcome, ReviewQueue, Wanted
from app.review.reader import LiveKnowledge, Reader
from app.review.reviewer import item_json

LOOKED_AT = 200
SECONDS_A_CALL = 5.0
_CHANGES = (Outcome.EDIT, Outcome.ROW, Outcome.PHRASING)
_ROLES = {"shopper": "user", "bot": "assistant", "agent": "agent"}
_ANSWERED = ("answer", "tool")


class Effect:
    """Asks again. No model is called and nothing is sent: a decision tells whether and from what it would answer."""

    def __init__(
        self,
        queue: ReviewQueue,
        reader: Reader,
        attendant: Attendant,
        knowledge: LiveKnowledge,
        brands: Brands,
        editing: Callable[[], Awaitable[Editing]],
        clock: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._reader = reader
        self._attendant = attendant
        self._knowledge = knowledge
        self._brands = brands
        self._editing = editing
        self._clock = clock

    async def effect(self, shop: str, seconds: float = SECONDS_A_CALL) -> Reply:
        """Every settled item whose change is live, with what came of its question. Asks for so many seconds at most:
        while `asking.done` is short of `asking.total`, calling again goes on."""
        until = time.monotonic() + seconds
        live = await self._knowledge.live_release(shop)
        items, _ = await self._queue.find(shop, Wanted(state="done", every=True, outcomes=_CHANGES), 0, LOOKED_AT)
        told, waiting = [], 0
        places: dict[str, tuple[str, str] | None] = {}
        for item in items:
            if item.row not in places:
                places[item.row] = await self._place(shop, item.row, live)
            if (place := places[item.row]) is None:
                waiting += 1
                continue
            asked = item
            if item.after_release != live and time.monotonic() < until:
                asked = await self._ask(shop, item, live or 0)
            told.append(await self._told(asked, place, live))
        counted = Counter(str(one["verdict"]) for one in told)
        asking = {"done": sum(one["verdict"] != "unasked" for one in told), "total": len(told)}
        return {"shop": shop, "release": live, "waiting": waiting, "asking": asking, "counts": counted, "items": told}

    async def _place(self, shop: str, row: str, live: int | None) -> tuple[str, str] | None:
        """Where the row stands, once what editors made of it is live; None before."""
        rows = (await self._editing()).rows
        try:
            found = await rows.chunk(shop, row)
        except NotFound:
            return None
        return (found["path"], found["locator"]) if not found["pending"] and found["release"] == live else None

    async def _ask(self, shop: str, item: Item, live: int) -> Item:
        exchange = await self._reader.exchange(item)
        history = tuple(Message(_ROLES[role], text) for role, text in exchange.before if text)  # type: ignore[arg-type]
        now = self._clock()
        turn = Turn(shop, self._brands(shop), live, now, exchange.question, history, locale=item.language)
        try:
            decision = await self._attendant.decide(turn)
        except XiaoerError:
            return item
        row = "\n".join(_evidence(decision))
        again = AskedAgain(live, decision.name, decision.confidence, row, now.isoformat(timespec="microseconds"))
        await self._queue.note_again(shop, item.id, again)
        return await self._queue.item(shop, item.id)

    async def _told(self, item: Item, place: tuple[str, str], live: int | None) -> Reply:
        exchange = await self._reader.exchange(item)
        before = {"decision": item.decision, "confidence": round(item.confidence, 4), "release": item.release,
                  "text": _said(exchange)}  # fmt: skip
        after = {"decision": item.after_decision, "confidence": round(item.after_confidence, 4),
                 "release": item.after_release, "row": item.after_row.partition("\n")[0]}  # fmt: skip
        return {
            **item_json(item), "question": exchange.question, "before": before, "after": after,
            "verdict": verdict(item, place) if item.after_release == live else "unasked",
        }  # fmt: skip


def verdict(item: Item, place: tuple[str, str]) -> str:
    """ "better": now answered, from the row that was changed; "worse": no longer answered; else "same"."""
    was_good = item.decision in _ANSWERED and Kind.THUMBS_DOWN not in item.kinds and Kind.CORRECTION not in item.kinds
    is_answered = item.after_decision in _ANSWERED
    if was_good:
        return "same" if is_answered else "worse"
    return "better" if is_answered and " · ".join(place) in item.after_row.split("\n") else "same"


def _evidence(decision: Decision) -> list[str]:
    cited = [f"{c.path} · {c.locator}" for sentence in decision.evidence.draft or () for c in sentence.citations]
    passages = [f"{p.chunk.path} · {p.chunk.locator}" for p in decision.evidence.passages]
    return list(dict.fromkeys([*cited, *passages]))[:3]


def _said(exchange: Exchange) -> str:
    return str(exchange.reply.get("text", ""))
