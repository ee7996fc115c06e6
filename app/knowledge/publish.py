"""Moves a shop's pointer: read the release back from the index, try it, then one move in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from app.errors import Conflict, HeldBack, Unavailable, no_such_shop
from app.knowledge.inspection import Inspection, ReleaseGate, judged
from app.knowledge.ports import KnowledgeIndex
from app.knowledge.release import PointerMove, Release, ReleaseState

Trial: TypeAlias = Callable[[str, int], Awaitable[object]]
"""Answers something from a release that is not live yet; raises what a shopper's question would raise."""


class Pointed(Protocol):
    """What of a catalogue a publish needs."""

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""

    async def point_count(self, shop: str, release: int) -> int:
        """How many index points the release must have."""

    async def moves(self, shop: str) -> list[PointerMove]:
        """Every publish and rollback of the shop, newest first."""

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "") -> Release:
        """Move the pointer. Raises NotFound or Conflict; the pointer then stays."""

    async def inspection(self, shop: str, number: int) -> Inspection | None:
        """What is known of that release; None when nobody looked at it."""

    async def save_inspection(self, shop: str, inspection: Inspection) -> None:
        """Keep what the checks and the suite said of a release."""


class Publisher:
    """Publishes and rolls back. Whatever goes wrong before the move, the live release stays.

    `trial` is asked for the release before it goes live. It finds what reading counts back can't, and what it had to
    load is loaded when the first shopper asks. `gate` runs the shop's suite on a release that was never live.
    """

    def __init__(
        self,
        catalogue: Pointed,
        index: KnowledgeIndex,
        trial: Trial | None = None,
        gate: ReleaseGate | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._trial = trial
        self._gate = gate

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "", force: str = "") -> int:
        """Make that built release live. `force` is why, when the checks or the suite object.

        Raises NotFound, Conflict, HeldBack or Unavailable, and then nothing has moved.
        """
        releases = {r.number: r for r in await self._catalogue.releases(shop)}
        release = releases.get(number)
        if release and release.state is ReleaseState.BUILT:
            await self.read_back(shop, number)
            if self._trial is not None:
                await self._trial(shop, number)
            if release.published_at is None:
                live = next((r.number for r in releases.values() if r.live), None)
                await self._let_pass(shop, number, live, force)
        return (await self._catalogue.publish(shop, number, by=by, reason=reason or force)).number

    async def _let_pass(self, shop: str, number: int, live: int | None, force: str) -> None:
        """Ask the checks and the suite. Raises HeldBack when one of them objects and nobody forces it."""
        known = await self._catalogue.inspection(shop, number)
        found = known or Inspection(number, live, datetime.now(UTC))
        found = await judged(self._gate, shop, found, live, force)
        if known or found.suite:
            await self._catalogue.save_inspection(shop, found)
        if found.reasons and not force:
            raise HeldBack(shop, number, [reason.en for reason in found.reasons])

    async def rollback(self, shop: str, number: int | None = None, *, by: str = "", reason: str = "") -> int:
        """Go back to that release, or to the one that was live before. A release nobody published is never chosen.

        Raises what `publish` raises, and NotFound for an unknown shop.
        """
        if number is None:
            number = await self._live_before(shop)
        return await self.publish(shop, number, by=by, reason=reason)

    async def read_back(self, shop: str, number: int) -> int:
        """Make sure that the index holds the release in full; returns its points. Raises Unavailable."""
        expected = await self._catalogue.point_count(shop, number)
        found = await self._index.count(shop, number)
        if found != expected:
            raise Unavailable(
                f"The index holds {found} points of release {number} of {shop} where {expected} belong. Nothing was "
                f"moved and the live release stays; run `xiaoer reindex --shop {shop}`, then publish again."
            )
        return found

    async def _live_before(self, shop: str) -> int:
        """What was live before the live release first was: going back twice goes back two steps, not to and fro."""
        releases = await self._catalogue.releases(shop)
        if not releases:
            raise no_such_shop(shop)
        live = next((r.number for r in releases if r.live), None)
        there = {r.number for r in releases if r.state is ReleaseState.BUILT and not r.live}
        steps: list[int] = []
        for move in reversed(await self._catalogue.moves(shop)):
            for number in (move.from_release, move.to_release):
                if number is not None:
                    steps = [*steps[: steps.index(number)], number] if number in steps else [*steps, number]
        if before := [number for number in steps if number in there and number != live]:
            return before[-1]
        # A shop whose pointer moved before moves were written down.
        published = [] if steps else [r for r in releases if r.number in there and r.published_at is not None]
        if not published:
            raise Conflict(f"{shop} has no release that was live before. Nothing was moved.")
        return max(published, key=lambda r: r.published_at or r.created_at).number
