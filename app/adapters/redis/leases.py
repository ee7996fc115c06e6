"""Leases in Redis, and in the database while Redis is away."""

from __future__ import annotations

from typing import Any

from app.adapters.redis.link import RedisLink
from app.conversation.leases import LEASE_SECONDS, Leases
from app.errors import Unavailable

_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and redis.call('PTTL', KEYS[1]) <= 2 * tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""One that has twice its term left was taken while Redis' clock stood elsewhere, and might be held for hours."""
_FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisLeases:
    """`Leases`, by Redis' own clock."""

    def __init__(self, link: RedisLink, otherwise: Leases) -> None:
        self._link = link
        self._otherwise = otherwise
        self._take: Any = link.client.register_script(_TAKE)
        self._free: Any = link.client.register_script(_FREE)

    async def take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> bool:
        """Hold it for so long from now."""
        key = self._link.key("lease", name)
        try:
            return bool(await self._link.ask(lambda _: self._take(keys=[key], args=[holder, int(seconds * 1000)])))
        except Unavailable:
            return await self._otherwise.take(name, holder, seconds)

    async def free(self, name: str, holder: str) -> None:
        """Give it back, wherever it was taken."""
        key = self._link.key("lease", name)
        try:
            if await self._link.ask(lambda _: self._free(keys=[key], args=[holder])):
                return
        except Unavailable:
            pass
        await self._otherwise.free(name, holder)
