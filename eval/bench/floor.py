"""The least a chat server can do: FastAPI takes a message, streams the model's words back. Nothing is known or kept."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Message(BaseModel):
    """What the shopper wrote."""

    text: str


def create_floor(model_url: str) -> FastAPI:
    """The server in front of that model."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            app.state.session = session
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/messages")
    async def message(message: Message) -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            request = {"model": "stub", "stream": True, "messages": [{"role": "user", "content": message.text}]}
            async with app.state.session.post(f"{model_url}/chat/completions", json=request) as response:
                async for line in response.content:
                    if line.startswith(b"data: {") and (choices := json.loads(line[6:])["choices"]):
                        yield f"data: {json.dumps(choices[0]['delta'].get('content', ''))}\n\n"

        return StreamingResponse(words(), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    uvicorn.run(create_floor(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
