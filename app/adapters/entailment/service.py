"""An entailment model behind a service that speaks `/predict` as text-embeddings-inference does.

Request: `{"inputs": [[evidence, sentence], …], "truncate": true}`; reply: a list a pair of `{"label", "score"}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
import orjson
import structlog

from app.adapters.entailment.labels import chance, cleaned
from app.adapters.llm.breaker import Breaker
from app.errors import ConfigurationError, Unavailable

log = structlog.get_logger(__name__)


class EntailmentService:
    """Implements `Entailment` over HTTP. One session, one circuit breaker.

    Raises ConfigurationError for an address that is none.
    """

    def __init__(self, url: str, *, key: str = "", breaker: Breaker | None = None) -> None:
        self._url = _with_predict(url)
        self._key = key
        self._breaker = breaker or Breaker()
        self._problem = ""
        self._session: aiohttp.ClientSession | None = None

    @property
    def available(self) -> bool:
        """False while it has just failed."""
        return self._breaker.closed

    @property
    def told(self) -> str:
        """Its state for people."""
        return f"{self._url}: {self._problem}; sentences go without it" if self._problem else self._url

    async def supports(self, pairs: Sequence[tuple[str, str]], *, timeout_seconds: float) -> list[float]:
        """The probability that the evidence supports the sentence, for each pair."""
        if not pairs:
            return []
        if not self._breaker.begin():
            raise Unavailable("The entailment service is resting after failures. The check decides without it.")
        try:
            async with asyncio.timeout(timeout_seconds):
                found = await self._predict(cleaned(pairs))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            self._failed("it took too long" if isinstance(problem, TimeoutError) else str(problem))
            raise Unavailable(f"The entailment service at {self._url} is no help: {self._problem}.") from problem
        except BaseException:  # the reader left
            self._breaker.forget()
            raise
        self._breaker.succeed()
        self._problem = ""
        return found

    async def close(self) -> None:
        """Close the connections. Twice is harmless."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        body = orjson.dumps({"inputs": pairs, "truncate": True})
        async with self._open().post(self._url, data=body, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"it answers {response.status}")
            rows = orjson.loads(await response.read())
        try:
            found = [chance({str(one["label"]): one["score"] for one in row}) for row in rows]
        except (TypeError, KeyError) as problem:
            raise ValueError("what it answers is not that of /predict") from problem
        if len(found) != len(pairs):
            raise ValueError(f"it answers {len(found)} of {len(pairs)} pairs")
        return found

    def _failed(self, problem: str) -> None:
        self._breaker.fail()
        if not self._problem:
            log.warning("entailment.lost", url=self._url, problem=problem)
        self._problem = problem or "it does not answer"

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            # The proxies of the environment, where it names any: asking always costs more than the request.
            self._session = aiohttp.ClientSession(headers=headers, trust_env=bool(getproxies()))
        return self._session


def _with_predict(url: str) -> str:
    base = url.strip().rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"XIAOER_NLI is {url}, which is no http:// or https:// address. Nothing was started; correct it."
        )
    return base if base.endswith("/predict") else f"{base}/predict"
