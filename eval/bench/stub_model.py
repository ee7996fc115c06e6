"""A language model that costs nothing: streams forty tokens in the OpenAI protocol as fast as they are read.

`GET /pace/FIRST/TOTAL` lets it take its time from then on: seconds to the first token, and for all of them. What it
says are the facts it was given, so that a server which checks them has something to pass on.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

TOKENS = 40
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\nconnection: keep-alive\r\n"
_FACTS = re.compile(r"Facts:\n(.+?)\n\nCustomer:", re.DOTALL)
_PACE = {"first": 0.0, "total": 0.0}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it closes."""
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            sizes = [
                line.split(b":")[1] for line in request.lower().split(b"\r\n") if line.startswith(b"content-length")
            ]
            length = int(sizes[0]) if sizes else 0
            body = await reader.readexactly(length)
            path = request.split(b"\r\n")[0].split(b" ")[1].decode()
            if path.endswith("/chat/completions"):
                await _stream(writer, body)
            elif path.startswith("/pace/"):
                _PACE["first"], _PACE["total"] = map(float, path.split("/")[2:4])
                _json(writer, dict(_PACE))
            else:
                _json(writer, {"object": "list", "data": [{"id": "stub", "object": "model"}]})
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _stream(writer: asyncio.StreamWriter, body: bytes) -> None:
    """All tokens at once, or at the pace."""
    writer.write(_HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n")
    words = _words(body)
    step = (_PACE["total"] - _PACE["first"]) / len(words)
    for number, word in enumerate(words):
        if _PACE["total"]:
            await asyncio.sleep(step if number else _PACE["first"])
        _event(writer, {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
    _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    prompt = len(body) // 4
    usage = {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words)}
    _event(writer, {"choices": [], "usage": usage})
    _chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")


def _words(body: bytes) -> list[str]:
    """Forty tokens: the facts of the prompt, or words where it has none. The first ends a sentence."""
    said = str(json.loads(body)["messages"][-1].get("content", "")) if _PACE["total"] else ""
    if facts := _FACTS.search(said):
        line = re.sub(r"^\[[^\]]*\] ", "", facts[1].split("\n")[0])
        first, _, rest = line.partition(". ")
        words = [f"{first.rstrip('.')}. ", *(f"{word} " for word in rest.split())]
        return [*[*words, *["word "] * TOKENS][: TOKENS - 1], "Stub. "]
    return ["word "] * (TOKENS - 1) + ["Stub. "]


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
