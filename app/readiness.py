"""How the parts of a server are, for /readyz."""

from __future__ import annotations

from collections.abc import Sequence

from app.adapters.llm.embedded import EmbeddedModel
from app.adapters.llm.no_model import NoModel
from app.adapters.llm.replicas import ReplicatedModel
from app.api.container import Part
from app.attendance import Knowledge
from app.chat.ports import LanguageModel


async def parts_of(knowledge: Knowledge, model: LanguageModel) -> Sequence[Part]:
    """The state of every part. The model is not required: without it answers are extractive."""
    shops = await knowledge.catalogue.shops()
    live = {shop: await knowledge.catalogue.live_release(shop) for shop in shops}
    return (
        Part("database", True, knowledge.database.engine.dialect.name),
        Part("knowledge", any(live.values()), f"{sum(1 for r in live.values() if r)} shops live"),
        await _index(knowledge, {shop: release for shop, release in live.items() if release}),
        Part("embedder", True, knowledge.embedder.name),
        Part("model", isinstance(model, NoModel) or model.available, _status(model), required=False),
    )


async def _index(knowledge: Knowledge, live: dict[str, int]) -> Part:
    """Whether the index holds what the live releases have, and which shop's part of it is short."""
    counted, short = 0, []
    for shop, release in live.items():
        counted += (found := await knowledge.index.count(shop, release))
        if found < (belong := await knowledge.catalogue.point_count(shop, release)):
            short.append(f"; {found} of {belong} in {shop}: run `xiaoer reindex --shop {shop}`")
    return Part("index", counted > 0, f"{counted} points of live releases{''.join(short)}")


def _status(model: LanguageModel) -> str:
    if isinstance(model, EmbeddedModel):
        return str(model.status)
    if isinstance(model, ReplicatedModel):
        return model.told
    return "ready" if model.available else "not available"
