"""Whether the shop's knowledge says already what a draft would add: then its questions are phrasings of that row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from app.chat.turn import Turn
from app.conversation.ports import Brands
from app.errors import XiaoerError
from app.knowledge.editor import Reply, RowEditor
from app.knowledge.tokenize import words
from app.review.draft import Drafted
from app.review.group import share_told
from app.review.reader import LiveKnowledge

SAYS_IT = 0.6
"""Share of a draft's words, figures counting double, that a row has which says the same."""
SHORT = 5
"""An answer of fewer words stands in many rows by chance: there the row has to be about the question, too."""
ABOUT = 0.5
REMEMBERED = 500
LOOKED_AT = 6


class Searcher(Protocol):
    """The hit test: the same path as a turn, up to the decision."""

    async def search(self, turn: Turn) -> Mapping[str, Any]:
        """Plain JSON with `hits`, best first."""


class Coverage:
    """Looks drafts up in what is live, and in what editors have drafted."""

    def __init__(self, searcher: Searcher, knowledge: LiveKnowledge, brands: Brands) -> None:
        self._searcher = searcher
        self._knowledge = knowledge
        self._brands = brands
        self._found: OrderedDict[tuple[str, int, str], list[Mapping[str, Any]]] = OrderedDict()

    async def near(self, shop: str, question: str, rows: RowEditor) -> list[Reply]:
        """The rows that the live release finds for a question, best first."""
        found = [await _row_of(shop, hit, rows) for hit in await self._hits(shop, question)]
        return [row for row in found if row is not None]

    async def row_that_says(self, shop: str, draft: Drafted, rows: RowEditor) -> Reply | None:
        """The row as the editors' layer knows it, with `share`; None where the draft is new."""
        best: tuple[float, Reply] | None = None
        pending = (await rows.chunks(shop, {"state": "pending", "kind": "faq"}, 0, 200))["chunks"]
        for row in pending:
            share = _share(draft, f"{row['title']} {row['text']}")
            if share >= SAYS_IT and (best is None or share > best[0]):
                best = (share, row)
        for hit in await self._hits(shop, draft.question):
            share = _share(draft, f"{hit['title']} {hit['text']}")
            if share >= SAYS_IT and (best is None or share > best[0]) and (row := await _row_of(shop, hit, rows)):
                best = (share, row)
        return {**best[1], "share": round(best[0], 3)} if best else None

    async def _hits(self, shop: str, question: str) -> list[Mapping[str, Any]]:
        release = await self._knowledge.live_release(shop)
        if release is None:
            return []
        key = (shop, release, question)
        if key not in self._found:
            turn = Turn(shop, self._brands(shop), release, datetime.now(UTC), question)
            try:
                self._found[key] = list((await self._searcher.search(turn))["hits"])[:LOOKED_AT]
            except XiaoerError:
                return []  # the index is away: the draft is shown as new, and whoever approves it sees the row list
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return self._found[key]


def _share(draft: Drafted, row: str) -> float:
    """Which share of a draft's answer a row says; 0 where that may be chance."""
    if len(set(words(draft.answer))) < SHORT and share_told(draft.question, row) < ABOUT:
        return 0.0
    return share_told(draft.answer, row)


async def _row_of(shop: str, hit: Mapping[str, Any], rows: RowEditor) -> Reply | None:
    about = str(hit["locator"]).rpartition(" | ")[2].replace(" > ", " ")
    listed = await rows.chunks(shop, {"path": str(hit["path"]), "q": about}, 0, 20)
    return next((dict(row) for row in listed["chunks"] if row["locator"] == hit["locator"]), None)
