"""One conversation in memory: its folded state, its writer, and those who follow it live."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.conversation.conversation import Conversation, Received, Status
from app.conversation.events import Draft, Event, EventType
from app.conversation.log import EventLog, Moved
from app.conversation.relay import NoRelay, Relay, topic_of
from app.conversation.standing import Standing
from app.errors import Conflict, NotFound, Unavailable

RECENT_EVENTS = 128
GATHER_SECONDS = 0.02
"""How long an event may wait for others to share its commit with, while nobody waits for it to be durable."""
HEARTBEAT_SECONDS = 15.0
OTHERS_SECONDS = 1.0
"""How far behind another instance a follower of a conversation with a person may be, while nothing tells of it"""
OTHERS_QUIET_SECONDS = 5.0
"""The same where the bot answers: whoever sends a message gets its reply from the instance that took it"""
_ATTEMPTS = 8
_OF_A_TURN = frozenset(
    {EventType.DECIDED, EventType.SENTENCE, EventType.COMPLETED, EventType.FAILED, EventType.YIELDED}
)
Heard: TypeAlias = Callable[[Conversation, Sequence[Event], bool], None]
"""Told what has just happened in a conversation, and whether it was written here (False: by another instance)"""


def _nobody(conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
    del conversation, events, ours


class Overtaken(Conflict):
    """Another instance answers, or has answered, the message that a turn here was about."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that passes and is not kept: a person typing, or (`type` empty) just a sign of life."""

    type: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Follower:
    """Wakes one reader. It never holds events, so a slow reader costs nothing and can miss nothing."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    signs: deque[Sign] = field(default_factory=lambda: deque(maxlen=16))


@dataclass(eq=False)
class TurnRun:
    """One turn that is waiting, running or done: what its followers hold on to."""

    messages: list[Received] = field(default_factory=list)
    decided: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """seq of decision.made, or what went wrong before it"""
    completed: asyncio.Future[dict[str, Any]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """the reply, or what went wrong"""
    watched: bool = False
    """somebody reads it as it is said"""
    deserted: bool = False
    """and has left, and nobody else follows the conversation here"""

    @property
    def message_id(self) -> str:
        """The id the reply carries: that of the last message it answers."""
        return self.messages[-1].message_id

    def held(self, client_message_id: str) -> Received | None:
        """The message it answers that was sent under this id, if any."""
        ours = (m for m in self.messages if client_message_id and m.client_message_id == client_message_id)
        return next(ours, None)

    def fail(self, error: BaseException) -> None:
        """Tell everyone who waits."""
        for future in (self.decided, self.completed):
            if not future.done():
                future.set_exception(error)
                future.exception()  # read once: nobody may be waiting any more


class Session:
    """Serialises what happens in one conversation. All state changes go through `note` and the log."""

    def __init__(self, log: EventLog, conversation_id: str, heard: Heard = _nobody, relay: Relay | None = None) -> None:
        self.conversation = Conversation(conversation_id, "")
        self.lock = asyncio.Lock()
        self.current: TurnRun | None = None
        self.next: TurnRun | None = None
        self.worker: asyncio.Task[None] | None = None
        self._log = log
        self._heard = heard
        self._relay = relay or NoRelay()
        self._stop_hearing: Callable[[], None] | None = None
        self._behind = False
        self._loaded = False
        self._planned = Standing()
        self._queue: list[Draft] = []
        self._writer: asyncio.Task[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._awaited = False
        self._failure: BaseException | None = None
        self._decided: dict[str, int] = {}
        self._hung_up = False
        self._recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self._followers: set[Follower] = set()

    @property
    def busy(self) -> bool:
        """Whether anybody still needs this object."""
        return bool(self._followers or self._queue or self.lock.locked() or (self.worker and not self.worker.done()))

    @property
    def status(self) -> Status:
        """The status once everything noted is written."""
        return self._planned.status

    @property
    def standing(self) -> Standing:
        """The same, with who has the conversation."""
        return self._planned

    @property
    def writes_alone(self) -> bool:
        """Whether nobody else can write this conversation: then an event happens the moment it is noted."""
        return not self._log.shared

    def begin(self, shop: str, started: Event) -> None:
        """A conversation that has just been created need not be read back."""
        self.conversation.shop = shop
        self._loaded = True
        self._take([started], ours=True)

    async def load(self) -> None:
        """Read what the log has and we do not. Raises NotFound."""
        if self._loaded and not self._log.shared:
            return
        if not self._loaded:
            entry = await self._log.entry(self.conversation.id)
            if entry is None:
                raise NotFound("There is no such conversation. Start a new one.")
            self.conversation.shop, self.conversation.erased = entry.shop, entry.erased
        await self._catch_up()
        self._loaded = True

    def note(self, *drafts: Draft) -> None:
        """Queue events; whatever queues up within a moment, or while a commit is under way, shares the next one.

        Raises Conflict when one cannot happen in the present status; then none is queued. Raises what a
        write of the running turn failed with, so that no turn goes on with a hole in its record.
        """
        if self._failure is not None:
            raise self._failure
        standing = self._planned
        for draft in drafts:
            standing = standing.after(draft.type, draft.payload)
        self._planned = standing
        self._queue.extend(drafts)
        self._gather()

    async def drain(self) -> None:
        """Return once everything noted is durable. Raises what kept it from being written."""
        self._awaited = bool(self._queue)
        self._begin_write()
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def record(self, *drafts: Draft) -> None:
        """Note and drain."""
        self.note(*drafts)
        await self.drain()

    def recover(self) -> None:
        """The running turn has been given up: events may be noted again."""
        self._failure = None

    async def forget(self) -> None:
        """Drop every word that is still in memory, once the log has erased them."""
        self._recent.clear()
        await self._catch_up()
        self._recent.clear()

    def signal(self, sign: Sign) -> None:
        """Show a passing sign to those who follow right now, on this server."""
        for follower in self._followers:
            follower.signs.append(sign)
            follower.wake.set()

    def broadcast(self, sign: Sign) -> None:
        """The same, on every server."""
        self.signal(sign)
        self._relay.tell(topic_of(self.conversation.id), {"sign": sign.type, "payload": sign.payload})

    def _told(self, what: Mapping[str, Any]) -> None:
        """Another instance wrote to the conversation, or shows a sign; with nothing said: look, just in case."""
        if sign := what.get("sign"):
            self.signal(Sign(str(sign), dict(what.get("payload") or {})))
        elif not what or int(what.get("seq", 0)) > self.conversation.seq:
            self._behind = True
            for follower in self._followers:
                follower.wake.set()

    def _enter(self, follower: Follower) -> None:
        self._followers.add(follower)
        if self.current is not None:
            self.current.deserted = False
        if self._stop_hearing is None and self._log.shared:
            self._stop_hearing = self._relay.follow(topic_of(self.conversation.id), self._told)

    def _leave(self, follower: Follower) -> None:
        self._followers.discard(follower)
        if not self._followers and self.current is not None:
            self.current.deserted = self.current.watched
        if not self._followers and self._stop_hearing is not None:
            self._stop_hearing()
            self._stop_hearing = None

    def hang_up(self) -> None:
        """End what follows for ever, so that the server can stop; replies on their way go on."""
        self._hung_up = True
        self.signal(Sign())

    async def follow(
        self, after: int, heartbeat_seconds: float = HEARTBEAT_SECONDS, *, for_ever: bool = False
    ) -> AsyncGenerator[Event | Sign, None]:
        """Every event with seq > after, once and in order; signs in between. `for_ever` is until the server stops."""
        async with aclosing(self.follow_together(after, heartbeat_seconds, for_ever=for_ever)) as groups:
            async for group in groups:
                for happened in group:
                    yield happened

    async def follow_together(
        self, after: int, heartbeat_seconds: float = HEARTBEAT_SECONDS, *, for_ever: bool = False
    ) -> AsyncGenerator[list[Event | Sign], None]:
        """The same, those that came together in one list."""
        follower = Follower()
        self._enter(follower)
        try:
            while True:
                follower.wake.clear()
                if self._behind:
                    self._behind = False
                    await self._catch_up()
                group: list[Event | Sign] = list(await self._since(after))
                if group:
                    after = group[-1].seq  # type: ignore[union-attr]  # no signs yet
                group.extend(follower.signs)
                follower.signs.clear()
                if group:
                    yield group
                if for_ever and self._hung_up:
                    return
                if follower.wake.is_set():
                    continue
                if not await self._woken(follower, after, heartbeat_seconds):
                    yield [Sign()]
        finally:
            self._leave(follower)

    async def _woken(self, follower: Follower, after: int, heartbeat_seconds: float) -> bool:
        """Whether something happened before the next sign of life is due.

        Where other instances write too and nothing tells of it, the conversation is looked at every moment: an agent,
        or the shopper's other tab, may be on another instance.
        """
        left = heartbeat_seconds
        while left > 0:
            wait = min(left, self._looks_every_seconds(heartbeat_seconds))
            try:
                async with asyncio.timeout(wait):
                    await follower.wake.wait()
                return True
            except TimeoutError:
                left -= wait
            if self._log.shared:
                await self._catch_up()
                if self.conversation.seq > after:
                    return True
        return False

    def _looks_every_seconds(self, heartbeat_seconds: float) -> float:
        if not self._log.shared or self._relay.alive or self.status is Status.CLOSED:
            return heartbeat_seconds
        return OTHERS_SECONDS if self.status in (Status.WAITING, Status.WITH_AGENT) else OTHERS_QUIET_SECONDS

    async def look_again(self, most_seconds: float) -> None:
        """Return once something has happened, or after so long, with all that others wrote."""
        follower = Follower()
        self._enter(follower)
        try:
            async with asyncio.timeout(most_seconds):
                await follower.wake.wait()
        except TimeoutError:
            pass
        finally:
            self._leave(follower)
        await self.load()

    async def _since(self, after: int) -> list[Event]:
        if after >= self.conversation.seq:
            return []
        if self._recent and self._recent[0].seq <= after + 1:
            return [event for event in self._recent if event.seq > after]
        return await self._log.read(self.conversation.id, after)

    def _gather(self) -> None:
        if self._gathering is None and (self._writer is None or self._writer.done()):
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin_write)

    def _begin_write(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._queue and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())
            self._writer.add_done_callback(self._written)

    def _written(self, writer: asyncio.Task[None]) -> None:
        _ = writer.cancelled() or writer.exception()  # read once: nobody may be waiting
        if self._queue:
            self._gather()

    async def _write(self) -> None:
        """Write what is queued; what queues up meanwhile too if somebody waits for it, else it gathers again."""
        more = True
        while more:
            group, self._queue = self._queue, []
            try:
                written = await self._append(group)
            except BaseException as error:
                self._queue.clear()
                self._planned = self.conversation.standing
                self._awaited = False
                self._failure = error if self.current or self.next else None
                raise
            self._take(written, ours=True)
            self._decided |= {e.payload["message_id"]: e.seq for e in written if e.type is EventType.DECIDED}
            if written:
                self._relay.tell(topic_of(self.conversation.id), {"seq": written[-1].seq})
            more = self._awaited = self._awaited and bool(self._queue)

    async def _append(self, group: list[Draft]) -> list[Event]:
        """Write a group. Where another instance wrote first, it is judged again after what that wrote: a person may
        have taken the conversation, and then the bot's words are not written. Raises Conflict for those."""
        conversation = self.conversation
        for _ in range(_ATTEMPTS):
            try:
                return await self._log.append(conversation.id, group, self._planned.status.value, conversation.seq)
            except Moved:
                self._take(await self._log.read(conversation.id, conversation.seq))
                if not (group := [draft for draft in group if not self._stands_there(draft)]):
                    return []
                standing = conversation.standing
                for draft in (*group, *self._queue):
                    standing = standing.after(draft.type, draft.payload)
                self._planned = standing
        raise Unavailable("The conversation is being written from too many places. Nothing was lost; try again.")

    def _stands_there(self, draft: Draft) -> bool:
        """Whether another instance wrote the same message. Raises Overtaken where one has answered our turn."""
        payload, conversation = draft.payload, self.conversation
        if draft.type is EventType.RECEIVED:
            return conversation.known(str(payload.get("client_message_id") or "")) is not None
        if draft.type in _OF_A_TURN:
            message_id = payload["message_id"]
            newer = conversation.turns.get(message_id, 0) > self._decided.get(message_id, 0)
            if message_id in conversation.replies or newer:
                raise Overtaken("Another instance has answered this message. Nothing was said twice.")
        return False

    async def _catch_up(self) -> None:
        self._take(await self._log.read(self.conversation.id, self.conversation.seq))
        if not self._queue and (self._writer is None or self._writer.done()):
            self._planned = self.conversation.standing

    def _take(self, events: list[Event], *, ours: bool = False) -> None:
        fresh = [event for event in events if event.seq > self.conversation.seq]
        if fresh:
            self.conversation.apply_all(fresh)
            self._recent.extend(fresh)
            for follower in self._followers:
                follower.wake.set()
        # What we wrote is told once, here, also when it was read back before its writer got to this line.
        if (told := events if ours else fresh) and self._loaded:
            self._heard(self.conversation, told, ours)


def is_of_turn(event: Event, message_id: str) -> bool:
    """Whether an event belongs to the reply of that turn."""
    return event.type in _OF_A_TURN and event.payload.get("message_id") == message_id
