"""The post as the HTTP edge and the command line see it: take in, look after, replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.channels.channel import Channel, ChannelConfig, Letter
from app.channels.ports import ChannelBook, PostOffice
from app.channels.rounds import Rounds
from app.channels.signing import unsigned
from app.channels.take_in import PostWitness
from app.errors import NotFound, XiaoerError


class ChannelPost:
    """All channels of this installation. `rounds` is None for a command, which only looks and orders."""

    def __init__(
        self,
        office: PostOffice,
        book: ChannelBook,
        witness: PostWitness,
        clock: Callable[[], datetime],
        rounds: Rounds | None = None,
    ) -> None:
        self._office = office
        self._book = book
        self._witness = witness
        self._clock = clock
        self._rounds = rounds

    async def take(self, name: str, headers: Mapping[str, str], body: bytes) -> str:
        """Keep what a channel sent, and return at once: "accepted", "duplicate", or "ignored" where there is nothing
        to do. Raises NotAllowed, alike for a wrong signature and for a channel that is not there."""
        channel = self._book.channel(name)
        if channel is None:
            raise unsigned()
        envelope = channel.check(headers, body, self._clock())
        try:
            arrival = channel.read(body)
        except XiaoerError as error:
            self._witness.delivery_worked(name, "refused", error)
            raise
        if arrival is None:
            return "ignored"
        if not await self._office.keep(name, envelope, arrival):
            self._witness.delivery_worked(name, "duplicate")
            return "duplicate"
        if self._rounds:
            self._rounds.wake()
        return "accepted"

    def channel(self, name: str) -> Channel:
        """One of them. Raises NotFound."""
        channel = self._book.channel(name)
        if channel is None:
            raise NotFound(f"There is no channel {name!r}. `xiaoer channels list` shows them.")
        return channel

    async def overview(self, shop: str = "") -> list[dict[str, Any]]:
        """Every channel of the shop ("" = of all), with how its post stands. No secrets."""
        counts = await self._office.counts()
        configs = [self.channel(name).config for name in self._book.names()]
        return [
            _shown(config) | {"post": counts.get(config.name, {})} for config in configs if shop in ("", config.shop)
        ]

    async def letters(self, name: str = "", state: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """The newest letters, without their words."""
        return [letter_json(letter) for letter in await self._office.letters(name, state, limit)]

    async def replay(self, name: str = "", ids: Sequence[str] = ()) -> int:
        """Dead letters are sent again, all of a channel's or those named; how many."""
        many = await self._office.replay(name, ids)
        if many and self._rounds:
            self._rounds.wake()
        return many

    async def drop(self, name: str = "", ids: Sequence[str] = ()) -> int:
        """Throw dead letters away; how many."""
        return await self._office.drop(name, ids)

    async def start(self) -> None:
        """Begin to work the post."""
        if self._rounds:
            await self._rounds.start()

    async def stop(self) -> None:
        """Stop working it; what is not done waits for the next start."""
        if self._rounds:
            await self._rounds.stop()


def letter_json(letter: Letter) -> dict[str, Any]:
    """A letter as operators see it."""
    return {
        "id": letter.id,
        "channel": letter.channel,
        "thread": letter.thread,
        "conversation_id": letter.conversation_id,
        "kind": letter.kind.value,
        "state": letter.state.value,
        "attempts": letter.attempts,
        "problem": letter.problem,
        "created_at": letter.created_at,
        "due_at": letter.due_at,
    }


def _shown(config: ChannelConfig) -> dict[str, Any]:
    told: dict[str, Any] = {"name": config.name, "kind": config.kind, "shop": config.shop, "url": config.url}
    if config.account:
        told |= {"account": config.account, "inboxes": list(config.inboxes)}
    return told | {"has_staff": config.has_staff, "sources": config.sources}
