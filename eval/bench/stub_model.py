"""A language model that costs nothing: streams forty tokens in the OpenAI protocol as fast as they are read."""

from __future__ import annotations

import asyncio
import json
import sys

TOKENS = 40
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\nconnection: keep-alive\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it closes."""
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            sizes = [
                line.split(b":")[1] for line in request.lower().split(b"\r\n") if line.startswith(b"content-length")
            ]
            length = int(sizes[0]) if sizes else 0
            body = await reader.readexactly(length)
            if b"/chat/completions" in request.split(b"\r\n")[0]:
                _stream(writer, len(body) // 4)
            else:
                _json(writer, {"object": "list", "data": [{"id": "stub", "object": "model"}]})
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _stream(writer: asyncio.StreamWriter, prompt_tokens: int) -> None:
    writer.write(_HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n")
    for number in range(TOKENS):
        word = "Stub. " if number == TOKENS - 1 else "word "
        _event(writer, {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
    _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": TOKENS, "total_tokens": prompt_tokens + TOKENS}
    _event(writer, {"choices": [], "usage": usage})
    _chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")


def _event(writer: asyncio.StreamWriter, data: dict[str, object]) -> None:
    record = {"id": "stub", "object": "chat.completion.chunk", "created": 0, "model": "stub", **data}
    _chunk(writer, b"data: " + json.dumps(record).encode() + b"\n\n")


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _json(writer: asyncio.StreamWriter, data: dict[str, object]) -> None:
    body = json.dumps(data).encode()
    writer.write(_HEAD % b"application/json" + b"content-length: %d\r\n\r\n%s" % (len(body), body))


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
