"""What editors do with the queue: look, and settle each item in one step that can be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.errors import BadInput, Conflict, NotFound
from app.knowledge.editor import Editing, Reply
from app.review.covered import Coverage
from app.review.exchange import Exchange
from app.review.item import Item, Outcome, ReviewQueue, SampleBook, Settled, Wanted
from app.review.mask import Masker
from app.review.reader import Reader
from app.review.sample import sample_of
from app.review.tidy import tidy_answer, tidy_question

CANDIDATES = 4
MOST_AT_ONCE = 500


class Reviewer:
    """The queue of all shops."""

    def __init__(
        self,
        queue: ReviewQueue,
        reader: Reader,
        editing: Callable[[], Awaitable[Editing]],
        samples: SampleBook,
        coverage: Coverage,
        clock: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._reader = reader
        self._editing = editing
        self._samples = samples
        self._coverage = coverage
        self._clock = clock

    async def find(self, shop: str, wanted: Wanted, offset: int, limit: int) -> Reply:
        """Items with the shopper's words, newest first, and how many there are of each kind."""
        items, total = await self._queue.find(shop, wanted, offset, limit)
        told = [{**item_json(item), **_words(await self._reader.exchange(item))} for item in items]
        counts = {**await self._queue.counts(shop), "samples": await self._samples.count(shop)}
        return {"shop": shop, "counts": counts, "total": total, "offset": offset, "items": told}

    async def item(self, shop: str, id_: int) -> Reply:
        """One item in full: what was said, the rows it may be about, what each step would write. Raises NotFound."""
        item = await self._queue.item(shop, id_)
        exchange = await self._reader.exchange(item)
        masker = await self._reader.masker(shop)
        return {
            **item_json(item),
            **_words(exchange),
            "before": [{"role": role, "text": text} for role, text in exchange.before],
            "drafted": str(exchange.drafted.get("text", "")),
            "citations": list(exchange.reply.get("citations", ())),
            "rows": await self._candidates(shop, exchange),
            "suggested": _suggested(exchange, masker),
        }

    async def settle(self, shop: str, id_: int, action: str, sent: Mapping[str, Any], author: str) -> Reply:
        """One step: `edit` or `phrasing` of a row, a new `row`, a `sample`, or `correct`.

        Raises BadInput, NotFound, OutdatedEdit, or Conflict for an item that is done; then nothing was changed.
        """
        item = await self._queue.item(shop, id_)
        if item.state == "done":
            raise Conflict("This was dealt with already. Nothing was changed; load the list again, or undo it.")
        row, batch, sample = "", "", ""
        if action == Outcome.SAMPLE:
            sample = await self._sample(shop, item, sent)
        elif action != Outcome.CORRECT:
            row, batch = await self._written(shop, action, sent, author)
        settled = Settled(action, author, self._now(), batch, row, sample)
        return {"items": [item_json(found) for found in await self._settle(shop, [id_], settled, author)]}

    async def correct(self, shop: str, ids: Sequence[int], author: str) -> Reply:
        """Many at once were right as they were, or teach nothing. All or none."""
        if not 0 < len(ids) <= MOST_AT_ONCE:
            raise BadInput(
                f"1 to {MOST_AT_ONCE} items can be settled at once; there are {len(ids)}. Nothing was changed."
            )
        settled = Settled(Outcome.CORRECT, author, self._now())
        return {"items": [item_json(item) for item in await self._queue.settle(shop, ids, settled)]}

    async def approve(
        self, shop: str, ids: Sequence[int], fields: Mapping[str, Any], into: tuple[str, str] | None, author: str
    ) -> Reply:
        """A drafted row, as the editor left it, becomes a row; or with `into` (key, version) its questions become
        phrasings of a row that is there. The items it was made of are settled with it, and undone with it."""
        items = [await self._queue.item(shop, id_) for id_ in ids]
        if done := [item for item in items if item.state == "done"]:
            raise Conflict(
                f"{len(done)} of these were dealt with meanwhile. Nothing was changed; load the drafts again."
            )
        sent: dict[str, Any]
        if into is None:
            action, sent = Outcome.ROW, {"fields": dict(fields)}
        else:
            asked = [str(fields.get("question", "")), *map(str, fields.get("phrasings", ()))]
            action, sent = Outcome.PHRASING, {"key": into[0], "version": into[1], "phrasings": asked}
        row, batch = await self._written(shop, action, sent, author)
        settled = Settled(action, author, self._now(), batch, row)
        return {"items": [item_json(i) for i in await self._settle(shop, ids, settled, author)], "key": row}

    async def undo(self, shop: str, id_: int, author: str) -> Reply:
        """Take a step back: the edit is undone, the sample goes, and every item it settled is open again."""
        item = await self._queue.item(shop, id_)
        if item.state == "open":
            raise Conflict("Nobody has dealt with this yet, so there is nothing to undo. Nothing was changed.")
        same, _ = await self._queue.find(shop, Wanted(batch=item.batch, every=True), 0, MOST_AT_ONCE)
        if item.batch:
            await self._take_back(shop, item.batch, author)
        if item.sample:
            await self._samples.drop(shop, item.sample)
        ids = [other.id for other in same] if item.batch else [id_]
        await self._queue.reopen(shop, ids)
        return {"items": [item_json(await self._queue.item(shop, each)) for each in ids]}

    async def _settle(self, shop: str, ids: Sequence[int], settled: Settled, author: str) -> Sequence[Item]:
        """Settle; where somebody was faster, what was written is taken back."""
        try:
            return await self._queue.settle(shop, ids, settled)
        except (Conflict, NotFound):
            if settled.batch:
                await self._take_back(shop, settled.batch, author)
            if settled.sample:
                await self._samples.drop(shop, settled.sample)
            raise

    async def _take_back(self, shop: str, batch: str, author: str) -> None:
        try:
            await (await self._editing()).rows.undo(shop, [], batch, author)
        except NotFound:
            return  # an editor has undone it in the knowledge page already

    async def _written(self, shop: str, action: str, sent: Mapping[str, Any], author: str) -> tuple[str, str]:
        """Write to the editors' layer; returns the row and the batch ("" when the row said so already)."""
        rows = (await self._editing()).rows
        if action == Outcome.ROW:
            made = await rows.add(shop, sent.get("fields") or {}, author)
            return str(made["key"]), str(made["edits"][0]["batch"])
        if action not in (Outcome.EDIT, Outcome.PHRASING):
            named = ", ".join(outcome.value for outcome in Outcome)
            raise BadInput(f"{action!r} is no step: take one of {named}. Nothing was changed.")
        key, version = str(sent.get("key", "")), str(sent.get("version", ""))
        before = await rows.chunk(shop, key)
        fields = sent.get("fields") or {}
        if action == Outcome.PHRASING:
            fields = {"phrasings": _with_phrasings(before, sent)}
        after = await rows.change(shop, key, version, fields, author)
        newest = _newest_edit(after)
        return key, "" if newest == _newest_edit(before) else str(newest.get("batch", ""))

    async def _sample(self, shop: str, item: Item, sent: Mapping[str, Any]) -> str:
        masker = await self._reader.masker(shop)
        sample = sample_of(item, await self._reader.exchange(item), sent, masker)
        await self._samples.add(shop, sample)
        return str(sample["id"])

    async def _candidates(self, shop: str, exchange: Exchange) -> list[Reply]:
        """The rows that the bot had in hand, then those it would find today, as the editors' layer knows them."""
        passages = [*exchange.decided.get("passages", ()), *exchange.drafted.get("passages", ())]
        places = list(dict.fromkeys((str(p.get("path", "")), str(p.get("locator", ""))) for p in passages))
        rows = (await self._editing()).rows
        found = []
        for path, locator in places[:CANDIDATES]:
            about = locator.rpartition(" | ")[2]
            listed = await rows.chunks(shop, {"path": path, "q": about.replace(" > ", " ")}, 0, 20)
            found += [row for row in listed["chunks"] if row["locator"] == locator][:1]
        for row in await self._coverage.near(shop, exchange.question, rows) if exchange.question else ():
            if all(row["key"] != known["key"] for known in found):
                found.append(row)
        return found[: CANDIDATES + 2]

    def _now(self) -> str:
        return self._clock().isoformat(timespec="microseconds")


