"""A container with the real edge, conversations and event log around a fake attendant, for tests of the HTTP edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.adapters.db.engine import Database
from app.adapters.db.migrate import upgrade
from app.adapters.db.staff import SqlStaffBook
from app.api.auth import Tokens
from app.api.container import Container, Part
from app.api.limits import USUAL
from app.channel_parts import make_mailroom
from app.conversation.answer import Limits
from app.conversation.log import EventLog
from app.conversation.ports import Attendant
from app.conversation.seal import MasterKey
from app.conversation.speak import Conversations
from app.desk_parts import Counter, make_counter
from app.errors import Conflict, HeldBack, NotFound
from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words
from app.knowledge.inspection import Inspection
from app.knowledge.jobs import Jobs
from app.knowledge.release import PointerMove, Release, ReleaseState
from app.review.review import Review
from app.sharing_parts import make_sharing
from app.shop.brand import Brand
from app.staff.door import Door
from app.telemetry import Telemetry
from tests.builders import a_chunk
from tests.fakes import FakeAttendant

API_KEY = "test-key"
MASTER = MasterKey(bytes(range(32)))
BRAND = Brand("Muji Hill", "Xiaoer", greeting={"zh": "您好！", "en": "Hello!"})


class FakeShops:
    """One shop, "hill", with two built releases: catalogue, publisher and brands in one."""

    def __init__(self) -> None:
        self.live: int | None = 2
        self.names = ["hill"]

    def __call__(self, shop: str) -> Brand:
        if shop not in self.names:
            raise NotFound(f"There is no shop {shop!r} here.")
        return BRAND

    async def live_release(self, shop: str) -> int | None:
        return self.live

    async def releases(self, shop: str) -> list[Release]:
        now = datetime.now(UTC)
        return [Release(shop, n, ReleaseState.BUILT, now, n == self.live, 10, "fake") for n in (2, 1)]

    async def shops(self) -> list[str]:
        return self.names

    async def differing(self, shop: str, before: int, after: int) -> tuple[list[Chunk], list[Chunk]]:
        held = {1: a_chunk("Returns", "Within 30 days."), 2: a_chunk("Returns", "Within 60 days.", chunk_id="newer")}
        return ([], []) if before == after else ([held[before]], [held[after]])

    async def moves(self, shop: str) -> list[PointerMove]:
        return [PointerMove(shop, 1, 2, datetime.now(UTC), "api", "spring prices")]

    async def inspection(self, shop: str, number: int) -> Inspection | None:
        return (await self.inspections(shop)).get(number)

    async def inspections(self, shop: str) -> dict[int, Inspection]:
        words = Words("价格变了", "A price changed")
        found = Finding("prices", Severity.WARNS, "products.csv", "TP-100", words, words, 4)
        return {2: Inspection(2, 1, datetime.now(UTC), [found])}

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "", force: str = "") -> int:
        if number == 3 and not force:
            raise HeldBack(shop, number, ["products.csv:4: the price of TP-100 is no price"])
        if number not in (1, 2, 3):
            raise Conflict(f"Release {number} is not built. Nothing has moved.")
        self.live = number
        return number

    async def rollback(self, shop: str, number: int | None, *, by: str = "", reason: str = "") -> int:
        return await self.publish(shop, number or 1)


async def welcome(shop: str, language: str) -> Sequence[str]:
    return ["Can I return it?"] if language == "en" else ["可以退货吗？"]


def make_conversations(log: EventLog, attendant: Attendant, shops: FakeShops, **limits: float) -> Conversations:
    return Conversations(
        log=log, attendant=attendant, releases=shops, brands=shops, witness=Telemetry(), limits=Limits(**limits)
    )


@cache
def _migrated() -> bytes:
    """An empty migrated database: running Alembic for every test would cost more than the tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        database = Database(f"sqlite:///{path}")
        upgrade(database)
        database.close()
        return path.read_bytes()


def migrated_database(home: Path, url: str = "") -> Database:
    """A database under `home`, at the newest revision."""
    path = home / "xiaoer.sqlite3"
    if not url and not path.exists():
        path.write_bytes(_migrated())
    database = Database(url or f"sqlite:///{path}")
    upgrade(database)
    return database


def make_container(
    home: Path,
    attendant: FakeAttendant | None = None,
    url: str = "",
    redis: str = "",
    shutdown_seconds: float = 2,
    review: Callable[[Database, Counter], Review] | None = None,
    per_minute: Mapping[str, int] | None = None,
    **more: Any,
) -> Container:
    """Real SQLite under `home`, or the database of that URL; it is closed with the application."""
    attendant = attendant or FakeAttendant()
    database = migrated_database(home, url)
    sharing = make_sharing(redis, database, {**USUAL, **(per_minute or {})})
    shops, telemetry = FakeShops(), Telemetry()
    counter = make_counter(
        database,
        MASTER,
        attendant=attendant,
        releases=shops,
        brands=shops,
        witness=telemetry,
        limits=Limits(30, shutdown_seconds),
        relay=sharing.relay,
        leases=sharing.leases,
    )

    mailroom = make_mailroom(database, MASTER, home, counter.conversations, shops, telemetry, 4_000)

    async def start() -> None:
        sharing.start()
        counter.watch.start()
        await mailroom.post.start()

    async def state() -> Sequence[Part]:
        return sharing.parts()

    async def close() -> None:
        await mailroom.close()
        await counter.close()
        await sharing.close()
        database.close()

    parts: dict[str, Any] = {
        "conversations": counter.conversations,
        "desk": counter.desk,
        "channels": mailroom.post,
        "attachments": counter.attachments,
        "start": start,
        "parts": state,
        "limits": sharing.limits,
        "attendant": attendant,
        "searcher": attendant,
        "knowledge": shops,
        "publisher": shops,
        "brands": shops,
        "welcome": welcome,
        "telemetry": telemetry,
        "tokens": Tokens(MASTER.derive("sign conversation tokens"), 3600),
        "api_key": API_KEY,
        "door": Door(SqlStaffBook(database)),
        "close": close,
        "jobs": Jobs(board=sharing.job_board),
    }
    if review is not None:
        parts["review"] = review(database, counter)
    return Container(**(parts | more))
