"""What `xiaoer doctor` sees of the index. A Qdrant server is asked itself first: no shop may be live to count for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.errors import Unavailable
from app.knowledge.ports import KnowledgeIndex

WANTED = (1, 17)
"""The first Qdrant that counts words a shop, which rare words are weighed by."""
_UNTIL = "Until then every question is handed to a person."


async def look_at_index(index: KnowledgeIndex, url: str, live: Mapping[str, int]) -> tuple[str, str, str]:
    """State ("ok", "warn", "fail"), what was seen, and what to do about it. `url` is "" for the embedded index;
    `live`: shop → its live release."""
    try:
        version = await _version(index) if url else ""
        counts = {shop: await index.count(shop, number) for shop, number in live.items()}
    except Unavailable as problem:
        return "fail", f"{url or 'the embedded one'} cannot be used", f"{problem} {_UNTIL}"
    seen = f"{f'Qdrant {version} at {url}' if url else 'embedded'}, {sum(counts.values())} points"
    if empty := [shop for shop, count in counts.items() if not count]:
        return "fail", seen, f"Ingest {', '.join(empty)} again: the index is filled from the folder and the database."
    if version and _numbers(version) < WANTED:
        return "warn", seen, f"Upgrade Qdrant to {'.'.join(map(str, WANTED))} or newer: rare words are weighed wrongly."
    return "ok", seen, ""


async def _version(index: KnowledgeIndex) -> str:
    from app.adapters.index.qdrant_server import QdrantServerIndex  # noqa: PLC0415  loads a client

    return await index.version() if isinstance(index, QdrantServerIndex) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[: len(WANTED)])