def item_json(item: Item) -> Reply:
    """An item without words."""
    return {
        "id": item.id,
        "conversation_id": item.conversation_id,
        "kinds": list(item.kinds),
        "reason": item.reason,
        "decision": item.decision,
        "confidence": round(item.confidence, 4),
        "language": item.language,
        "release": item.release,
        "at": item.at,
        "state": item.state,
        "outcome": item.outcome,
        "done_by": item.done_by,
        "done_at": item.done_at,
        "row": item.row,
    }


def _words(exchange: Exchange) -> Reply:
    reply = exchange.reply
    return {
        "question": exchange.question,
        "reply": str(reply.get("text", "")),
        "answers": exchange.answers,
        "agent": exchange.agent,
        "comment": exchange.comment,
    }


def _suggested(exchange: Exchange, masker: Masker) -> Reply:
    """What each step would write, without anything personal: the editor sees it before it is kept."""
    question = tidy_question(masker.mask(exchange.question))
    answers = [told for text in exchange.answers if (told := tidy_answer(masker.mask(text)))]
    return {"question": question, "answer": "\n".join(answers), "masked": question != tidy_question(exchange.question)}


def _newest_edit(row: Mapping[str, Any]) -> Mapping[str, Any]:
    edits: Sequence[Mapping[str, Any]] = row["edits"]
    return edits[0] if edits else {}


def _with_phrasings(row: Mapping[str, Any], sent: Mapping[str, Any]) -> list[str]:
    if row["kind"] != "faq":
        raise BadInput("Only a question can be asked in other words; this row is none. Nothing was changed; edit it.")
    asked = [str(text).strip() for text in (sent.get("phrasings") or [sent.get("phrasing", "")])]
    if not any(asked):
        raise BadInput("The phrasing is empty. Nothing was changed.")
    have = [*row["fields"]["phrasings"]]
    known = {row["fields"]["question"], *have}
    return [*have, *dict.fromkeys(text for text in asked if text and text not in known)]
