"""The desk in SQL: its board, its people, its canned replies and modes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.desk_tables import canned, cases, modes, notices, people
from app.adapters.db.engine import Database
from app.adapters.db.upsert import APART_SECONDS
from app.conversation.board import PRESENT_SECONDS, CannedReply, Case, Notice, Person, Wanted
from app.conversation.modes import Floor, ModeRules, rules_json, rules_of
from app.conversation.standing import Status
from app.errors import NotFound

_WAITING, _HELD = Status.WAITING.value, Status.WITH_AGENT.value
_KEPT_NOTICES = 20_000


class SqlDesk:
    """`Board` and `Roster` on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    @property
    def shared(self) -> bool:
        """Whether other instances write to it too."""
        return self._database.shared

    async def floor(self, shop: str) -> Floor:
        """The queue and the people, now."""
        return await self._database.run(lambda connection: self._floor(connection, shop))

    async def waiting(self, shop: str) -> list[Case]:
        """The queue, most urgent first."""
        found = await self._cases(cases.c.status == _WAITING, *_of(shop))
        now = self._clock()
        return sorted(found, key=lambda case: (-case.urgency(now), case.queued_at))

    async def held(self, shop: str = "", agent: str = "") -> list[Case]:
        """What people have, or what one person has."""
        mine = (cases.c.agent == agent,) if agent else ()
        return await self._cases(cases.c.status == _HELD, *_of(shop), *mine)

    async def case(self, conversation_id: str) -> Case | None:
        """One of them."""
        found = await self._cases(cases.c.conversation_id == conversation_id)
        return found[0] if found else None

    async def find(self, shop: str, wanted: Wanted) -> list[Case]:
        """Past and present conversations, newest first."""
        return await self._database.run(lambda connection: _found(connection, shop, wanted))

    async def of_same_shopper(self, conversation_id: str) -> list[Case]:
        """Other conversations of a shopper whom the storefront vouched for."""
        of = cases.alias()
        same = and_(of.c.conversation_id == conversation_id, of.c.shop == cases.c.shop, of.c.shopper == cases.c.shopper)
        query = (
            select(cases)
            .join(of, same)
            .where(cases.c.shopper != "", cases.c.conversation_id != conversation_id)
            .order_by(cases.c.updated_at.desc())
            .limit(20)
        )
        return await self._database.run(lambda connection: [_case(row) for row in connection.execute(query)])

    async def announce(self, shop: str, type_: str, agent: str = "", about: dict[str, str] | None = None) -> None:
        """Put a notice up that is about no conversation."""
        at = _text(self._clock())
        row = {"shop": shop, "type": type_, "agent": agent, "at": at, "about": orjson.dumps(about or {}).decode()}
        await self._database.run(lambda connection: connection.execute(insert(notices), row))

    async def notices(self, after: int, limit: int = 200) -> list[Notice]:
        """Those with a larger id, in order."""
        query = select(notices).where(notices.c.id > after).order_by(notices.c.id).limit(limit)
        return await self._database.run(lambda connection: [_notice(row) for row in connection.execute(query)])

    async def last_notice(self) -> int:
        """The id of the newest; those too old to be asked for are thrown away."""

        def last(connection: Connection) -> int:
            newest = int(connection.execute(select(func.max(notices.c.id))).scalar() or 0)
            connection.execute(delete(notices).where(notices.c.id <= newest - _KEPT_NOTICES))
            return newest

        return await self._database.run(last)

    async def see(self, person: Person, now: datetime) -> Person:
        """They are here: first sight creates them, later ones keep what they have chosen."""
        return await self._database.run(lambda connection: _seen(connection, person, now))

    async def choose(self, person: Person) -> None:
        """Another status, capacity, languages or skills."""
        values = {
            "status": person.status,
            "capacity": person.capacity,
            "languages": ",".join(person.languages),
            "skills": ",".join(person.skills),
        }
        query = update(people).where(people.c.agent == person.agent).values(**values)
        await self._database.run(lambda connection: connection.execute(query))

    async def people(self, shop: str = "") -> list[Person]:
        """Everybody who was seen lately, with how many conversations they have."""
        return await self._database.run(lambda connection: self._people(connection, shop))

    async def person(self, agent: str) -> Person | None:
        """One of them, however long ago."""

        def find(connection: Connection) -> Person | None:
            row = connection.execute(select(people).where(people.c.agent == agent)).first()
            return _person(row, _loads(connection).get(agent, 0)) if row else None

        return await self._database.run(find)

    async def vanished(self, now: datetime) -> list[Case]:
        """What is held by people who were not seen for too long. Programs that hold by the API key never vanish."""
        gone = or_(~self._present(now), people.c.status == "offline")
        query = select(cases).join(people, people.c.agent == cases.c.agent).where(cases.c.status == _HELD, gone)
        return await self._database.run(lambda connection: [_case(row) for row in connection.execute(query)])

    async def _cases(self, *conditions: ColumnElement[bool]) -> list[Case]:
        query = select(cases).where(*conditions).order_by(cases.c.queued_at).limit(1_000)
        return await self._database.run(lambda connection: [_case(row) for row in connection.execute(query)])

    def _floor(self, connection: Connection, shop: str) -> Floor:
        query = (
            select(cases.c.status, func.count())
            .where(cases.c.status.in_((_WAITING, _HELD)), *_of(shop), cases.c.offline.is_(False))
            .group_by(cases.c.status)
        )
        counted: dict[str, int] = {row[0]: int(row[1]) for row in connection.execute(query)}
        here = [person for person in self._people(connection, shop) if person.status == "online"]
        free = sum(max(0, person.capacity - person.holds) for person in here)
        return Floor(counted.get(_WAITING, 0), len(here), free, counted.get(_HELD, 0))

    def _people(self, connection: Connection, shop: str) -> list[Person]:
        query = select(people).where(self._present(self._clock()), people.c.status != "offline")
        if shop:
            query = query.where(people.c.shop.in_(("", shop)))
        loads = _loads(connection)
        return [_person(row, loads.get(row.agent, 0)) for row in connection.execute(query.order_by(people.c.name))]

    @staticmethod
    def _present(now: datetime) -> ColumnElement[bool]:
        """Seen lately: by a clock that was put back since, somebody may have been seen in what is now the future."""
        earliest, latest = now - timedelta(seconds=PRESENT_SECONDS), now + timedelta(seconds=APART_SECONDS)
        return people.c.seen_at.between(_text(earliest), _text(latest))


