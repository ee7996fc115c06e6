"""A Haystack pipeline deployed with hayhooks: `python hayhooks_app.py PORT MODEL_URL`. Nothing is looked up or kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

WRAPPER = """
from collections.abc import AsyncGenerator

from hayhooks import BasePipelineWrapper, async_streaming_generator
from haystack import Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret


class PipelineWrapper(BasePipelineWrapper):
    def setup(self) -> None:
        self.pipeline = Pipeline()
        template = [
            ChatMessage.from_system("You are a shop's assistant."),
            ChatMessage.from_user("{{question}}"),
        ]
        self.pipeline.add_component("prompt", ChatPromptBuilder(template=template, required_variables=["question"]))
        llm = OpenAIChatGenerator(api_key=Secret.from_token("none"), model="stub", api_base_url="MODEL_URL")
        self.pipeline.add_component("llm", llm)
        self.pipeline.connect("prompt.prompt", "llm.messages")

    async def run_chat_completion_async(self, model: str, messages: list[dict], body: dict) -> AsyncGenerator:
        question = messages[-1]["content"]
        return async_streaming_generator(
            pipeline=self.pipeline, pipeline_run_args={"prompt": {"question": question}}
        )
"""


def main(port: int, model_url: str) -> None:
    """Deploy the pipeline and serve."""
    folder = Path(sys.argv[3]) / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pipeline_wrapper.py").write_text(WRAPPER.replace("MODEL_URL", model_url), encoding="utf-8")
    os.environ["HAYHOOKS_PIPELINES_DIR"] = str(folder.parent)
    import uvicorn  # noqa: PLC0415  hayhooks reads its settings when it loads
    from hayhooks.server.app import create_app  # noqa: PLC0415

    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
