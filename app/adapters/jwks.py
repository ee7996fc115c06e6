"""Public keys fetched from the address a shop has named, kept for a while."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from app.errors import Unavailable

log = structlog.get_logger(__name__)

FRESH_SECONDS = 600.0
"""How long keys are taken as they are."""
STALE_SECONDS = 86_400.0
"""How long old ones serve while the address does not answer."""
AGAIN_SECONDS = 60.0
"""How soon an unknown key's name makes us ask again: strangers must not make us hammer the shop."""
MOST_BYTES = 100_000
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: Sequence[Mapping[str, Any]]
    at: float
    asked: float


class HttpPublicKeys:
    """`PublicKeys` over HTTPS. Redirects are not followed: the address is the shop's word, another host's is not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = asyncio.Lock()

    async def read(self, url: str, kid: str = "") -> Sequence[Mapping[str, Any]]:
        """The keys there; see the port."""
        async with self._lock:
            kept, now = self._kept.get(url), self._clock()
            unknown = kept is not None and bool(kid) and all(key.get("kid") != kid for key in kept.keys)
            if kept and now - kept.asked < (AGAIN_SECONDS if unknown else FRESH_SECONDS) and kept.keys:
                return kept.keys
            if kept and not kept.keys and now - kept.asked < AGAIN_SECONDS / 6:
                raise _silent(url)
            try:
                kept = _Kept(await _fetch(url), now, now)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                log.warning("jwks.unreadable", problem=type(error).__name__)
                if kept is None or not kept.keys or now - kept.at > STALE_SECONDS:
                    self._kept[url] = _Kept((), now, now)
                    raise _silent(url) from error
                kept = _Kept(kept.keys, kept.at, now)
            self._kept[url] = kept
            return kept.keys


async def _fetch(url: str) -> Sequence[Mapping[str, Any]]:
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        session.get(url, allow_redirects=False, headers={"accept": "application/json"}) as response,
    ):
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        body = await response.content.read(MOST_BYTES + 1)
        while len(body) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
            body += more
    if len(body) > MOST_BYTES:
        raise ValueError("too long")
    told = json.loads(body)
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise ValueError("no keys")
    return keys


def _silent(url: str) -> Unavailable:
    return Unavailable(
        f"The shop's public keys at {url} cannot be read. The conversation was not begun; try again in a moment, or "
        "begin without an identity token."
    )
