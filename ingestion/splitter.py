"""LlamaIndex's SentenceSplitter with a tokenizer that needs no network. Importing it costs seconds: import on use."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def _encode() -> Callable[[str], list[int]]:
    spec = find_spec("llama_index.core")
    if spec is not None and spec.origin is not None:
        # The encodings lie inside the package; without this tiktoken would download them.
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(Path(spec.origin).parent / "_static" / "tiktoken_cache"))
    import tiktoken  # noqa: PLC0415

    encoding = tiktoken.get_encoding("cl100k_base")
    return lambda text: encoding.encode(text, disallowed_special=())


def sentence_splitter(tokens: int, sentences: Callable[[str], list[str]]) -> Any:
    """A splitter of texts into pieces of at most `tokens`, cut between the given sentences, without overlap."""
    from llama_index.core.node_parser import SentenceSplitter  # noqa: PLC0415

    return SentenceSplitter(
        chunk_size=tokens, chunk_overlap=0, tokenizer=_encode(), chunking_tokenizer_fn=sentences, include_metadata=False
    )