class SqlCannedReplies:
    """`CannedReplies` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, shop: str) -> Sequence[CannedReply]:
        """The shop's, by shortcut."""
        query = select(canned).where(canned.c.shop == shop).order_by(canned.c.shortcut)
        return await self._database.run(
            lambda connection: [CannedReply(**row._mapping) for row in connection.execute(query)]
        )

    async def put(self, reply: CannedReply) -> None:
        """Add one, or replace the one of that id. Raises NotFound when that is another shop's."""
        row = {name: getattr(reply, name) for name in CannedReply.__dataclass_fields__}

        def put(connection: Connection) -> None:
            theirs = select(canned.c.shop).where(canned.c.id == reply.id)
            if (connection.execute(theirs).scalar() or reply.shop) != reply.shop:
                raise NotFound("There is no such canned reply. Nothing was changed.")
            connection.execute(delete(canned).where(canned.c.id == reply.id))
            connection.execute(insert(canned), row)

        await self._database.run(put)

    async def drop(self, shop: str, id_: str) -> None:
        """Take one away. Raises NotFound."""
        query = delete(canned).where(canned.c.id == id_, canned.c.shop == shop)
        if not (await self._database.run(lambda connection: connection.execute(query).rowcount)):
            raise NotFound("There is no such canned reply. Nothing was changed.")


