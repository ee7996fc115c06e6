"""A LlamaIndex chat engine behind FastAPI: `python llama_index_app.py PORT MODEL_URL`. Nothing is looked up or kept."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Message(BaseModel):
    """What the shopper wrote."""

    text: str


def create_app(model_url: str) -> FastAPI:
    """The server in front of that model."""
    llm = OpenAILike(model="stub", api_base=model_url, api_key="none", is_chat_model=True, context_window=8192)
    app = FastAPI()

    @app.post("/messages")
    async def message(message: Message) -> StreamingResponse:
        engine = SimpleChatEngine.from_defaults(llm=llm, system_prompt="You are a shop's assistant.")
        answer = await engine.astream_chat(message.text)

        async def words() -> AsyncIterator[str]:
            async for token in answer.async_response_gen():
                yield f"data: {json.dumps(token)}\n\n"

        return StreamingResponse(words(), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
