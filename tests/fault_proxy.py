"""A TCP proxy that does to a connection what networks and dying servers do. `mode` may be changed while it runs.

pass · refuse (closes at once) · hang (takes everything, answers nothing) · reset (RST in the middle of the answer) ·
half_close (ends the answer early, politely) · drip (a byte a second) · garbage (bytes that are no protocol) ·
delay (a pause before the answer) · error (HTTP 500)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MODES = ("refuse", "hang", "reset", "half_close", "drip", "garbage", "error")
_ERROR = b"HTTP/1.1 500 Broken\r\ncontent-length: 3\r\n\r\nno\n"
_SHOWN_BYTES = 400
"""What of an answer goes through before the connection breaks."""


class FaultProxy:
    """Stands before one port of this machine."""

    def __init__(self, target_port: int, mode: str = "pass", delay_seconds: float = 1.0) -> None:
        self.target_port, self.mode, self.delay_seconds = target_port, mode, delay_seconds
        self.port = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Break all that is connected now."""
        for task in self._serving:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            return _reset(writer)
        if self.mode == "hang":
            await asyncio.sleep(3600)
        if self.mode in ("garbage", "error"):
            await reader.readuntil(b"\r\n\r\n")
            said = (
                os.urandom(600) if self.mode == "garbage" else b"HTTP/1.1 500 Broken\r\ncontent-length: 3\r\n\r\nno\n"
            )
            writer.write(said)
            await writer.drain()
            return None
        behind, ahead = await asyncio.open_connection("127.0.0.1", self.target_port)
        forward = asyncio.create_task(_copy(reader, ahead))
        try:
            if self.mode == "delay":
                await asyncio.sleep(self.delay_seconds)
            await self._back(behind, writer)
        finally:
            forward.cancel()
            ahead.close()

    async def _back(self, behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = 0
        while data := await behind.read(4096):
            if self.mode == "drip":
                for byte in data:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1)
            if self.mode in ("reset", "half_close"):
                data = data[: max(0, _SHOWN_BYTES - shown)]
            writer.write(data)
            shown += len(data)
            await writer.drain()
            if shown >= _SHOWN_BYTES and self.mode in ("reset", "half_close"):
                await asyncio.sleep(0.05)
                if self.mode == "reset":
                    _reset(writer)
                else:
                    writer.write_eof()
                return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxied(target_port: int, mode: str = "pass") -> AsyncIterator[FaultProxy]:
    """A proxy before that port, as long as the block runs."""
    proxy = FaultProxy(target_port, mode)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
