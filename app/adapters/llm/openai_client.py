"""A language model behind an OpenAI-compatible server: vLLM, llama.cpp, or a hosted one.

The stream is parsed by hand: forty chunks through the openai SDK cost a dozen CPU-milliseconds, this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any
from urllib.request import getproxies

import aiohttp
import orjson

from app.adapters.llm.breaker import Breaker
from app.chat.ports import Delta, Prompt
from app.chat.turn import ModelUse
from app.errors import ModelUnavailable

STALL_SECONDS = 1.5
"""The longest a stream may bring no word once it has begun: a drip of bytes is no answer."""
PROMPT_AT_FAULT = frozenset({400, 413, 422})
BROKEN_OFF = frozenset({"", "abort", "error"})
"""Reasons for which a stream ends before its answer does: vLLM says "abort" when it is told to stop"""
_JSON = {"Content-Type": "application/json"}


class OpenAIModel:
    """Streams chat completions. One session, one circuit breaker, at most `most_at_once` requests under way."""

    def __init__(
        self,
        base_url: str,
        *,
        name: str = "",
        key: str = "",
        first_token_seconds: float = 8.0,
        stall_seconds: float = STALL_SECONDS,
        most_at_once: int = 64,
        breaker: Breaker | None = None,
    ) -> None:
        self._base = _with_v1(base_url)
        self._name = name
        self._key = key
        self._first_token_seconds = first_token_seconds
        self._stall_seconds = stall_seconds
        self._most_at_once = most_at_once
        self._breaker = breaker or Breaker()
        self._under_way = 0
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """The model asked for; the server's first one once it has been asked."""
        return self._name or "default"

    @property
    def base_url(self) -> str:
        """Where the server is."""
        return self._base

    @property
    def available(self) -> bool:
        """False while it has just failed, or is as busy as we let it be: compose the answer without it."""
        return self._breaker.closed and self._under_way < self._most_at_once

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncGenerator[Delta, None]:
        """Stream one completion; the last delta carries the use. Closing the iterator cancels the request.

        Raises ModelUnavailable when the server is down, slow, refuses, breaks off or says nothing at all.
        """
        if self._under_way >= self._most_at_once or not self._breaker.begin():
            raise ModelUnavailable("The language model is resting after failures, or busy. Answer without it.")
        self._under_way += 1
        try:
            async for delta in self._exchange(prompt, time.monotonic() + timeout_seconds):
                yield delta
        except _PromptRefused as error:
            self._breaker.forget()
            raise ModelUnavailable(str(error)) from error
        except ModelUnavailable:
            self._breaker.fail()
            raise
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._breaker.fail()
            raise ModelUnavailable(f"The language model at {self._base} did not answer: {_told(error)}.") from error
        except BaseException:  # cancelled or closed by the reader: no fault of the server
            self._breaker.forget()
            raise
        else:
            self._breaker.succeed()
        finally:
            self._under_way -= 1

    async def _exchange(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        first = min(deadline, time.monotonic() + self._first_token_seconds)
        async with asyncio.timeout(max(0.0, first - time.monotonic())):
            body = orjson.dumps(self._body(prompt, self._name or await self._first_listed()))
            response = await self._open().post(f"{self._base}/chat/completions", data=body, headers=_JSON)
        stream = _Stream()
        try:
            async with asyncio.timeout(max(0.0, first - time.monotonic())):
                await self._check_status(response)
            limit = first
            while not stream.finished:
                async with asyncio.timeout(max(0.0, limit - time.monotonic())):
                    data = await response.content.readany()
                # What came in together is handed on together: forty steps of three generators cost a millisecond.
                if text := stream.feed(data):
                    limit = min(deadline, time.monotonic() + self._stall_seconds)
                    yield Delta(text=text)
                    limit = max(
                        limit, min(deadline, time.monotonic() + self._stall_seconds)
                    )  # the reader took its time
            stream.check_end()
            yield Delta(use=stream.use, cut=stream.cut)
        finally:
            response.close() if not stream.finished else response.release()

    def _body(self, prompt: Prompt, name: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": name,
            "messages": [{"role": role, "content": content} for role, content in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        return body

    async def _check_status(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 200:
            return
        said = (await response.content.read(200)).decode(errors="replace")
        message = f"The language model at {self._base} answered {response.status}: {said}"
        if response.status in PROMPT_AT_FAULT:
            raise _PromptRefused(message)
        raise ModelUnavailable(message)

    async def _first_listed(self) -> str:
        """The first model the server lists, remembered; "default" where it lists none."""
        async with self._open().get(f"{self._base}/models") as response:
            await self._check_status(response)
            listed = (await response.json(content_type=None)).get("data") or [{}]
        self._name = str(listed[0].get("id") or "default")
        return self._name

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(3.0, self._first_token_seconds))
            # The proxies of the environment, where it names any. Asking for them always has aiohttp look for a
            # .netrc on another thread before each request, which costs more than the request.
            self._session = aiohttp.ClientSession(headers=headers, timeout=timeout, trust_env=bool(getproxies()))
        return self._session

    def move_to(self, base_url: str) -> None:
        """The same server now listens elsewhere: past failures say nothing about it."""
        self._base = _with_v1(base_url)
        self._breaker.succeed()

    async def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class _PromptRefused(ModelUnavailable):
    """The server is well, and will not take this prompt."""


class _Stream:
    """What has been read of one server-sent event stream of chat.completion.chunk objects."""

    def __init__(self) -> None:
        self.use = ModelUse(calls=1)
        self.cut = False
        self.finished = False
        self._rest = b""
        self._said_something = False
        self._reason = ""

    def feed(self, data: bytes) -> str:
        """The text in the next bytes, of all the chunks they complete. No bytes: the connection has ended."""
        if not data:
            self.finished = True
            return ""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return "".join([self._read(line[5:].strip()) for line in lines if line.startswith(b"data:")])

    def _read(self, payload: bytes) -> str:
        if payload == b"[DONE]":
            self.finished = True
            return ""
        try:
            chunk = orjson.loads(payload)
            if "error" in chunk:
                raise ModelUnavailable(f"The language model broke off with an error: {str(chunk['error'])[:200]}")
            if "usage" in chunk or "timings" in chunk:
                self._count(chunk)
            choices = chunk.get("choices")
            if not choices:
                return ""
            first = choices[0]
            self._reason = first.get("finish_reason") or self._reason
            text = first.get("delta", {}).get("content") or ""
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise ModelUnavailable("The language model's stream is not in the OpenAI format.") from error
        self._said_something = self._said_something or bool(text.strip())
        return str(text)

    def _count(self, chunk: dict[str, Any]) -> None:
        usage, timings = chunk.get("usage") or {}, chunk.get("timings") or {}
        if usage or timings:
            details = usage.get("prompt_tokens_details") or {}
            cached = details.get("cached_tokens") or timings.get("cache_n") or 0
            self.use = ModelUse(
                calls=1,
                prompt_tokens=usage.get("prompt_tokens") or timings.get("prompt_n", 0) + timings.get("cache_n", 0),
                cached_tokens=cached,
                completion_tokens=usage.get("completion_tokens") or timings.get("predicted_n", 0),
            )

    def check_end(self) -> None:
        """Raise ModelUnavailable when it ended too early or said nothing."""
        self.cut = self._reason == "length"
        if self._reason in BROKEN_OFF:
            raise ModelUnavailable("The language model broke off in the middle of its answer.")
        if not self._said_something:
            raise ModelUnavailable("The language model answered with no text at all.")


def _with_v1(url: str) -> str:
    base = url.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    return base if base.endswith("/v1") else f"{base}/v1"


def _told(error: BaseException) -> str:
    return "it took too long" if isinstance(error, TimeoutError) else (str(error) or type(error).__name__)