class SqlModes:
    """`Modes` in SQL. Read once, then from memory; where other instances may change them, again every second."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._fresh_seconds = 1.0 if database.shared else math.inf
        self._kept: dict[str, tuple[float, ModeRules]] = {}

    async def of(self, shop: str) -> ModeRules:
        """The shop's mode; full auto where nobody has chosen."""
        kept = self._kept.get(shop)
        if kept is not None and self._clock() - kept[0] < self._fresh_seconds:
            return kept[1]
        query = select(modes).where(modes.c.shop == shop)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        rules = rules_of(orjson.loads(row.rules), row.changed_by, row.changed_at) if row else ModeRules()
        self._kept[shop] = (self._clock(), rules)
        return rules

    async def choose(self, shop: str, rules: ModeRules) -> None:
        """Keep another one. It counts from the next message on."""
        told = orjson.dumps(rules_json(rules)).decode()
        row = {"shop": shop, "rules": told, "changed_by": rules.changed_by, "changed_at": rules.changed_at}

        def put(connection: Connection) -> None:
            connection.execute(delete(modes).where(modes.c.shop == shop))
            connection.execute(insert(modes), row)

        await self._database.run(put)
        self._kept[shop] = (self._clock(), rules)


def _found(connection: Connection, shop: str, wanted: Wanted) -> list[Case]:
    joined = conversations.outerjoin(cases, cases.c.conversation_id == conversations.c.id)
    query = (
        select(conversations.c.id, conversations.c.shop.label("in_shop"), conversations.c.status.label("now"), cases)
        .add_columns(conversations.c.updated_at.label("touched"))
        .select_from(joined)
        .where(conversations.c.data_key.is_not(None))
        .order_by(conversations.c.updated_at.desc())
        .limit(wanted.limit)
    )
    if shop:
        query = query.where(conversations.c.shop == shop)
    for column, value in ((conversations.c.status, wanted.status), (cases.c.agent, wanted.agent),
                          (cases.c.reason, wanted.reason), (cases.c.outcome, wanted.outcome)):  # fmt: skip
        if value:
            query = query.where(column == value)
    if wanted.tag:
        query = query.where(("\n" + cases.c.tags + "\n").contains(f"\n{wanted.tag}\n", autoescape=True))
    if wanted.since:
        query = query.where(conversations.c.updated_at >= wanted.since)
    if wanted.until:
        query = query.where(conversations.c.updated_at <= wanted.until)
    return [_either(row) for row in connection.execute(query)]


def _either(row: Row[Any]) -> Case:
    """The case, or what the conversation's own row says where nobody was called."""
    if row.conversation_id is None:
        return Case(row.id, row.in_shop, row.now, updated_at=row.touched)
    case = _case(row)
    return Case(
        **{**{n: getattr(case, n) for n in Case.__dataclass_fields__}, "status": row.now, "updated_at": row.touched}
    )


def _seen(connection: Connection, person: Person, now: datetime) -> Person:
    row = connection.execute(select(people).where(people.c.agent == person.agent)).first()
    named = {"name": person.name, "shop": person.shop, "role": person.role, "seen_at": _text(now)}
    if row is None:
        first = {"agent": person.agent, "status": person.status, "capacity": person.capacity}
        connection.execute(insert(people), first | named | {"languages": "", "skills": ""})
    else:
        connection.execute(update(people).where(people.c.agent == person.agent).values(**named))
    kept = connection.execute(select(people).where(people.c.agent == person.agent)).one()
    return _person(kept, _loads(connection).get(person.agent, 0))


def _of(shop: str) -> tuple[ColumnElement[bool], ...]:
    return (cases.c.shop == shop,) if shop else ()


def _loads(connection: Connection) -> dict[str, int]:
    held = select(cases.c.agent, func.count()).where(cases.c.status == _HELD).group_by(cases.c.agent)
    return {row[0]: int(row[1]) for row in connection.execute(held)}


def _case(row: Row[Any]) -> Case:
    said = row._mapping
    values = {name: said[name] for name in Case.__dataclass_fields__ if name != "tags"}
    return Case(**values, tags=tuple(tag for tag in said["tags"].split("\n") if tag))


def _person(row: Row[Any], holds: int) -> Person:
    return Person(
        row.agent, row.name, row.shop, row.role, row.status, row.capacity, _listed(row.languages),
        _listed(row.skills), row.seen_at, holds,
    )  # fmt: skip


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.shop, row.type, row.conversation_id, row.agent, row.at, orjson.loads(row.about))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
