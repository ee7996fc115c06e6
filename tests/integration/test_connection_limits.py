"""Request heads that are too large or too slow, on the real protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from app import connection_limits
from app.connection_limits import LimitedHttp
from app.main import create_app
from tests.edge import make_container
from tests.integration.test_kill import free_port

pytestmark = pytest.mark.integration
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
async def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 0.6)
    port = free_port()
    config = uvicorn.Config(
        create_app(make_container(tmp_path)), port=port, http=LimitedHttp, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await running


async def exchange(port: int, *pieces: bytes, pause_seconds: float = 0.0) -> bytes:
    """What the server says to these bytes, until it closes the connection or is quiet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_an_ordinary_request_is_answered_and_the_connection_serves_another(port: int) -> None:
    last = HEALTH + b"connection: close\r\n\r\n"
    said = await exchange(port, HEALTH + b"\r\n", last, pause_seconds=0.7)
    assert said.count(b"200 OK") == 2


async def test_a_head_that_is_too_large_is_refused(port: int) -> None:
    fields = b"".join(b"x-%d: %s\r\n" % (n, b"a" * 900) for n in range(80))
    assert (await exchange(port, HEALTH + fields + b"\r\n")).startswith(b"HTTP/1.1 431")


async def test_a_field_that_never_ends_is_given_up(port: int) -> None:
    said = await exchange(port, HEALTH + b"x: ", *[b"a" * 65_536] * 8)
    assert said == b"" or said.startswith(b"HTTP/1.1 431")


async def test_a_head_that_drips_is_given_up(port: int) -> None:
    begun = time.monotonic()
    said = await exchange(port, *(bytes([byte]) for byte in HEALTH[:6]), pause_seconds=0.08)
    assert said.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun < 3


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    assert (await exchange(port)).startswith(b"HTTP/1.1 408")
