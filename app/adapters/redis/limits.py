"""Limits that all instances count together, in Redis; by each instance for itself while Redis is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.adapters.redis.link import RedisLink
from app.errors import Unavailable

_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local due, waits, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local most = tonumber(ARGV[i])
  local gap = 60000 / most
  local full = tonumber(redis.call('GET', key) or now)
  if full > now + 60001 then full = now end
  local at = math.max(full, now) + gap
  due[i] = at
  waits[i] = math.max(0, math.ceil(at - now - 60000))
  if waits[i] > 0 then refused = true end
end
if not refused then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, due[i], 'PX', math.max(1, math.ceil(due[i] - now)))
  end
end
return waits
"""
"""One number a key: when its bucket is full again, in milliseconds of Redis' own clock. No bucket takes more than a
minute to fill: a later moment was written while that clock stood elsewhere."""


class Otherwise(Protocol):
    """What counts while Redis is away."""

    async def take(self, *claims: tuple[str, str]) -> None:
        """Count, or raise TooManyRequests."""


class RedisLimits:
    """Token buckets: `per_minute` (kind → most) a key, as many at once. All keys of a request in one call."""

    def __init__(
        self,
        link: RedisLink,
        per_minute: Mapping[str, int],
        refuse: Callable[[Mapping[str, float]], None],
        otherwise: Otherwise,
    ) -> None:
        """`refuse` raises TooManyRequests when any of the waits (kind → seconds) is more than 0."""
        self._link = link
        self._most = {kind: most for kind, most in per_minute.items() if most > 0}
        self._refuse = refuse
        self._otherwise = otherwise
        self._take: Any = link.client.register_script(_TAKE)

    async def take(self, *claims: tuple[str, str]) -> None:
        """Count a request for each claim, or for none and raise TooManyRequests."""
        counted = [(kind, key) for kind, key in claims if kind in self._most]
        if not counted:
            return
        keys = [self._link.key("limit", kind, key) for kind, key in counted]
        most = [self._most[kind] for kind, _ in counted]
        try:
            waits = await self._link.ask(lambda _: self._take(keys=keys, args=most))
        except Unavailable:
            await self._otherwise.take(*claims)
            return
        self._refuse({kind: wait / 1000 for (kind, _), wait in zip(counted, waits, strict=True)})
