"""What instances of one installation share: wake-ups, leases, limits, how jobs stand. Called by bootstrap."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.adapters.db.engine import Database
from app.adapters.db.job_board import SqlJobBoard
from app.adapters.db.leases import SqlLeases
from app.api.container import Part
from app.api.limits import LocalLimits, RateLimits, refuse
from app.conversation.leases import Leases, NoLeases
from app.conversation.relay import NoRelay, Relay
from app.errors import ConfigurationError
from app.knowledge.job_board import JobBoard

if TYPE_CHECKING:
    from app.adapters.redis.link import RedisLink
    from app.adapters.redis.relay import RedisRelay


@dataclass(frozen=True)
class Sharing:
    """With Redis: at once, and cheaply. Without: by looking at the database. One instance needs neither."""

    relay: Relay
    leases: Leases
    limits: RateLimits
    job_board: JobBoard | None = None
    link: RedisLink | None = None
    redis_relay: RedisRelay | None = None

    def start(self) -> None:
        """Begin to hear others."""
        if self.redis_relay is not None:
            self.redis_relay.start()

    async def close(self) -> None:
        """Stop, and close the connections."""
        if self.redis_relay is not None:
            await self.redis_relay.close()
        if self.link is not None:
            await self.link.close()

    def parts(self) -> tuple[Part, ...]:
        """The state of Redis for /readyz. Never required: everything is done worse without it, and nothing is lost."""
        return (Part("redis", self.link.alive, self.link.told, required=False),) if self.link else ()


def make_sharing(redis_url: str, database: Database, per_minute: Mapping[str, int] | None = None) -> Sharing:
    """Over that Redis ("" = none) and database. Raises ConfigurationError for an address that is none.

    `per_minute`: what is counted (address, conversation, account, shop) → most requests in a minute.
    """
    alone = LocalLimits(per_minute or {})
    in_database: Leases = SqlLeases(database) if database.shared else NoLeases()
    board = SqlJobBoard(database) if database.shared else None
    if not redis_url:
        return Sharing(NoRelay(), in_database, alone, board)
    if importlib.util.find_spec("redis") is None:
        raise ConfigurationError(
            "XIAOER_REDIS is set, and the Redis client is not installed. Nothing was started; run "
            "`pip install 'xiaoer[redis]'`."
        )
    from app.adapters.redis.leases import RedisLeases  # noqa: PLC0415  an extra
    from app.adapters.redis.limits import RedisLimits  # noqa: PLC0415
    from app.adapters.redis.link import RedisLink  # noqa: PLC0415
    from app.adapters.redis.relay import RedisRelay  # noqa: PLC0415

    link = RedisLink(redis_url)
    relay = RedisRelay(link)
    leases = RedisLeases(link, in_database) if database.shared else in_database
    return Sharing(relay, leases, RedisLimits(link, per_minute or {}, refuse, alone), board, link, relay)
